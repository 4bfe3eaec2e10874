"""``verify`` on three real databases: 1 % of documents damaged behind the arena's back is found and healed."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.region_books import MongoRegionBooks
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.replication.ports import CONFLICTS
from chalicelib.replication.verify import Verifier
from tests.regions_apart import REGIONS, Apart, Content, apart, content, damage, meaning, untouched
from tests.worlds import NOON

SEED = 1
SHARE = 0.01
Databases = Mapping[str, Database[Document]]


@pytest.fixture(scope="module")
def base() -> Content:
    """More than 5,000 documents."""
    print(f"seed {SEED}")
    return content(random.Random(SEED), players=700, battles=1300)


@pytest.fixture
def databases(mongo_client: MongoClient[Document]) -> Iterator[Databases]:
    found = {region: mongo_client[f"test_verify_{region}"] for region in REGIONS}
    for database in found.values():
        mongo_client.drop_database(database.name)
        ensure_indexes(database)
    yield found
    for database in found.values():
        mongo_client.drop_database(database.name)


@pytest.fixture
def verifier(mongo_uri: str, databases: Databases) -> Iterator[Verifier]:
    pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS))
    books = []
    for region, database in databases.items():
        operations = Operations(pools, database.name, budget_seconds=30)
        store = MongoStore(operations, Transactions(pools, budget_seconds=30))
        books.append(MongoRegionBooks(operations, store, ManualClock(NOON), region=region))
    yield Verifier(books, ManualClock(NOON), lambda _pause: None)
    pools.close()


def fill(databases: Databases, world: Apart) -> None:
    for region, database in databases.items():
        for name, documents in world.regions[region].items():
            database[name].delete_many({})
            database[name].insert_many(documents)


def read(database: Database[Document]) -> Content:
    return {name: list(database[name].find()) for name in database.list_collection_names()}


def test_one_percent_damaged_is_found_and_healed_and_nothing_else_is_touched(
    base: Content, databases: Databases, verifier: Verifier
) -> None:
    """Changed, deleted, lost on the way; in random regions."""
    world = apart(base)
    documents = sum(map(len, base.values()))
    damage(random.Random(SEED), world, int(documents * SHARE))
    fill(databases, world)
    before = {region: read(database) for region, database in databases.items()}
    report = verifier.run(repair=True)
    print(f"{documents} documents per region, {len(world.told)} damaged; {report.cost}")
    print("\n".join(f"{number:4} {what}" for what, number in report.counted().items()))
    assert documents > 5000
    assert (report.blocked, report.stale, report.remaining) == ([], 0, 0)
    assert report.made == len(report.differences) >= len(world.told)
    right = meaning(world.base)
    for region, database in databases.items():
        now = read(database)
        held = meaning(now)
        assert {name for name in held | right if held.get(name) != right.get(name)} == set()
        count, changed = untouched(world, before[region], now)
        print(f"{region}: {count} documents untouched, byte for byte")
        assert changed == []
    lost = sum(len(one.conflicts) for one in report.differences)
    assert sum(database[CONFLICTS].count_documents({}) for database in databases.values()) == lost > 0
    assert verifier.run(repair=False).differences == []


def test_cost_grows_with_the_differences_not_with_the_data(
    base: Content, databases: Databases, verifier: Verifier
) -> None:
    """Everything is read once; what regions tell each other beyond a digest per range is about what differs."""
    costs: dict[int, Any] = {}
    fill(databases, apart(base))
    battles = databases[REGIONS[1]]["battles"]
    order = [battle["_id"] for battle in base["battles"]]
    random.Random(SEED).shuffle(order)
    for count in (0, 1, 10, 100):
        battles.update_many({"_id": {"$in": order[:count]}}, {"$set": {"rewardNeur": -1}})
        report = verifier.run(repair=False)
        cost = costs[count] = report.cost
        print(f"{count:3} differences: {cost}")
        assert len([one for one in report.differences if one.collection == "battles"]) == count
    assert len({cost.documents for cost in costs.values()}) == 1
    assert (costs[0].rows, costs[0].whole) == (0, 0)
    assert [cost.whole for cost in costs.values()] == [0, 3, 30, 300]
    for count, cost in costs.items():
        told = cost.digests - costs[0].digests + cost.rows
        assert told <= count * 3 * (2 * 16 + 16)
