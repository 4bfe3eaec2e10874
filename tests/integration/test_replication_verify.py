"""``verify`` on three real databases: 1 % of documents damaged behind the arena's back is found and healed."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.region_books import MongoRegionBooks
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.replication.ports import CONFLICTS
from chalicelib.replication.verify import Verifier
from infra.cli.replication import command
from tests.databases import Lender
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
def databases(lender: Lender) -> Iterator[Databases]:
    with lender.lent_to(REGIONS) as found:
        yield found


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


def run(name: str, databases: Databases, mongo_uri: str, *more: str) -> tuple[int, Any]:
    """Exit code and report of a command."""
    result = CliRunner().invoke(command, [name, "--json", *options(databases, mongo_uri), *more])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, json.loads(result.stdout)


def options(databases: Databases, mongo_uri: str) -> list[str]:
    host, _, query = mongo_uri.partition("/?")
    named = (f"{region}={host}/{database.name}?{query}" for region, database in databases.items())
    return [part for one in named for part in ("--mongo", one)]


def test_the_command_heals_and_says_by_its_exit_code_whether_anything_is_left(
    databases: Databases, mongo_uri: str
) -> None:
    """A lost field, by majority; then a conflict of two regions, by priority; both on record."""
    world = apart(content(random.Random(2), players=10, battles=5))
    fill(databases, world)
    first, second, third = databases.values()
    assert run("verify", databases, mongo_uri, "--grace", "0")[0] == 0
    broker = world.base["brokers"][0]["_id"]
    third["brokers"].update_one({"_id": broker}, {"$set": {"energy": -5}})
    code, found = run("verify", databases, mongo_uri, "--grace", "0")
    assert (code, found["agrees"], len(found["differences"]), found["repaired"]) == (1, False, 1, 0)
    text = CliRunner().invoke(command, ["verify", "--grace", "0", *options(databases, mongo_uri)])
    assert f"{REGIONS[2]} brokers {broker}: change (energy), minority" in text.stdout
    assert "1 differences; --repair heals them" in text.stdout
    code, healed = run("verify", databases, mongo_uri, "--grace", "0", "--repair")
    assert (code, healed["repaired"], healed["remaining"]) == (0, 1, 0)
    second["brokers"].update_one({"_id": broker}, {"$set": {"energy": -6}})
    two = ",".join(REGIONS[:2])
    code, healed = run("verify", databases, mongo_uri, "--grace", "0", "--repair", "--regions", two)
    assert (code, healed["differences"][0]["why"]) == (0, "lower priority")
    assert len({database["brokers"].find_one({"_id": broker})["energy"] for database in (first, second, third)}) == 1  # type: ignore[index]

    code, lost = run("conflicts", databases, mongo_uri)
    assert [(one["loser"]["value"], one["foundIn"]) for one in lost] == [(-6, [REGIONS[1]]), (-5, [REGIONS[2]])]
    shown = CliRunner().invoke(command, ["conflicts", *options(databases, mongo_uri)]).stdout
    assert f"brokers {broker}: energy" in shown
    assert shown.count("winner") == 2


def test_databases_that_were_seeded_apart_agree(databases: Databases, verifier: Verifier) -> None:
    """Each at its own time, with its own ids of modes."""
    for number, database in enumerate(databases.values()):
        seed_defaults(database, NOON + timedelta(seconds=number))
    report = verifier.run(repair=False)
    assert report.cost.documents > 3
    assert [one.shown() for one in report.differences] == []


def test_lags_of_every_pair_and_what_waits(databases: Databases, mongo_uri: str) -> None:
    """From what was applied, and the outbox."""
    first, second, _ = databases.values()
    for number in range(100):
        rows = {"region": REGIONS[0], "occurredAt": NOON, "appliedAt": NOON + timedelta(milliseconds=10 * number)}
        second["replicationevents"].insert_one(rows)
    first["outbox"].insert_one({"pending": [REGIONS[2]], "occurredAt": datetime.now(UTC) - timedelta(minutes=5)})
    code, pairs = run("lag", databases, mongo_uri)
    assert (code, len(pairs)) == (0, 6)
    by_pair = {(one["source"], one["target"]): one for one in pairs}
    there = by_pair[REGIONS[0], REGIONS[1]]
    assert (there["events"], there["p50_seconds"], there["p99_seconds"]) == (100, 0.49, 0.98)
    waiting = by_pair[REGIONS[0], REGIONS[2]]
    assert (waiting["waiting"], int(waiting["oldest_seconds"]) // 60) == (1, 5)
    text = CliRunner().invoke(command, ["lag", *options(databases, mongo_uri)]).stdout
    assert "490 ms   980 ms" in text


def test_it_is_refused_in_words(databases: Databases, mongo_uri: str) -> None:
    """Never with the password of an address."""
    given = options(databases, mongo_uri)
    for arguments, words in (
        (["verify", *given[:2]], "it takes 2 regions"),
        (["verify", *given, "--regions", "us-east-1,mars-1"], "--regions mars-1"),
        (["verify", "--mongo", "us-east-1=mongodb://a:secret@h"], "REGION=mongodb://host/DATABASE"),
    ):
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code == 2
        assert words in result.output
        assert "secret" not in result.output
