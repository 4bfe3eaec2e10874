"""One history: three regions, people, a bad network, and at the end the question whether all is well.

Everything follows from the seed: who does what and when, which messages are delivered, what crashes. Nothing waits.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Any, Final

from bson import ObjectId

from chalicelib.arena.brokers import new_broker
from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.guilds import new_guild
from chalicelib.arena.ledger import balance_field, credit
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document, Insert
from chalicelib.data.seed import CONFIG_ID
from tests.fakes.memory_database import MemoryDatabase
from tests.simulation import checks
from tests.simulation.actions import REFERRER, People
from tests.simulation.checks import Broken
from tests.simulation.network import Network
from tests.simulation.parts import SOUND, Parts
from tests.simulation.region import Region
from tests.simulation.trace import Trace

REGIONS: Final = ("us-east-1", "eu-west-1", "ap-southeast-1")
PLAYERS: Final[Mapping[str, str]] = dict(zip(("777", "778", "779"), REGIONS, strict=True))
STARTS: Final = (
    datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
    datetime(2026, 11, 29, 23, 59, tzinfo=UTC),
    datetime(2026, 11, 30, 23, 59, tzinfo=UTC),
)
"""An ordinary noon, the end of a week, the end of a month."""
ACTIONS: Final = 10
PURSE: Final[Mapping[str, int]] = {"NEUR": 300, "AIBA": 120}
"""What each player begins with."""
GUILD_ID: Final = ObjectId(f"{8:024x}")
BATCH: Final = 10
"""Messages a receiver gets at most, as from SQS."""
ROUNDS_MAX: Final = 60
REFERRAL: Final[Document] = {"_id": ObjectId(f"{7:024x}"), "code": "c", "ownerTelegramId": REFERRER, "uses": 1000}


@dataclass(frozen=True, slots=True)
class Report:
    """What happened in a history that ended well."""

    happened: Counter[str]
    outcomes: Counter[str]


class Clocks:
    """One true time, and each region's own idea of it."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = random.choice(STARTS)
        skews = (0.0, 0.0, 0.001, 1.0, -30.0, 240.0)
        self._skews = {region: timedelta(seconds=random.choice(skews)) for region in REGIONS}

    def advance(self) -> None:
        """A moment to half a minute; once in a while somebody's clock is set, forward or back."""
        self._now += timedelta(milliseconds=self._random.choice((0, 0, 1, 40, 1000, 9000, 31_000)))
        if self._random.random() < 0.03:
            self._skews[self._random.choice(REGIONS)] += timedelta(seconds=self._random.choice((-20, -1, 5)))

    def settle(self) -> None:
        """Long enough for everything to be due, whatever clocks were set back to."""
        self._now += timedelta(minutes=10)

    def now(self, region: str) -> datetime:
        return self._now + self._skews[region]


