"""One of three regions loses its database and is restored: fenced, healed, given its players back, it converges."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

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
from chalicelib.replication.failover import Takeover, carry_out, plan_failover, plan_return
from chalicelib.replication.verify import Verifier
from tests.backup_worlds import BackedUp
from tests.fakes.memory_objects import MemoryObjects
from tests.integration.test_failover import FIRST, PLAYERS, REGIONS, SECOND, THIRD, Region, region

Databases = dict[str, Database[Document]]


@pytest.fixture
def opened() -> Iterator[list[Pools]]:
    pools: list[Pools] = []
    yield pools
    for one in pools:
        one.close()


@pytest.fixture
def databases(mongo_client: MongoClient[Document]) -> Iterator[Databases]:
    """Of three regions, and an empty one."""
    found = {name: mongo_client[f"test_{ObjectId()}"] for name in (*REGIONS, "empty")}
    yield found
    for database in found.values():
        mongo_client.drop_database(database.name)


def _tell(regions: Mapping[str, Region]) -> None:
    for name, one in regions.items():
        others = {other: found for other, found in regions.items() if other != name}
        while one.publish(others):
            pass


def _over(takeover: Takeover, regions: Mapping[str, Region]) -> None:
    """Nobody plays meanwhile, so that nobody has to be waited for."""
    hands = {name: one.hand for name, one in regions.items()}
    carry_out(takeover, hands, run=str(ObjectId()), clock=system_clock, sleep=lambda _s: None, tell=lambda _l: None)


def _roles(regions: Mapping[str, Region]) -> dict[str, Any]:
    return {name: one.hand.roles() for name, one in regions.items()}


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
    _tell(regions)
    for player in range(PLAYERS):
        regions[FIRST].train(str(player), f"before {player}")
    _tell(regions)
    backed_up = BackedUp(mongo_uri, databases[FIRST].name, MemoryObjects(), regions=REGIONS)
    manifest = backed_up.take()

    # What follows the backup: told to the others; heard of them; not told to anybody, which is lost with the database.
    regions[FIRST].train("0", "told")
    _tell(regions)
    regions[FIRST].train("1", "never told")
    databases[FIRST].client.drop_database(databases[FIRST].name)
    left = {name: regions[name] for name in (SECOND, THIRD)}
    _over(plan_failover(REGIONS, _roles(left), failed=FIRST, force=True), left)
    regions[SECOND].train("2", "meanwhile")
    _tell(left)

    report = backed_up.restore(manifest, databases["empty"].name)
    assert report.fenced
    regions[FIRST] = region(FIRST, databases["empty"], mongo_uri, opened, restored=True)
    with pytest.raises(Unavailable, match="nobody serves the players of us-east-1"):
        regions[FIRST].train("3", "too early")

    healed = _verifier(regions).run(repair=True, grace=timedelta())
    assert healed.remaining == 0
    _over(plan_return(REGIONS, _roles(regions), region=FIRST), regions)
    # An environment that has read the roles since.
    regions[FIRST] = region(FIRST, databases["empty"], mongo_uri, opened, restored=True)
    regions[FIRST].train("3", "at home again")
    _tell(regions)
    assert _verifier(regions).run(repair=False, grace=timedelta()).agrees
    done = {f"before {player}" for player in range(PLAYERS)} | {"told", "meanwhile", "at home again"}
    assert [_trained(one) for one in regions.values()] == [done] * 3
    backed_up.close()
