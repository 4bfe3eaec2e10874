"""Whatever players do, and in whatever order: after every step the ledger is the balances and the day's counters.

Stories are lists of steps, found and shrunk by Hypothesis on the store in memory, and one long seeded story on both.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.guild_service import GuildRequest
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Document, Update
from chalicelib.errors import ArenaError
from tests.consistency import assert_consistent, assert_guilds_consistent
from tests.worlds import World, memory_world

SEED: Final = 20261123
STEPS: Final = 120
PLAYERS: Final = ("777", "778", "779")
MODES: Final = ("prediction", "guildWars", "arbitrage", "paid", "prediction-pro", "missing")
SETTINGS: Final[Sequence[Mapping[str, Any]]] = (
    {"baseRewardNeurPerScore": 30, "guildCreatorShareBps": 2500},
    {"baseRewardNeurPerScore": 0, "baseRewardAibaPerScore": 1},
    {"dailyCapAiba": 300},
    {"dailyCapNeur": 250, "dailyCapNeurByArena": {"guildWars": 120}},
    {"dailyCapAiba": 10**6, "dailyCapNeur": 10**6, "dailyCapNeurByArena": {}},
    {"emissionStartHourUtc": 0, "emissionEndHourUtc": 1},
    {"emissionStartHourUtc": 0, "emissionEndHourUtc": 24},
    {"battleAnomalyScoreMax": 20, "battleAutoBanBrokerAnomalyFlags": 2},
    {"baseRewardNeurPerScore": 1, "guildCreatorShareBps": 100},
)


@dataclass(frozen=True)
class Step:
    """One thing somebody does; numbers pick from whatever there is by then."""

    what: str
    who: int
    first: int
    second: int

    @property
    def player(self) -> str:
        return PLAYERS[self.who % len(PLAYERS)]


class Story:
    """Plays steps on a world that begins with three players, two guilds, a referrer and a boss."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.brokers = [world.add_broker(who, energy=100) for who in PLAYERS]
        for who in PLAYERS:
            world.add_player(who)
        world.add("gamemodes", key="paid", enabled=True, arena="p.q", league="rookie", entryNeurCost=9, entryAibaCost=5)
        world.add("referrals", code="c", ownerTelegramId="900", uses=1000, active=True)
        world.add("referraluses", code="c", referrerTelegramId="900", refereeTelegramId=PLAYERS[0])
        world.add("globalbosses", name="Bear", maxHp=400, currentHp=400, status="active")
        self.guilds = [
            world.guilds().create(GuildRequest(telegram_id=who, request_id="g"), f"guild of {who}")
            for who in PLAYERS[:2]
        ]
        self.outcomes: Counter[str] = Counter()

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            do: Callable[[Step], object] = getattr(self, step.what)
            try:
                do(step)
                outcome = "done"
            except ArenaError as refusal:
                outcome = refusal.code
            self.outcomes[f"{step.what}: {outcome}"] += 1
            assert_consistent(self.world)
            assert_guilds_consistent(self.world)

    def battle(self, step: Step) -> None:
        """Also with requestIds used before, by oneself or by others, and with brokers of others."""
        mode = MODES[step.second % len(MODES)]
        wish = self.world.command(self._broker(step), f"r{step.second}", telegram_id=step.player, mode_key=mode)
        self.world.battles(stripe=step.first % 4).run(wish)

    def train(self, step: Step) -> None:
        self._actions(step).train(self._request(step), self._id(step), "risk")

    def repair(self, step: Step) -> None:
        self._actions(step).repair(self._request(step), self._id(step))

    def upgrade(self, step: Step) -> None:
        self._actions(step).upgrade(self._request(step), self._id(step), "speed")

    def combine(self, step: Step) -> None:
        other = self.brokers[step.second % len(self.brokers)]
        self._actions(step).combine(self._request(step), self._id(step), str(other["_id"]))

    def recruit(self, step: Step) -> None:
        self.brokers.append(self.world.add_broker(step.player, energy=100, level=5))

    def join(self, step: Step) -> None:
        self.world.guilds().join(self._guild_request(step), self._guild(step))

    def leave(self, step: Step) -> None:
        self.world.guilds().leave(self._guild_request(step), self._guild(step))

    def deposit(self, step: Step) -> None:
        self.world.guilds().deposit(self._guild_request(step), self._guild(step), self._id(step))

    def withdraw(self, step: Step) -> None:
        self.world.guilds().withdraw(self._guild_request(step), self._guild(step), self._id(step))

    def settle(self, step: Step) -> None:
        self.world.follow_ups(batch_events=1 + step.first % 3).run()

    def configure(self, step: Step) -> None:
        self.world.configure(**SETTINGS[step.second % len(SETTINGS)])

    def wait(self, step: Step) -> None:
        """Half a minute to most of a day: cooldowns, energy, windows, midnight."""
        self.world.clock.advance((30, 61, 3600, 80_000)[step.second % 4])

    def _broker(self, step: Step) -> Document:
        own = [broker for broker in self.brokers if broker["ownerTelegramId"] == step.player]
        return own[step.first % len(own)] if step.first % 8 else self.brokers[step.second % len(self.brokers)]

    def _id(self, step: Step) -> str:
        return str(self._broker(step)["_id"])

    def _guild(self, step: Step) -> str:
        return str(self.guilds[step.second % len(self.guilds)]["_id"])

    def _guild_request(self, step: Step) -> GuildRequest:
        return GuildRequest(telegram_id=step.player, request_id="g")

    def _request(self, step: Step) -> ActionRequest:
        return ActionRequest(telegram_id=step.player, request_id=f"a{step.second}")

    def _actions(self, step: Step) -> Any:
        return self.world.brokers(stripe=step.second % 4)


