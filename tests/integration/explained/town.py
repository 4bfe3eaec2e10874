"""An arena with thousands of documents of every kind, so that the planner has something to choose an index for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chalicelib.arena.brokers import new_broker
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.data.operations import Operations
from chalicelib.data.pools import Pools
from tests.worlds import NOON, World

PLAYERS = 2000
MAIN = "1000000"
"""The player the scenarios are about: half of what there is is theirs."""

SEASON, LAST_SEASON = "2026-11", "2026-10"
FAR = datetime(2100, 1, 1, tzinfo=UTC)
"""Of what expires: the server's own clock removes it."""


@dataclass(frozen=True, kw_only=True)
class Town:
    """What adapters are built of, and the world around them."""

    world: World
    operations: Operations
    pools: Pools
    database: Database[Document]
    session: ClientSession | None = None
    """Of the transaction, for adapters that live in one."""


Maker = Callable[[int], Document]
POPULATION: dict[str, tuple[int, Maker]] = {}
"""How many documents of a collection there are, and the n-th of them."""

SMALL: set[str] = {"economyconfigs"}
"""Collections that hold few documents by nature: what operators make, and one per day or season."""


def inhabits(collection: str, count: int, *, small: bool = False) -> Callable[[Maker], Maker]:
    """Registers the decorated function as the maker of a collection's documents."""

    def register(make: Maker) -> Maker:
        assert collection not in POPULATION, f"{collection} has two makers"
        POPULATION[collection] = (count, make)
        if small:
            SMALL.add(collection)
        return make

    return register


def oid(collection: str, number: int) -> ObjectId:
    """The ``_id`` of the n-th document of a collection."""
    return ObjectId(f"{crc32(collection.encode()):08x}{number:016x}")


def player_id(number: int) -> str:
    return str(1_000_000 + number % PLAYERS)


def owner_of(number: int) -> str:
    """Every second document is the main player's."""
    return MAIN if number % 2 == 0 else player_id(number)


