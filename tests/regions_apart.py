"""Three regions that hold the same, and hands that damage them behind the arena's back."""

import copy
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bson import ObjectId

from chalicelib.arena import ledger
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.ledger import balance_field
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.arena.seasons import season_at
from chalicelib.arena.standings import standings_after
from chalicelib.replication.content import BALANCE_FIELDS, NOT_CONTENT, normal, told_of
from chalicelib.replication.rules import ALL_FIELDS, DOCUMENTS, FACTS, VERSIONS
from chalicelib.replication.versions import next_version, rank_of
from tests.worlds import NOON

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
Content = dict[str, list[Document]]
"""A database by collection."""


def content(draw: random.Random, *, players: int, battles: int) -> Content:
    """A played arena: every balance is what the player began with and the sum of the ledger."""
    found: defaultdict[str, list[Document]] = defaultdict(list)
    version = next_version(NOON, [], 1)
    for number in range(players):
        user = {"_id": _id(draw), "telegramId": str(1000 + number), **new_player(NOON)}
        user |= {"username": f"u{number}", VERSIONS: {"username": version}, "neurBalance": draw.choice([0, 0, 500])}
        found["users"].append(user)
        broker = {"_id": _id(draw), **new_broker(user["telegramId"], NOON), VERSIONS: {ALL_FIELDS: version}}
        found["brokers"].append(broker)
        if number % 10 == 0:
            found["guilds"].append(_guild(draw, found["users"][-10:], version))
    for number in range(max(1, players // 20)):
        boss = {"name": f"bear {number}", "maxHp": 10_000, "currentHp": 10_000, "status": "active"}
        found["globalbosses"].append({"_id": _id(draw), **boss, VERSIONS: {ALL_FIELDS: version}})
    for number in range(battles):
        _fight(draw, found, number)
    return dict(found)


def _id(draw: random.Random) -> ObjectId:
    return ObjectId(draw.randbytes(12))


def _guild(draw: random.Random, users: Sequence[Document], version: str) -> Document:
    members = [{"telegramId": user["telegramId"], "role": "member", "joinedAt": NOON} for user in users]
    stamps = {ALL_FIELDS: version, f"members/{users[-1]['telegramId']}": next_version(NOON, [version], 2)}
    begin = {"_id": _id(draw), "name": f"guild {users[0]['telegramId']}", "ownerTelegramId": users[0]["telegramId"]}
    return {**begin, "members": members, "pooledBrokers": [], "active": True, "vaultNeur": 7, VERSIONS: stamps}


def _fight(draw: random.Random, found: defaultdict[str, list[Document]], number: int) -> None:
    user, boss = draw.choice(found["users"]), draw.choice(found["globalbosses"])
    now = NOON - timedelta(seconds=number)
    battle: Document = {"_id": _id(draw), "requestId": f"r{number:06}", "ownerTelegramId": user["telegramId"]}
    battle |= {"league": "rookie", "score": draw.randrange(200), "rewardAiba": 3, "rewardNeur": 2, "createdAt": now}
    found["battles"].append(battle)
    for path, amount in standings_after(user, battle, season_at(now, "month")).increments.items():
        *parents, name = path.split(".")
        scope = user
        for step in parents:
            scope = scope.setdefault(step, {})
        scope[name] = scope.get(name, 0) + amount
    row = ledger.credit(
        telegram_id=user["telegramId"],
        currency=draw.choice(ledger.CURRENCIES),
        amount=draw.randrange(1, 100),
        reason="battle_reward",
        request_id=battle["requestId"],
        now=now,
        battle_id=battle["_id"],
    )
    found["ledgerentries"].append({"_id": _id(draw), **row})
    user[balance_field(row["currency"])] += row["amount"]
    damage = {"_id": _id(draw), "bossId": boss["_id"], "battleId": battle["_id"], "damage": draw.randrange(1, 9)}
    found["bossdamages"].append({**damage, "telegramId": user["telegramId"], "createdAt": now})
    boss["currentHp"] = max(0, boss["currentHp"] - damage["damage"])


@dataclass
class Apart:
    """Regions of one content, some of it damaged."""

    base: Content
    regions: dict[str, Content]
    damaged: set[tuple[str, str]] = field(default_factory=set)
    """(collection, key) of what was damaged, or computed from it: nothing else may be touched."""
    told: list[str] = field(default_factory=list)
    """What was done, for people."""

    def document(self, region: str, collection: str, document_id: Any) -> Document:
        (found,) = (one for one in self.regions[region][collection] if one["_id"] == document_id)
        return found

    def concerned(self, collection: str, document: Mapping[str, Any]) -> set[tuple[str, str]]:
        """A document, and what is computed from it."""
        found = {(collection, str(document["_id"]))}
        for name in ("telegramId", "ownerTelegramId"):
            if collection in ("ledgerentries", "battles") and name in document:
                (user,) = (one for one in self.base["users"] if one["telegramId"] == document[name])
                found.add(("users", str(user["_id"])))
        if collection == "bossdamages":
            found.add(("globalbosses", str(document["bossId"])))
        return found


def apart(base: Content, regions: Sequence[str] = REGIONS) -> Apart:
    """Every region holds ``base``; each its own local fields of players."""
    found = {region: copy.deepcopy(base) for region in regions}
    for place, region in enumerate(regions):
        for user in found[region]["users"]:
            user |= {"createdAt": NOON + timedelta(hours=place), "__v": place}
    return Apart(base, found)


def damage(draw: random.Random, world: Apart, count: int) -> None:
    """Damages ``count`` documents, each in another way; of each at least one region keeps what is right."""
    choice = [
        (collection, document)
        for collection in ("users", "brokers", "guilds", "battles", "ledgerentries", "bossdamages")
        for document in world.base[collection]
    ]
    for collection, document in draw.sample(choice, count):
        concerned = world.concerned(collection, document)
        # Of what several hands have damaged nobody could say what it was.
        if concerned & world.damaged and collection != "bossdamages":
            continue
        ways = FACT_WAYS if collection in FACTS else DOCUMENT_WAYS
        way = draw.choice([one for name, one in ways if name in ("any", collection)])
        hurt = draw.sample(list(world.regions), 2)
        way(draw, world, collection, document, hurt)
        world.damaged |= concerned
        world.told.append(f"{way.__name__} {collection} {document['_id']} in {hurt}")


def _delete(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    world.regions[hurt[0]][collection].remove(world.document(hurt[0], collection, document["_id"]))


def _change_fact(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    name = {"ledgerentries": "amount", "battles": "score", "bossdamages": "damage"}[collection]
    world.document(hurt[0], collection, document["_id"])[name] += draw.randrange(1, 50)


def _rename_fact(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    name = "requestId" if collection == "battles" else "sourceId"
    world.document(hurt[0], collection, document["_id"])[name] = f"by hand {draw.randrange(10**9)}"


def _lose_row(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    """Its event never came to two regions: neither row nor payment."""
    for region in hurt:
        row = world.document(region, collection, document["_id"])
        world.regions[region][collection].remove(row)
        (user,) = (one for one in world.regions[region]["users"] if one["telegramId"] == row["telegramId"])
        user[balance_field(row["currency"])] -= row["amount"]


def _change_field(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    names = [name for name in told_of(DOCUMENTS[collection], document) if name in document]
    world.document(hurt[0], collection, document["_id"])[draw.choice(names)] = f"by hand {draw.randrange(10**9)}"


def _keep_old(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    """The last update never came to two regions."""
    for region in hurt:
        old = world.document(region, collection, document["_id"])
        for name, stamp in old[VERSIONS].items():
            old[VERSIONS][name] = next_version(NOON - timedelta(days=1), [], rank_of(stamp))
        old["username" if collection == "users" else "name"] = "as it was"


def _drop_field(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    del world.document(hurt[0], collection, document["_id"])["username" if collection == "users" else "createdAt"]


def _drop_member(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    world.document(hurt[0], collection, document["_id"])["members"].pop()


def _rob_vault(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    world.document(hurt[0], collection, document["_id"])["vaultNeur"] = 1


def _pay(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    world.document(hurt[0], collection, document["_id"])[draw.choice(BALANCE_FIELDS)] += 1000


def _rank(draw: random.Random, world: Apart, collection: str, document: Document, hurt: list[str]) -> None:
    hurt.pop()
    user = world.document(hurt[0], collection, document["_id"])
    user.setdefault("totals", {}).setdefault("all", {"score": 0, "aiba": 0, "neur": 0, "battles": 0})["score"] += 5


Way = Callable[[random.Random, Apart, str, Document, list[str]], None]
FACT_WAYS: Sequence[tuple[str, Way]] = (
    ("any", _delete),
    ("any", _change_fact),
    ("battles", _rename_fact),
    ("ledgerentries", _rename_fact),
    ("ledgerentries", _lose_row),
)
DOCUMENT_WAYS: Sequence[tuple[str, Way]] = (
    ("any", _delete),
    ("users", _drop_field),
    ("brokers", _drop_field),
    ("users", _keep_old),
    ("guilds", _keep_old),
    ("brokers", _change_field),
    ("guilds", _drop_member),
    ("guilds", _rob_vault),
    ("users", _pay),
    ("users", _rank),
)


def meaning(content: Mapping[str, Sequence[Document]]) -> dict[tuple[str, str], Any]:
    """What regions must agree on, balances, standings and bosses' points included; by (collection, key)."""
    found: dict[tuple[str, str], Any] = {}
    for collection in (*DOCUMENTS, *FACTS):
        for document in content.get(collection, ()):
            if collection in FACTS:
                told: Any = {name: value for name, value in document.items() if name not in NOT_CONTENT}
                key = str(document["_id"])
            else:
                rule = DOCUMENTS[collection]
                told = {name: (one.value, one.stamp) for name, one in told_of(rule, document).items()}
                told |= {name: document.get(name) for name in rule.derived if document.get(name)}
                key = str(document[rule.key])
            found[collection, key] = normal(told)
    return found


def untouched(
    world: Apart, before: Mapping[str, Sequence[Document]], after: Mapping[str, Sequence[Document]]
) -> tuple[int, list[Document]]:
    """How many documents of a region nobody damaged, and those of them that are not byte for byte as they were."""
    spared = [
        (collection, document)
        for collection, documents in before.items()
        for document in documents
        if (collection, str(document["_id"])) not in world.damaged
    ]
    now = {(collection, document["_id"]): document for collection, found in after.items() for document in found}
    return len(spared), [one for name, one in spared if repr(now.get((name, one["_id"]))) != repr(one)]
