"""Bugs as they might be made, planted one at a time: the simulation must not survive any of them."""

import copy
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from chalicelib.arena.ports import Document, Lookup, Write
from chalicelib.replication.capture import Recorder
from chalicelib.replication.effects import Increments, balance_change, standings_change
from chalicelib.replication.envelope import Envelope, canonical
from chalicelib.replication.merge import Conflict, merged
from chalicelib.replication.replica import Meanings
from chalicelib.replication.rules import VERSIONS, Documents
from chalicelib.replication.signing import Keyring
from chalicelib.replication.versions import newest_of, next_version
from tests.simulation.parts import Parts

Merged = tuple[Document, list[Conflict]]


def _merge_by_arrival(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> Merged:
    """Whatever comes last wins."""
    unversioned = None if here is None else {name: value for name, value in here.items() if name != VERSIONS}
    document, conflicts = merged(collection, rule, unversioned, change, version)
    kept = {**((here or {}).get(VERSIONS) or {}), **document.get(VERSIONS, {})}
    return {**document, VERSIONS: kept} if kept else document, conflicts


def _merge_whole_documents(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> Merged:
    """One version for a whole document: a change of the bio undoes a change of the name."""
    newest = max(map(newest_of, ((here or {}).get(VERSIONS) or {}).values()), default="")
    if here is not None and version < newest:
        return here, []
    return merged(collection, rule, here, change, version)


def _merge_without_conflicts(*given: Any) -> Merged:
    """Losers vanish."""
    return merged(*given)[0], []


def _merge_without_tombstones(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> Merged:
    """What is gone is forgotten, and comes back with a late event."""
    document, conflicts = merged(collection, rule, here, change, version)
    gone = {
        f"{name}/{entry}"
        for name, entries in change.get("entries", {}).items()
        for entry in entries
        if not entries[entry]
    }
    kept = {name: stamp for name, stamp in document.get(VERSIONS, {}).items() if name not in gone}
    return {**document, VERSIONS: kept}, conflicts


def _merge_taking_order_for_knowledge(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> Merged:
    """Takes a writer to have read all that is older than what they read: losers go missing when events overtake."""
    document, conflicts = merged(collection, rule, here, change, version)
    found = [
        conflict
        for conflict in conflicts
        if conflict.winner_version == version
        and conflict.loser_version > newest_of(change["base"].get(conflict.field, ""))
    ]
    return document, found


def _merge_without_counters(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> Merged:
    """Sets what should be added."""
    document, conflicts = merged(collection, rule, here, change, version)
    return {**document, **change.get("add", {})}, conflicts


def _remember_nothing(_events: Sequence[Any], _now: datetime) -> Sequence[Write]:
    """Every copy of an event counts."""
    return ()


def _no_balance(_row: Mapping[str, Any], _sign: int = 1) -> Increments:
    return {}


def _credits_only(row: Mapping[str, Any], sign: int = 1) -> Increments:
    """Takes every row for a credit."""
    return balance_change({**row, "direction": "credit"}, sign)


def _no_standings(*_given: Any) -> tuple[Increments, Sequence[str]]:
    return {}, ()


def _standings_of_all_time(*given: Any) -> tuple[Increments, Sequence[str]]:
    """Forgets the season."""
    increments, dropped = standings_change(*given)
    return {path: amount for path, amount in increments.items() if path.startswith("totals.")}, dropped


def _clock_alone(now: datetime, _seen: Iterable[str], rank: int) -> str:
    """Believes the clock, whatever was read."""
    return next_version(now, (), rank)


class _Forgetful(Recorder):
    """Does not tell of one kind of change."""

    def __init__(self, *given: Any, forgets: str) -> None:
        super().__init__(*given)
        self._forgets = forgets

    def recorded(self, writes: Sequence[Write], lookup: Lookup) -> list[Write]:
        result = copy.deepcopy(super().recorded(writes, lookup))
        for write in result:
            for document in getattr(write, "documents", ()):
                for change in document.get("changes", ()):
                    change.pop(self._forgets, None)
        return result


class _Believer(Keyring):
    """Takes every signature."""

    def verify(self, envelope: Envelope) -> None:
        del envelope


class _Careless(Keyring):
    """Signs, and checks, all but one field."""

    skips: str = ""

    def _signature(self, key_id: str, envelope: Envelope) -> str:
        fields = {name: value for name, value in envelope.signed_fields().items() if name != self.skips}
        return hmac.new(self.keys[key_id], canonical(fields), hashlib.sha256).hexdigest()


def _careless_about(field: str) -> type[Keyring]:
    return type(f"CarelessAbout{field.title()}", (_Careless,), {"skips": field})


def _mark_all(_sent: Sequence[Any], claimed: Sequence[Any]) -> Sequence[Any]:
    """Takes for sent what was only meant to be."""
    return claimed


PLANTED: Final[Mapping[str, Parts]] = {
    "merges by arrival": Parts(meanings=Meanings(merge=_merge_by_arrival)),
    "merges whole documents": Parts(meanings=Meanings(merge=_merge_whole_documents)),
    "keeps no losers": Parts(meanings=Meanings(merge=_merge_without_conflicts)),
    "keeps no tombstones": Parts(meanings=Meanings(merge=_merge_without_tombstones)),
    "takes order for knowledge": Parts(meanings=Meanings(merge=_merge_taking_order_for_knowledge)),
    "sets counters": Parts(meanings=Meanings(merge=_merge_without_counters)),
    "remembers nothing": Parts(remember=_remember_nothing),
    "pays nobody": Parts(meanings=Meanings(balance=_no_balance)),
    "takes debits for credits": Parts(meanings=Meanings(balance=_credits_only)),
    "counts no battle": Parts(meanings=Meanings(standings=_no_standings)),
    "forgets seasons": Parts(meanings=Meanings(standings=_standings_of_all_time)),
    "believes its clock": Parts(recorder=partial(Recorder, version=_clock_alone)),
    "does not tell entries": Parts(recorder=partial(_Forgetful, forgets="entries")),
    "does not tell what is unset": Parts(recorder=partial(_Forgetful, forgets="unset")),
    "does not tell counters": Parts(recorder=partial(_Forgetful, forgets="add")),
    "does not tell seasons": Parts(recorder=partial(_Forgetful, forgets="season")),
    "believes every signature": Parts(keyring=_Believer),
    **{
        f"does not sign {field}": Parts(keyring=_careless_about(field))
        for field in ("eventId", "sourceRegion", "entity", "key", "version", "op", "payload", "occurredAt", "sentAt")
    },
    "marks what was not sent": Parts(mark=_mark_all),
}
"""Parts with one fault each, by what they do wrong."""