def moment(number: int) -> datetime:
    """Three documents share one."""
    return NOON - timedelta(milliseconds=number // 3)


def stamped(number: int) -> Document:
    return {"createdAt": moment(number), "updatedAt": moment(number), "__v": 0}


def populate(database: Database[Document]) -> None:
    """Puts everybody in."""
    for collection, (count, make) in POPULATION.items():
        documents = [{"_id": oid(collection, number), **make(number)} for number in range(count)]
        database[collection].insert_many(documents, ordered=False)


@inhabits("users", PLAYERS)
def _user(number: int) -> Document:
    sums = {"score": number, "aiba": number % 50, "neur": 0, "battles": 1 + number % 9}
    boards = {"all": sums, "league:rookie": sums, "realm:core": sums}
    return {
        **new_player(NOON),
        "telegramId": player_id(number),
        "username": f"u{number}",
        "neurBalance": 10_000,
        "aibaBalance": 10_000,
        "realmProgress": {"core": {"xp": 1}},
        "totals": boards,
        "seasons": {SEASON: boards, LAST_SEASON: boards},
        "standingsAt": moment(number),
    }


@inhabits("brokers", 3000)
def _broker(number: int) -> Document:
    # The first brokers are the main player's; hundreds of others too, but fewer than are listed at once.
    owner = MAIN if number < 500 else player_id(number)
    guild = oid("guilds", number % 1500) if number % 3 == 0 else None
    return {**new_broker(owner, moment(number)), "energy": 100, "level": 20, "guildId": guild}


@inhabits("guilds", 1500)
def _guild(number: int) -> Document:
    owner, member = player_id(number), player_id(number + 1)
    people = [{"telegramId": who, "role": "member", "joinedAt": NOON} for who in (owner, member)]
    return {
        **stamped(number),
        "name": f"guild {number}",
        "ownerTelegramId": owner,
        "members": people,
        "active": number % 10 != 9,
        "bio": "",
        "pooledBrokers": [],
        "vaultNeur": 0,
        "vaultAiba": 0,
        "boostCount": number % 7,
    }


@inhabits("battles", 4000)
def _battle(number: int) -> Document:
    arena, league = ("prediction", "arbitrage")[number % 2], ("rookie", "pro", "elite")[number % 3]
    return {
        **stamped(number),
        "requestId": f"battle-{number}",
        "ownerTelegramId": MAIN if number % 4 < 2 else player_id(number),
        "brokerId": oid("brokers", number % 500),
        "arena": arena,
        "league": league,
        "modeKey": f"{arena}-{league}",
        "score": number % 200,
        "rewardAiba": 10,
        "rewardNeur": 0,
        "guildId": None,
    }


@inhabits("ledgerentries", 6000)
def _row(number: int) -> Document:
    return {
        **stamped(number),
        "telegramId": MAIN if number % 6 < 3 else player_id(number),
        "currency": ("NEUR", "AIBA", "STARS")[number % 3],
        "direction": "credit",
        "amount": 1,
        "reason": "battle_reward" if number % 30 else "train",
        "arena": "prediction",
        "league": "rookie",
        "sourceType": "battle",
        "sourceId": f"battle-{number}",
        "requestId": f"battle-{number}",
        "battleId": oid("battles", number % 4000),
        "applied": True,
        "meta": {},
    }


@inhabits("actionrunkeys", 1500)
def _action(number: int) -> Document:
    key = {"scope": "broker_train", "requestId": f"action-{number}", "ownerTelegramId": player_id(number)}
    return {**key, "status": "completed", "response": {}, "expiresAt": FAR}


@inhabits("boosts", 1500)
def _boost(number: int) -> Document:
    return {"telegramId": player_id(number), "multiplier": 2, "expiresAt": NOON + timedelta(days=2 - number % 5)}


@inhabits("referrals", 1500)
def _referral(number: int) -> Document:
    return {"code": f"code-{number}", "ownerTelegramId": player_id(number), "uses": number % 5, "active": True}


@inhabits("referraluses", 1500)
def _use(number: int) -> Document:
    referrer = (number + 1) % 1500
    who = {"code": f"code-{referrer}", "referrerTelegramId": player_id(referrer)}
    return {**stamped(number), **who, "refereeTelegramId": player_id(number)}


@inhabits("bossdamages", 2000)
def _damage(number: int) -> Document:
    boss = oid("globalbosses", number % 20)
    return {"bossId": boss, "battleId": oid("battles", number), "telegramId": player_id(number), "damage": number}


@inhabits("economydays", 720, small=True)
def _day(number: int) -> Document:
    day = f"{2020 + number // 96}-{number // 8 % 12 + 1:02d}-01"
    return {"_id": f"{day}#{number % 8}", "day": day, "stripe": number % 8, "emittedAiba": 0, "emittedNeur": 0}


@inhabits("gamemodes", 45, small=True)
def _mode(number: int) -> Document:
    fields = {"arena": ("prediction", "chess")[number % 2], "league": ("rookie", "pro")[number // 2 % 2]}
    return {**stamped(number), "key": f"mode-{number}", "name": "m", "enabled": number % 9 != 0, **fields}


@inhabits("realms", 40, small=True)
def _realm(number: int) -> Document:
    return {"key": f"realm-{number}", "active": number % 5 != 0, "level": number % 7, "order": number}


@inhabits("globalbosses", 20, small=True)
def _boss(number: int) -> Document:
    hp = {"maxHp": 10**6, "currentHp": 10**6}
    return {**stamped(number), "status": "defeated" if number else "active", **hp}


def document_of(town: Town, collection: str, **where: Any) -> Document:
    """Some document, as stored."""
    found = town.database[collection].find_one(where)
    assert found is not None, f"no document of {collection} has {where}"
    return found
