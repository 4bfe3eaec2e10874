"""What to do about a difference between regions, as data. Pure.

The same rules as for events: facts are a union, of a field the higher version counts. What events can't bring about is
decided by the majority of regions, without one by the region of highest priority, and the loser is on record: two
values of one version, two contents of one fact. Regions are given in the order of their priority, first the highest.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from hashlib import blake2b
from typing import Any, Final, Literal

from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.replication.content import (
    BOSS_FIELDS,
    GONE,
    Key,
    Told,
    digest_of,
    normal,
    told_of,
)
from chalicelib.replication.merge import ordered
from chalicelib.replication.rules import DOCUMENTS, VERSIONS, Documents, field_stamp, named_entries
from chalicelib.replication.versions import joined, newest_of

Action = Literal["insert", "change", "balance", "boss", "standings"]
"""insert: a document or fact that is missing. change: one that is there."""

_SEPARATOR: Final = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One change of one document in one region."""

    region: str
    collection: str
    key: Key
    action: Action
    why: str
    before: Document | None = None
    """As the decision found it; the change is made only if it still is so. None: not there."""
    after: Document | None = None
    """What of the document is written; of players never a balance or standing."""
    fields: tuple[str, ...] = ()
    """What a change changes."""
    conflicts: tuple[Document, ...] = ()
    """For the ledger of conflicts: what is overwritten against somebody's will."""
    player: str | None = None
    """Whose balances are computed anew with it, and"""
    offsets: Mapping[str, int] | None = None
    """what they are beyond the sum of the ledger."""

    def shown(self) -> dict[str, Any]:
        """For people, and as JSON."""
        return {
            "region": self.region,
            "collection": self.collection,
            "key": shown_key(self.key),
            "action": self.action,
            "why": self.why,
            "fields": list(self.fields),
            "conflicts": len(self.conflicts),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A difference that no rule decides."""

    collection: str
    key: Key
    why: str

    def shown(self) -> dict[str, Any]:
        return {"collection": self.collection, "key": shown_key(self.key), "why": self.why}


Decision = Repair | Blocked


def shown_key(key: Key) -> str:
    return ":".join(map(str, key))


def decide_document(
    collection: str, key: Key, found: Mapping[str, Document | None], now: datetime, new_ids: Iterator[Any]
) -> list[Decision]:
    """``found``: by region, in the order of priority. ``new_ids`` for documents whose ids are each region's own."""
    rule = DOCUMENTS[collection]
    there = {region: document for region, document in found.items() if document is not None}
    if not there:
        return []
    told = {region: told_of(rule, document) for region, document in there.items()}
    names = sorted({name for fields in told.values() for name in fields})
    right = {name: _settled([_told(told[region], there[region], name) for region in told]) for name in names}
    donor = next(iter(there.values()))
    decisions: list[Decision] = []
    for region, document in found.items():
        if document is None:
            after = _begun(collection, rule, mended(rule, donor, right), now, new_ids)
            decisions.append(
                Repair(region=region, collection=collection, key=key, action="insert", why="missing", after=after)
            )
            continue
        held = {name: _told(told[region], document, name) for name in names}
        wrong = {name: one for name, one in held.items() if not one.same(right[name].told)}
        if wrong:
            disputed = [name for name in wrong if right[name].disputed]
            decisions.append(
                Repair(
                    region=region,
                    collection=collection,
                    key=key,
                    action="change",
                    why=", ".join(sorted({right[name].why for name in wrong})),
                    before=document,
                    after=mended(rule, document, {name: right[name] for name in wrong}),
                    fields=tuple(sorted(wrong)),
                    conflicts=tuple(
                        conflict(collection, key, name, region, wrong[name], right[name].told, now) for name in disputed
                    ),
                )
            )
    return decisions


@dataclass(frozen=True, slots=True)
class Right:
    """What a field should be, and by which rule."""

    told: Told
    why: str
    disputed: bool


def _settled(candidates: Sequence[Told]) -> Right:
    """``candidates``: what regions hold, in the order of their priority."""
    stamp = reduce(joined, (told.stamp for told in candidates))
    newest = [told for told in candidates if newest_of(told.stamp) == newest_of(stamp)]
    votes = Counter(repr(normal(told.value)) for told in newest)
    if len(votes) == 1:
        return Right(Told(newest[0].value, stamp), "older version", disputed=False)
    (first, most), (_, second) = votes.most_common(2)
    if most > second:
        winner = next(told for told in newest if repr(normal(told.value)) == first)
        return Right(Told(winner.value, stamp), "minority", disputed=True)
    return Right(Told(newest[0].value, stamp), "lower priority", disputed=True)


def _told(fields: Mapping[str, Told], document: Mapping[str, Any], name: str) -> Told:
    """A field that is not there was perhaps taken away by the document's beginning."""
    return fields.get(name) or Told(GONE, field_stamp(document, name))


def mended(rule: Documents, document: Document, right: Mapping[str, Right]) -> Document:
    """``document`` with the fields and entries of ``right``, and their stamps."""
    result = dict(document)
    versions = dict(result.get(VERSIONS) or {})
    lists: dict[str, dict[str, Any]] = {}
    for name, settled in right.items():
        told = settled.told
        list_name, _, entry = name.partition(_SEPARATOR)
        if entry and list_name in rule.entries:
            entries = lists.setdefault(list_name, dict(named_entries(rule.entries[list_name], result.get(list_name))))
            entries[entry] = None if told.value is GONE else told.value
        elif told.value is GONE:
            result.pop(name, None)
        else:
            result[name] = told.value
        if field_stamp({VERSIONS: versions}, name) != told.stamp:
            versions[name] = told.stamp
    for list_name, entries in lists.items():
        result[list_name] = ordered(rule.entries[list_name], entries)
    if versions:
        result[VERSIONS] = versions
    return result


def _begun(collection: str, rule: Documents, document: Document, now: datetime, new_ids: Iterator[Any]) -> Document:
    """A document for a region that has none. A player's balances and standings are computed there."""
    begun = dict(document)
    if rule.key != "_id":
        begun["_id"] = next(new_ids)
    if collection == "users":
        own = {name: value for name, value in new_player(now).items() if name in rule.derived}
        begun = {name: value for name, value in begun.items() if name not in rule.derived} | own
    return begun


def conflict(collection: str, key: Key, field: str, region: str, loser: Told, winner: Told, now: datetime) -> Document:
    """As ``merge.Conflict.document``, but told apart by content: the versions are the same."""
    values = {
        "loser": {"version": newest_of(loser.stamp), "value": _stored(loser)},
        "winner": {"version": newest_of(winner.stamp), "value": _stored(winner)},
    }
    told = blake2b(repr(normal(values)).encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return {
        "_id": f"verify:{collection}:{shown_key(key)}:{field}:{region}:{told}",
        "collection": collection,
        "key": key[0] if len(key) == 1 else shown_key(key),
        "field": field,
        **values,
        "region": region,
        "eventId": "verify",
        "detectedAt": now,
    }


def _stored(told: Told) -> Any:
    return None if told.value is GONE else told.value


def unchanged(repair: Repair, document: Document | None) -> bool:
    """Whether a region still has what ``repair`` was decided on."""
    if repair.before is None or document is None:
        return repair.before is None and document is None
    if repair.action == "boss":
        return all(document.get(name) == repair.before.get(name) for name in BOSS_FIELDS)
    return digest_of(repair.collection, document) == digest_of(repair.collection, repair.before)