OPENING: Final = (
    Step("configure", 0, 0, 0),
    *(Step("battle", who, 1, mode) for who, mode in ((0, 0), (1, 2), (2, 6))),
    Step("wait", 0, 0, 1),
    Step("battle", 0, 1, 1),
    Step("wait", 0, 0, 2),
    *(Step("battle", who, 1, 3 + 6 * who) for who in (0, 1)),
    Step("train", 0, 1, 0),
    Step("settle", 0, 0, 0),
)
"""Enough to move money for every reason; what follows is chance."""
WHATS: Final = (
    *("battle",) * 12,
    *("train", "repair", "upgrade", "combine", "recruit", "join", "leave", "deposit", "withdraw"),
    *("settle",) * 2,
    *("configure",) * 3,
    *("wait",) * 6,
)
STORIES = st.lists(
    st.builds(Step, st.sampled_from(WHATS), st.integers(0, 2), st.integers(0, 40), st.integers(0, 40)),
    min_size=1,
    max_size=40,
)


@given(STORIES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_ledger_is_the_truth_after_every_step(steps: list[Step]) -> None:
    """In memory: sums of rows are balances, counters of days are sums of rows, refusals leave nothing."""
    story = Story(memory_world())
    try:
        story.play(steps)
    finally:
        note(str(story.outcomes))


def test_a_long_story_on_both_stores(world: World) -> None:
    """Seeded, and long enough for money to be earned, spent, shared with a guild and a referrer, and capped."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    steps = [
        Step(chance.choice(WHATS), chance.randrange(3), chance.randrange(41), chance.randrange(41))
        for _ in range(STEPS)
    ]
    story = Story(world)
    story.play([*OPENING, *steps])
    print(story.outcomes)
    reasons = Counter(row["reason"] for row in world.read("ledgerentries"))
    print(reasons)
    for reason in ("battle_reward", "first_win", "creator_earnings", "guild_creator_earnings", "entry", "train"):
        assert reasons[reason], f"nothing was ever moved for {reason}"
    assert story.outcomes["battle: done"] >= 10
    assert len({utc_day(row["createdAt"]) for row in world.read("ledgerentries")}) >= 2


def test_the_check_itself_sees_money_out_of_step(world: World) -> None:
    """A balance, a row or a counter that is off by one."""
    story = Story(world)
    story.play([Step("configure", 0, 0, 0), Step("battle", 0, 1, 0)])
    world.credit("777", "aibaBalance", 1)
    with pytest.raises(AssertionError):
        assert_consistent(world)
    world.credit("777", "aibaBalance", -1)
    assert_consistent(world)
    (stripe, *_) = [day for day in world.read("economydays") if day.get("emittedNeur")]
    (row, *_) = world.all("ledgerentries", currency="NEUR")
    changes = (("economydays", stripe, "emittedNeur"), ("ledgerentries", row, "amount"))
    for collection, document, field in changes:
        _add(world, collection, document, field, 1)
        with pytest.raises(AssertionError):
            assert_consistent(world)
        _add(world, collection, document, field, -1)
        assert_consistent(world)


def _add(world: World, collection: str, document: Document, field: str, amount: int) -> None:
    world.write(Update(collection, {"_id": document["_id"]}, {"$inc": {field: amount}}))