class History:
    """``parts`` are what every region is made of."""

    def __init__(self, seed: int, parts: Parts = SOUND, actions: int = ACTIONS) -> None:
        self._random = random = Random(seed)
        self._actions = actions
        self._pace = random.choice((0.3, 0.6, 0.9))
        """How often people do something before the machinery does."""
        self._clocks = Clocks(random)
        self.network = Network(random, {region: [] for region in REGIONS})
        self.trace = Trace(REGIONS)
        self.regions = {
            name: Region(name, rank, REGIONS, base(), self._clock(name), parts) for rank, name in enumerate(REGIONS)
        }
        self.people = People(random, self.regions, PLAYERS, REFERRAL)
        for player in PLAYERS:
            self.people.acknowledged.money.update({(player, currency): amount for currency, amount in PURSE.items()})

    def run(self) -> Report:
        """Raises ``Broken``."""
        done = 0
        while done < self._actions:
            self._clocks.advance()
            if self._random.random() < self._pace:
                self._note(self.people.act())
                self._check_homes()
                done += 1
            else:
                self._move()
        self._drain()
        self._check()
        return Report(self.network.happened, self.people.outcomes)

    def _move(self) -> None:
        """Something of the machinery."""
        region = self._random.choice(list(self.regions.values()))
        chance = self._random.random()
        if chance < 0.1:
            link = tuple(self._random.sample(REGIONS, 2))
            self.network.cut.symmetric_difference_update({(link[0], link[1])})
        elif chance < 0.5:
            self._publish(region)
        else:
            self._deliver(region)

    def _publish(self, region: Region) -> None:
        """One that dies on the way marks nothing of what it has sent."""
        for target in region.targets:
            claimed = region.waiting(target)[: self._random.randint(1, 10)]
            self._random.shuffle(claimed)
            sent = [event for event in claimed if self.network.send(region.name, target, region.signed(event))]
            if self._random.random() < 0.1:
                self.network.happened["publisher died"] += 1
                return
            region.mark(target, sent, claimed)

    def _deliver(self, region: Region, *, draining: bool = False) -> None:
        messages = self.network.take(region.name, BATCH if draining else self._random.randint(1, BATCH))
        if not messages:
            return
        if self._random.random() < 0.05:
            self.network.happened["receiver died before"] += 1
            return
        received = region.receive([message.body for message in messages])
        if self._random.random() < 0.05:
            self.network.happened["receiver died after"] += 1
        for message, result in zip(messages, received, strict=True):
            self.network.happened[result.handled] += 1
            checks.require(
                (result.handled == "refused") == bool(message.forged),
                f"a message was {result.handled}, forged: {message.forged or 'no'}",
            )
            if result.handled == "applied":
                self.trace.applied(region.name, result.event_id)
        if self._random.random() < 0.9:
            for message, result in zip(messages, received, strict=True):
                if result.handled not in ("early", "failed"):
                    self.network.done(region.name, message)
        else:
            self.network.happened["receiver died after"] += 1

    def _drain(self) -> None:
        """All links up, until nothing is left to be told."""
        self.network.cut.clear()
        self._clocks.settle()
        for region in self.regions.values():
            region.follow_ups.run()
            self._note(region)
        for _ in range(ROUNDS_MAX):
            for region in self.regions.values():
                self._publish(region)
                self._deliver(region, draining=True)
            waiting = [
                target for region in self.regions.values() for target in region.targets if region.waiting(target)
            ]
            if not waiting and not any(self.network.queues.values()):
                return
        left = {name: len(queue) for name, queue in self.network.queues.items()}
        raise Broken(f"not told to the end: {waiting}, {left}, {self.network.happened}")

    def _note(self, region: Region) -> None:
        for event in region.take_told():
            self.trace.told(region.name, event)

    def _check_homes(self) -> None:
        """Nobody can spend at home what they have not got."""
        for player, home in PLAYERS.items():
            user = self.regions[home].one("users", telegramId=player) or {}
            checks.require(user["neurBalance"] >= 0 and user["aibaBalance"] >= 0, f"{player} is below zero at home")

    def _check(self) -> None:
        checks.check_applied(self.regions, self.trace)
        checks.check_equal(self.regions)
        for region in self.regions.values():
            checks.check_money(region, self.people.acknowledged)
            checks.check_standings(region, self.people.acknowledged)
        checks.check_versions(self.trace)
        checks.check_names(self.regions)
        self.network.happened["losers"] = checks.check_conflicts(self.regions, self.trace)

    def _clock(self, region: str) -> Any:
        return lambda: self._clocks.now(region)


@lru_cache(maxsize=1)
def base() -> MemoryDatabase:
    """What all regions begin with, from before there was replication: nothing of it has versions."""
    born = datetime(2026, 11, 1, tzinfo=UTC)
    stamps = {"createdAt": born, "updatedAt": born, "__v": 0}
    numbers = iter(range(100, 200))

    def made(**fields: Any) -> Document:
        return {"_id": ObjectId(f"{next(numbers):024x}"), **stamps, **fields}

    free = {"enabled": True, "league": "rookie", "energyCost": 1, "cooldownSeconds": 0, "description": ""}
    modes = (
        made(key="quick", name="Quick", arena="prediction", **free),
        made(key="wars", name="Wars", arena="guildWars", **free),
        made(key="paid", name="Paid", arena="arbitrage", **free, entryNeurCost=9, entryAibaCost=5),
    )
    prices = {"baseRewardNeurPerScore": 5, "guildCreatorShareBps": 2500, "trainNeurCost": 100, "combineNeurCost": 60}
    users = tuple(
        made(telegramId=player, **{**new_player(born), **{balance_field(name): money for name, money in PURSE.items()}})
        for player in PLAYERS
    )
    rows = tuple(
        {
            "_id": ObjectId(f"{next(numbers):024x}"),
            **credit(
                telegram_id=player,
                currency=currency,
                amount=amount,
                reason="battle_reward",
                request_id="gift",
                now=born,
            ),
        }
        for player in PLAYERS
        for currency, amount in PURSE.items()
    )
    guild = new_guild("777", "Founders", "", born, guild_id=GUILD_ID)
    brokers = tuple(made(**{**new_broker(player, born)}) for player in PLAYERS for _ in range(2))
    database = MemoryDatabase()
    database.commit(
        [
            Insert("economyconfigs", ({"_id": CONFIG_ID, **DEFAULTS, **prices, **stamps},)),
            Insert("gamemodes", modes),
            Insert("users", users),
            Insert("ledgerentries", rows),
            Insert("guilds", (guild,)),
            Insert("brokers", brokers),
            Insert("globalbosses", (made(name="Bear", maxHp=400, currentHp=400, status="active"),)),
            Insert("referrals", ({**REFERRAL, "active": True, **stamps},)),
            Insert("referraluses", (made(code="c", referrerTelegramId=REFERRER, refereeTelegramId="777"),)),
        ]
    )
    return database


def play(seed: int, parts: Parts = SOUND, actions: int = ACTIONS) -> Report:
    """Raises ``Broken`` with the seed in it."""
    try:
        return History(seed, parts, actions).run()
    except Broken as broken:
        raise Broken(f"seed {seed}: {broken}") from broken
