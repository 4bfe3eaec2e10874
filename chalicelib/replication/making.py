"""Carrying out a repair in one transaction of its region: what is written, or that it rests on what is no longer so."""

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.replication.content import BALANCE_FIELDS, NOT_CONTENT
from chalicelib.replication.effects import balance_change
from chalicelib.replication.ports import CONFLICTS
from chalicelib.replication.repair import Repair, unchanged
from chalicelib.replication.rules import DOCUMENTS, FACTS
from chalicelib.replication.verify_ports import RepairSnapshot


def made(repair: Repair, snapshot: RepairSnapshot) -> Outcome[bool]:
    """The result is whether it was made."""
    if repair.action == "balance":
        return _with_balances(repair, snapshot, [], {})
    stored = snapshot.stored(repair.collection, _where(repair))
    if not unchanged(repair, stored):
        return Outcome(result=False)
    writes: list[Write] = []
    if stored is None:
        document = dict(repair.after or {})
        if repair.collection == "users":
            return _begun_player(repair, snapshot, document)
        writes.append(Insert(repair.collection, (document,)))
    else:
        change = difference(stored, repair.after or {}, only=_written(repair))
        if change:
            writes.append(Update(repair.collection, {"_id": stored["_id"]}, change))
    return _with_balances(repair, snapshot, writes, _moved(repair, stored))


def difference(before: Mapping[str, Any], after: Mapping[str, Any], *, only: frozenset[str] | None) -> Document:
    """The update that makes ``after`` of ``before`` in the fields of ``only`` (None: in all but local ones)."""
    names = (before.keys() | after.keys()) - NOT_CONTENT if only is None else only
    sets = {name: after[name] for name in sorted(names) if name in after and before.get(name, ...) != after[name]}
    gone = {name: "" for name in sorted(names) if name in before and name not in after}
    return {operator: fields for operator, fields in (("$set", sets), ("$unset", gone)) if fields}


def _where(repair: Repair) -> dict[str, Any]:
    if repair.before is not None:
        # A hand may have changed what names it.
        return {"_id": repair.before["_id"]}
    fields = FACTS[repair.collection].identity if repair.collection in FACTS else (DOCUMENTS[repair.collection].key,)
    return dict(zip(fields, repair.key, strict=True))


def _written(repair: Repair) -> frozenset[str] | None:
    if repair.collection in FACTS:
        return None
    if repair.action == "boss":
        return frozenset(repair.fields)
    return frozenset(name.partition("/")[0] for name in repair.fields) | {"_versions"}


def _moved(repair: Repair, stored: Mapping[str, Any] | None) -> dict[str, int]:
    """How the sum of the player's ledger changes by the repair itself."""
    moved: dict[str, int] = {}
    if repair.collection == "ledgerentries":
        for row, sign in ((stored, -1), (repair.after, 1)):
            if row is not None and row["telegramId"] == repair.player:
                for name, amount in balance_change(row, sign).items():
                    moved[name] = moved.get(name, 0) + amount
    return moved


def _begun_player(repair: Repair, snapshot: RepairSnapshot, document: Document) -> Outcome[bool]:
    sums = snapshot.money([repair.key[0]])[repair.key[0]]["sums"]
    offsets = repair.offsets or {}
    balances = {name: offsets.get(name, 0) + sums.get(name, 0) for name in BALANCE_FIELDS}
    return Outcome(True, (Insert("users", (document | balances,)), *_recorded(repair)))


def _with_balances(
    repair: Repair, snapshot: RepairSnapshot, writes: list[Write], moved: Mapping[str, int]
) -> Outcome[bool]:
    if repair.player is None or repair.offsets is None:
        return Outcome(True, (*writes, *_recorded(repair)))
    money = snapshot.money([repair.player])[repair.player]
    balances = money["balances"]
    if balances is None:
        # Nobody to be paid here: the player is restored first.
        return Outcome(result=False)
    right = {name: offset + money["sums"].get(name, 0) + moved.get(name, 0) for name, offset in repair.offsets.items()}
    wrong = {name: amount for name, amount in right.items() if (balances.get(name) or 0) != amount}
    if wrong:
        held = {name: balances.get(name) for name in wrong}
        writes.append(Update("users", {"telegramId": repair.player, **held}, {"$set": wrong}))
    return Outcome(True, (*writes, *_recorded(repair)))


def _recorded(repair: Repair) -> Iterator[Write]:
    for document in repair.conflicts:
        rest = {name: value for name, value in document.items() if name != "_id"}
        yield Update(CONFLICTS, {"_id": document["_id"]}, {"$setOnInsert": rest}, upsert=True)
