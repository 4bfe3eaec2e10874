"""One of three regions loses its database and is restored: fenced, healed, given its players back, it converges."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.pools import Pools
from chalicelib.data.region_books import MongoRegionBooks
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.errors import Unavailable
from chalicelib.replication.failover import plan_failover, plan_return
from chalicelib.replication.verify import Verifier
from tests.backup_worlds import BackedUp
from tests.fakes.memory_objects import MemoryObjects
from tests.integration.test_failover import FIRST, PLAYERS, REGIONS, SECOND, THIRD, Region, region, takeover, tell

Databases = dict[str, Database[Document]]


@pytest.fixture
def databases(mongo_client: MongoClient[Document]) -> Iterator[Databases]:
    """Of three regions, and an empty one."""
    found = {name: mongo_client[f"test_{ObjectId()}"] for name in (*REGIONS, "empty")}
    yield found
    for database in found.values():
        mongo_client.drop_database(database.name)


def _verifier(regions: Mapping[str, Region]) -> Verifier:
    def books(name: str, one: Region) -> MongoRegionBooks:
        store = MongoStore(one.operations, Transactions(one.operations.pools, budget_seconds=20))
        return MongoRegionBooks(one.operations, store, system_clock, region=name)

    ordered = [(name, regions[name]) for name in REGIONS]
    return Verifier([books(name, one) for name, one in ordered], system_clock, lambda _pause: None)


def _trained(one: Region) -> set[str]:
    return {row["sourceId"] for row in one.database["ledgerentries"].find({"direction": "debit"})}


def test_it_converges_with_the_others(databases: Databases, mongo_uri: str, opened: list[Pools]) -> None:
    regions = {name: region(name, databases[name], mongo_uri, opened) for name in REGIONS}
    tell(regions)
    for player in range(PLAYERS):
        regions[FIRST].train(str(player), f"before {player}")
    tell(regions)
    backed_up = BackedUp(mongo_uri, databases[FIRST].name, MemoryObjects(), regions=REGIONS)
    manifest = backed_up.take()

    # What follows the backup: told to the others; heard of them; not told to anybody, which is lost with the database.
    regions[FIRST].train("0", "told")
    tell(regions)
    regions[FIRST].train("1", "never told")
    databases[FIRST].client.drop_database(databases[FIRST].name)
    left = {name: regions[name] for name in (SECOND, THIRD)}
    takeover(left, lambda found: plan_failover(REGIONS, found, failed=FIRST, force=True))
    regions[SECOND].train("2", "meanwhile")
    tell(left)

    report = backed_up.restore(manifest, databases["empty"].name)
    assert report.fenced
    regions[FIRST] = region(FIRST, databases["empty"], mongo_uri, opened, restored=True)
    with pytest.raises(Unavailable, match="nobody serves the players of us-east-1"):
        regions[FIRST].train("3", "too early")

    healed = _verifier(regions).run(repair=True, grace=timedelta())
    assert healed.remaining == 0
    takeover(regions, lambda found: plan_return(REGIONS, found, region=FIRST))
    regions[FIRST].train("3", "at home again")
    tell(regions)
    assert _verifier(regions).run(repair=False, grace=timedelta()).agrees
    done = {f"before {player}" for player in range(PLAYERS)} | {"told", "meanwhile", "at home again"}
    assert [_trained(one) for one in regions.values()] == [done] * 3
    backed_up.close()
