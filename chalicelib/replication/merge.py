"""One change of another region, merged into the document that is here. Pure.

Field by field the higher version wins, in whatever order changes arrive, so regions that have heard the same agree.
Of two writes of a field whose writers had not heard of each other one loses: both are kept as a ``Conflict``. A change
tells the stamp of what its writer had read, a document keeps the stamp of all that has come, and so it is known in
whatever order they come.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.replication.rules import (
    ALL_FIELDS,
    VERSIONS,
    Documents,
    Entries,
    entry_field,
    field_stamp,
    named_entries,
)
from chalicelib.replication.versions import NEVER, covers, joined, newest_of

MISSING: Final = None
"""How the loss of a field or of an entry is told in a conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A write that lost against one its writer had not heard of."""

    collection: str
    key: Any
    field: str
    loser: Any
    loser_version: str
    winner: Any
    winner_version: str

    def document(self, event_id: str, now: Any) -> Document:
        """For the ledger of conflicts. Its ``_id`` is the same wherever and however often it is found."""
        return {
            "_id": f"{self.collection}:{self.key}:{self.field}:{self.loser_version}:{self.winner_version}",
            "collection": self.collection,
            "key": self.key,
            "field": self.field,
            "loser": {"version": self.loser_version, "value": self.loser},
            "winner": {"version": self.winner_version, "value": self.winner},
            "eventId": event_id,
            "detectedAt": now,
        }


def merged(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> tuple[Document, list[Conflict]]:
    """The document after ``change``, written at ``version``, and who lost. ``here`` is left as it is.

    ``here`` is None where the document is not known; then ``change`` must be its beginning.
    """
    return _Merge(collection, rule, here, change, version).result()


class _Merge:
    def __init__(
        self, collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
    ) -> None:
        self._collection = collection
        self._rule = rule
        self._change = change
        self._version = version
        self._conflicts: list[Conflict] = []
        self._document: Document = dict(here) if here is not None else self._begun()
        self._versions: dict[str, str] = dict(self._document.get(VERSIONS) or {})

    def _begun(self) -> Document:
        rule, change = self._rule, self._change
        empty: dict[str, Any] = {name: [] for name in rule.entries}
        begin = {"_id": change["id"], rule.key: change["key"], **change.get("begin", {})}
        return {**begin, **dict.fromkeys(rule.counters, 0), **empty}

    def result(self) -> tuple[Document, list[Conflict]]:
        change = self._change
        for name, value in self._fields().items():
            if self._wins(name, self._document.get(name), value):
                if value is MISSING and name not in change["set"]:
                    self._document.pop(name, None)
                else:
                    self._document[name] = value
        for name, entries in self._entries().items():
            self._merge_entries(name, entries)
        if change.get("new"):
            self._versions[ALL_FIELDS] = joined(self._versions.get(ALL_FIELDS, NEVER), self._version)
        for name, moment in change.get("latest", {}).items():
            known = self._document.get(name)
            self._document[name] = moment if known is None or moment > known else known
        for name, amount in change.get("add", {}).items():
            self._document[name] = (self._document.get(name) or 0) + amount
        if self._versions:
            self._document[VERSIONS] = self._versions
        return self._document, self._conflicts

    def _fields(self) -> dict[str, Any]:
        """What the change makes of fields. A beginning says of all fields that it does not name: they are not there."""
        change, rule = self._change, self._rule
        gone = dict.fromkeys(change.get("unset", ()), MISSING)
        if change.get("new"):
            apart = {rule.key, *rule.latest, *rule.counters, *rule.entries}
            gone = {name: MISSING for name in self._document if name not in apart and not rule.is_own(name)}
        return {**gone, **change["set"]}

    def _entries(self) -> dict[str, Mapping[str, Any]]:
        told: Mapping[str, Mapping[str, Any]] = self._change.get("entries", {})
        if not self._change.get("new"):
            return dict(told)
        return {
            name: {**dict.fromkeys(named_entries(rule, self._document.get(name)), MISSING), **told.get(name, {})}
            for name, rule in self._rule.entries.items()
        }

    def _merge_entries(self, name: str, entries: Mapping[str, Any]) -> None:
        rule = self._rule.entries[name]
        stored = named_entries(rule, self._document.get(name))
        for key, entry in entries.items():
            if self._wins(entry_field(name, key), stored.get(key), entry):
                stored[key] = entry
        self._document[name] = ordered(rule, stored)

    def _wins(self, name: str, here: Any, value: Any) -> bool:
        stamp = field_stamp({VERSIONS: self._versions}, name)
        if covers(stamp, self._version):
            return False
        base, newest = self._change["base"].get(name, NEVER), newest_of(stamp)
        wins = self._version > newest
        # Of two writes at least one did not know the other; with a stamp that covers neither, none did.
        if newest and here != value and not (wins and covers(base, newest)):
            self._conflict(name, (here, newest), (value, self._version), wins=wins)
        if not self._change.get("new"):
            own = self._versions.get(name, NEVER)
            self._versions[name] = joined(joined(own, base), self._version)
        return wins

    def _conflict(self, name: str, here: tuple[Any, str], told: tuple[Any, str], *, wins: bool) -> None:
        (loser, loser_version), (winner, winner_version) = (here, told) if wins else (told, here)
        self._conflicts.append(
            Conflict(
                collection=self._collection,
                key=self._change["key"],
                field=name,
                loser=loser,
                loser_version=loser_version,
                winner=winner,
                winner_version=winner_version,
            )
        )


def ordered(rule: Entries, entries: Mapping[str, Any]) -> list[Any]:
    """A list of the entries that are there, in the order all regions have it; those without a moment come first."""
    present = [(entry.get(rule.since), key, entry) for key, entry in entries.items() if entry is not None]
    return [entry for _, _, entry in sorted(present, key=lambda one: (one[0] is not None, one[0], one[1]))]
