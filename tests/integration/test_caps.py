"""Caps under sixteen players at once, round after round: never exceeded, used to the last unit that fits."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.arena.emission import STRIPES
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Document
from tests.consistency import assert_consistent
from tests.worlds import World

PLAYERS = 16
ROUNDS = 6
CAP_FIELDS = {"AIBA": "dailyCapAiba", "NEUR": "dailyCapNeur"}


@dataclass(frozen=True)
class Round:
    """Sixteen simultaneous battles of one day, and what the day had emitted before."""

    battles: list[Document]
    before: dict[tuple[str, str], int]


def emitted(world: World) -> dict[tuple[str, str], int]:
    """What the day's counters say, by (currency, arena); ``*`` is all arenas."""
    sums: dict[tuple[str, str], int] = {}
    for stripe in world.all("economydays", day=utc_day(world.clock())):
        for currency in CAP_FIELDS:
            total = f"emitted{currency.capitalize()}"
            parts = {"*": stripe.get(total, 0), **stripe.get(f"{total}ByArena", {})}
            for arena, amount in parts.items():
                sums[currency, arena] = sums.get((currency, arena), 0) + amount
    return sums


def rewarded(battles: list[Document], currency: str, arena: str) -> int:
    return sum(b[f"reward{currency.capitalize()}"] for b in battles if arena in ("*", b["arena"]))


class Arena:
    """Sixteen players of different strength and two arenas, one of which may have caps of its own."""

    def __init__(self, world: World, choice: random.Random) -> None:
        self.world, self.choice = world, choice
        world.configure(baseRewardAibaPerScore=3, baseRewardNeurPerScore=7)
        for arena in ("capped", "free"):
            world.add(
                "gamemodes", key=arena, enabled=True, arena=arena, league="rookie", energyCost=0, cooldownSeconds=0
            )
        self.brokers = []
        for number in range(PLAYERS):
            world.add_player(str(number))
            stats = {name: choice.randrange(10, 100) for name in ("intelligence", "speed", "risk")}
            self.brokers.append(world.add_broker(str(number), **stats))
        self._count = 0

    def next_day(self) -> None:
        self.world.clock.advance(timedelta(days=1).total_seconds())

    def all_at_once(self, arenas: list[str], stripes: int) -> Round:
        """One battle of each player; every one of them is answered."""
        self._count += 1
        before, gate = emitted(self.world), threading.Barrier(PLAYERS, timeout=60)

        def fight(number: int) -> Document:
            gate.wait()
            command = self.world.command(
                self.brokers[number], f"{self._count}-{number}", telegram_id=str(number), mode_key=arenas[number]
            )
            return self.world.battles(number % stripes).run(command).body()

        with ThreadPoolExecutor(PLAYERS) as threads:
            return Round(list(threads.map(fight, range(PLAYERS))), before)


def assert_cap_held(world: World, fought: Round, currency: str, arena: str, cap: int) -> None:
    """Never above the cap; counters grew by exactly what was paid; whatever was refused would not have fitted."""
    after = emitted(world)
    total = after.get((currency, arena), 0)
    assert total <= max(cap, fought.before.get((currency, arena), 0))
    assert total - fought.before.get((currency, arena), 0) == rewarded(fought.battles, currency, arena)


@pytest.fixture
def seed() -> int:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return seed


@pytest.mark.parametrize("scope", ["day", "arena"])
def test_sixteen_at_once_never_pass_a_nearly_used_cap(world: World, seed: int, scope: str) -> None:
    """Each round a new day, a cap nearly used up (or lowered below what is used), few or many stripes."""
    choice = random.Random(f"{seed}-{scope}")
    arena = Arena(world, choice)
    refused_total = 0
    for _ in range(ROUNDS):
        arena.next_day()
        world.configure(**caps_of(scope, {"AIBA": 10**6, "NEUR": 10**6}))
        where = "*" if scope == "day" else "capped"
        used = arena.all_at_once(["capped"] * PLAYERS, STRIPES)
        caps = {}
        for currency in CAP_FIELDS:
            assert_cap_held(world, used, currency, where, 10**6)
            typical = rewarded(used.battles, currency, "*") // PLAYERS
            caps[currency] = emitted(world)[currency, where] + choice.randrange(-typical, 6 * typical)
        world.configure(**caps_of(scope, caps))
        arenas = ["capped" if scope == "day" or choice.random() < 0.7 else "free" for _ in range(PLAYERS)]
        fought = arena.all_at_once(arenas, choice.choice((1, 4, STRIPES)))
        for currency, cap in caps.items():
            assert_cap_held(world, fought, currency, where, cap)
            left = cap - emitted(world)[currency, where]
            refused = [worth(b, currency) for b in fought.battles if not b[f"reward{currency.capitalize()}"]]
            refused_total += len(refused)
            assert all(amount > left for amount in refused if amount)
            beyond = [b for b in fought.battles if scope == "arena" and b["arena"] == "free" and b["score"]]
            assert all(b[f"reward{currency.capitalize()}"] for b in beyond), "an arena's cap is no other arena's"
    assert len(world.read("battles")) == 2 * ROUNDS * PLAYERS
    assert refused_total > ROUNDS
    assert_consistent(world)


def caps_of(scope: str, caps: dict[str, int]) -> dict[str, Any]:
    if scope == "day":
        return {field: caps[currency] for currency, field in CAP_FIELDS.items()}
    return {f"{field}ByArena": {"capped": caps[currency]} for currency, field in CAP_FIELDS.items()}


def worth(battle: Document, currency: str) -> int:
    """At most what was asked for: a streak of five adds no more than this."""
    return int(battle["score"] * (3 if currency == "AIBA" else 7) * 1.05)
