"""Brokers: energy, cooldowns, limits, what purchases made of them; gone through in the order players wanted it.

A player wants one thing after the other, and never the next before the last is answered for good; so that is the order
things were decided in, whatever clocks say. What was tried more than once may have been done later than it stands.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final

from infra.chaos.checker.model import BATTLES, MODES_BY_KEY, PAID, Case, Document, Violation, moment
from infra.chaos.history import Operation
from infra.chaos.rules import (
    BATTLES_A_MINUTE,
    ENVIRONMENTS_MAX,
    REPAIRED_ENERGY,
    STARTER_ENERGY,
    STARTER_STAT,
    STAT_MAX,
)

_STATS: Final = ("intelligence", "speed", "risk")
MINUTE_SECONDS: Final = 60.0
LATE_ENERGY: Final = 30
"""What battles may take while a repair is late."""
_LIMIT: Final = 2 * (BATTLES_A_MINUTE + BATTLES_A_MINUTE) + ENVIRONMENTS_MAX
"""Battles of a player in any minute while every environment may be counting for itself."""


@dataclass(slots=True)
class _Broker:
    stats: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_STATS, STARTER_STAT))
    level: int = 1
    xp: int = 0
    energy: int = STARTER_ENERGY
    less: int = 0
    more: int = 0
    """By how much energy may differ, for what was done later than it stands: before or after a repair."""
    gone: bool = False


def _done(case: Case) -> Iterator[tuple[Operation, Document]]:
    """What was done of the run's battles and purchases, in the order it was wanted, as the player's home has it."""
    for operation in case.operations:
        home = case.home(operation.player)
        if operation.kind in BATTLES:
            yield from ((operation, battle) for battle in case.battles[home].get(operation.id, ())[:1])
        elif operation.kind in PAID:
            rows = [row for row in case.rows[home].get(operation.id, ()) if row["direction"] == "debit"]
            yield from ((operation, row) for row in rows[:1])


def brokers_are_what_was_done(case: Case) -> Iterator[Violation]:
    """overspent-energy, wrong-broker, lost-broker, revived-broker"""
    brokers: defaultdict[str, _Broker] = defaultdict(_Broker)
    for operation in case.acknowledged:
        if operation.kind == "starter":
            brokers[operation.answer["_id"]] = _Broker()
    for operation, document in _done(case):
        if operation.kind in BATTLES:
            yield from _fight(brokers[document["brokerId"]], operation, document, case)
        else:
            _buy(brokers, operation)
    for region in case.regions:
        stored = {broker["_id"]: broker for broker in case.state.read(region, "brokers")}
        for broker_id, wanted in brokers.items():
            yield from _compare(region, broker_id, wanted, stored.get(broker_id))


def _fight(broker: _Broker, operation: Operation, battle: Document, case: Case) -> Iterator[Violation]:
    cost = MODES_BY_KEY[battle["modeKey"]].energy
    if broker.energy + broker.more < cost:
        told = f"{operation.id} cost {cost} energy of {battle['brokerId']}, which had {broker.energy}"
        yield Violation("overspent-energy", case.home(operation.player), told)
    broker.energy -= cost
    if operation.unsure:
        broker.less += cost
        broker.more += cost


def _buy(brokers: Mapping[str, _Broker], operation: Operation) -> None:
    what = operation.arguments
    broker = brokers[what.get("brokerId") or what["baseBrokerId"]]
    if operation.kind == "repair":
        if operation.unsure:
            broker.more += LATE_ENERGY
        broker.energy = REPAIRED_ENERGY
    elif operation.kind == "combine":
        sacrifice = brokers[what["sacrificeBrokerId"]]
        for name in _STATS:
            broker.stats[name] = math.floor((broker.stats[name] + sacrifice.stats[name]) / 2 + 0.5)
        broker.xp += sacrifice.xp + 20
        sacrifice.gone = True
    else:
        more, levels, xp = {"train": (1, 0, 5), "upgrade": (2, 1, 10)}[operation.kind]
        broker.stats[what["stat"]] = min(STAT_MAX, broker.stats[what["stat"]] + more)
        broker.level += levels
        broker.xp += xp


def _compare(region: str, broker_id: str, wanted: _Broker, stored: Document | None) -> Iterator[Violation]:
    # What is given up stays as a mark, so that no late change brings it back.
    there = stored is not None and stored.get("deletedAt") is None
    if there and wanted.gone:
        yield Violation("revived-broker", region, f"{broker_id} was given up and is there")
    if not there and not wanted.gone:
        yield Violation("lost-broker", region, f"{broker_id} is not there")
    if stored is None or wanted.gone:
        return
    for name, value in {**wanted.stats, "level": wanted.level, "xp": wanted.xp}.items():
        if stored.get(name) != value:
            told = f"{broker_id}: {name} is {stored.get(name)}, what was done makes it {value:g}"
            yield Violation("wrong-broker", region, told)
    least, most = wanted.energy - wanted.less, wanted.energy + wanted.more
    if not least <= stored["energy"] <= most:
        told = f"{broker_id}: energy is {stored['energy']}, what was done makes it {least} to {most}"
        yield Violation("wrong-broker", region, told)


def cooldowns_hold(case: Case) -> Iterator[Violation]:
    """broken-cooldown"""
    fought: defaultdict[tuple[str, str, int], list[tuple[Operation, Document]]] = defaultdict(list)
    repairs: Counter[str] = Counter()
    for operation, document in _done(case):
        if operation.kind in BATTLES:
            broker_id = document["brokerId"]
            # A repair ends all cooldowns.
            fought[broker_id, document["modeKey"], repairs[broker_id]].append((operation, document))
        elif operation.kind == "repair":
            repairs[operation.arguments["brokerId"]] += 1
    for (broker_id, key, _), battles in fought.items():
        rest = timedelta(seconds=MODES_BY_KEY[key].cooldown_seconds)
        for (one, earlier), (other, later) in pairwise(sorted(battles, key=lambda battle: moment(battle[1]))):
            late = repairs[broker_id] and (one.unsure or other.unsure)
            if moment(later) - moment(earlier) < rest and not late:
                told = f"{other.id} was fought {moment(later) - moment(earlier)} after {one.id} in {key}"
                yield Violation("broken-cooldown", case.home(other.player), told)


def limits_hold(case: Case) -> Iterator[Violation]:
    """over-limit"""
    fought: defaultdict[str, list[float]] = defaultdict(list)
    for operation, _ in _done(case):
        if operation.kind in BATTLES:
            fought[operation.player].append(operation.asked_at)
    for player, moments in fought.items():
        for first, last in zip(moments, moments[_LIMIT:], strict=False):
            if last - first < MINUTE_SECONDS:
                told = f"{player} fought more than {_LIMIT} battles in the minute from second {first:.0f}"
                yield Violation("over-limit", case.home(player), told)
                break
