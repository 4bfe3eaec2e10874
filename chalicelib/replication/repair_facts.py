"""What to do about facts that differ, and about what is computed from facts. Pure; see ``repair``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.arena.bosses import BOSS_DEFEATED
from chalicelib.arena.ports import Document
from chalicelib.replication.content import BALANCE_FIELDS, Told, fact_content, key_of, normal, offsets_of
from chalicelib.replication.repair import Blocked, Decision, Repair, conflict


def decide_facts(collection: str, found: Mapping[str, Sequence[Document]], now: datetime) -> list[Decision]:
    """``found``: by region, in the order of priority, what it has of the facts concerned.

    A fact is known again by its identity, and by its ``_id`` when a hand has changed the identity.
    """
    decisions: list[Decision] = []
    for group in _groups(collection, found):
        decisions += _decide_fact(collection, group, now)
    return decisions


_Held = tuple[str, Document]
"""Region, and its document."""


def _groups(collection: str, found: Mapping[str, Sequence[Document]]) -> list[dict[str, list[Document]]]:
    """Documents that are one fact, by region; every region is in each."""
    groups: list[tuple[set[Any], list[_Held]]] = []
    for region, documents in found.items():
        for document in documents:
            names = {("key", key_of(collection, document)), ("id", document["_id"])}
            held = [(region, document)]
            apart = []
            for other_names, other_held in groups:
                if names & other_names:
                    names, held = names | other_names, [*other_held, *held]
                else:
                    apart.append((other_names, other_held))
            groups = [*apart, (names, held)]
    return [
        {region: [document for holder, document in held if holder == region] for region in found} for _, held in groups
    ]


def _decide_fact(collection: str, group: Mapping[str, Sequence[Document]], now: datetime) -> Iterator[Decision]:
    held = [(region, document) for region, documents in group.items() for document in documents]
    if any(len(documents) > 1 for documents in group.values()):
        key = key_of(collection, held[0][1]) or (held[0][1]["_id"],)
        yield Blocked(collection=collection, key=key, why="two facts of one region are one of another's")
        return
    votes = Counter(repr(normal(fact_content(document))) for _, document in held)
    (first, most), *others = votes.most_common(2)
    is_majority = not others or most > others[0][1]
    right = next(document for _, document in held if not is_majority or repr(normal(fact_content(document))) == first)
    named = key_of(collection, right)
    if named is None:
        yield Blocked(collection=collection, key=(right["_id"],), why="without an identity")
        return
    key = named
    for region, documents in group.items():
        if not documents:
            yield Repair(region=region, collection=collection, key=key, action="insert", why="missing", after=right)
            continue
        (document,) = documents
        before, after = fact_content(document), fact_content(right)
        if normal(before) == normal(after):
            continue
        fields = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        yield Repair(
            region=region,
            collection=collection,
            key=key,
            action="change",
            why="minority" if is_majority else "lower priority",
            before=document,
            after={**after, "_id": document["_id"]},
            fields=tuple(fields),
            conflicts=(conflict(collection, key, "*", region, Told(before, ""), Told(after, ""), now),),
        )


def decide_offsets(money: Mapping[str, Mapping[str, Any] | None]) -> dict[str, int]:
    """What a player's balances are beyond the ledger, of what regions have; by balance.

    By majority: money from before the ledger is in every region. Without one it is nothing where any region says so,
    for the ledger is the truth; and else what the region of highest priority says. A region that does not know the
    player has no say.
    """
    known = [offsets_of(found) for found in money.values() if found is not None and found["balances"] is not None]
    return {name: _agreed([offsets[name] for offsets in known]) for name in BALANCE_FIELDS}


def _agreed(offsets: Sequence[int]) -> int:
    if not offsets:
        return 0
    (first, most), *others = Counter(offsets).most_common(2)
    if not others or most > others[0][1]:
        return first
    return 0 if 0 in offsets else offsets[0]


def decide_boss(found: Mapping[str, Document | None], damage: int) -> list[Decision]:
    """A boss's points where regions differ: what it began with less all ``damage``; the lowest where it says nothing
    of how it began."""
    there = {region: boss for region, boss in found.items() if boss is not None}
    points = {boss.get("currentHp") for boss in there.values()}
    states = {boss.get("status") for boss in there.values()}
    if len(points) == 1 and len(states) == 1:
        return []
    (sample, *_) = there.values()
    most = sample.get("maxHp")
    left = max(0, int(most) - damage) if most is not None else min(int(value or 0) for value in points)
    status = _status(left, [boss.get("status") for boss in there.values()])
    after = {"currentHp": left, "status": status}
    return [
        Repair(
            region=region,
            collection="globalbosses",
            key=(boss["_id"],),
            action="boss",
            why="not the sum of its damages",
            before=boss,
            after={**boss, **after},
            fields=tuple(name for name, value in after.items() if boss.get(name) != value),
        )
        for region, boss in there.items()
        if any(boss.get(name) != value for name, value in after.items())
    ]


def _status(left: int, states: Iterable[Any]) -> Any:
    (most, _), *_ = Counter(states).most_common(1)
    return BOSS_DEFEATED if left == 0 else most
