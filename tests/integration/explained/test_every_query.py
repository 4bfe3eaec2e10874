"""Every query the arena can send is explained, and none scans a collection.

The methods are found by looking at the adapters: one without a scenario fails here.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import Clock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from infra.sharding.shapes import RECORDED, as_rows, recorded, shapes
from tests.integration.explained.plans import Explainer, Unexplainable
from tests.integration.explained.registry import SCENARIOS, adapters, load_scenarios, methods, part_types
from tests.integration.explained.town import SMALL, Town, populate
from tests.recorder import Recorder
from tests.worlds import mongo_world

load_scenarios()


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(scope="module")
def town(mongo_uri: str, mongo_client: Any, recorder: Recorder) -> Iterator[Town]:
    """One town for all scenarios: what one of them adds does not hurt the others."""
    database: Database[Document] = mongo_client["test_explained"]
    mongo_client.drop_database(database.name)
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS), listeners=[recorder])
    world, _ = mongo_world(database, mongo_uri, pools=pools)
    populate(database)
    operations = Operations(pools, database.name, budget_seconds=20)
    yield Town(world=world, operations=operations, pools=pools, database=database)
    pools.close()
    mongo_client.drop_database(database.name)


def test_every_adapter_method_has_a_scenario() -> None:
    """And no scenario outlives its method."""
    assert set(methods()) == set(SCENARIOS)


@pytest.mark.parametrize("method", sorted(SCENARIOS))
def test_it_is_served_by_indexes(method: str, town: Town, recorder: Recorder) -> None:
    """Collections, filters, updates and the pipelines inside lookups, as they were sent."""
    scenario = SCENARIOS[method]
    explainer = Explainer(town.database, frozenset(SMALL))
    name, member = method.split(".")
    with _session(name, town) as session:
        adapter = _built(name, replace(town, session=session))
        recorder.taken()
        scenario.drive(town, getattr(adapter, member))
        sent = recorder.taken()
    commands = [command for command in sent if explainer.explained(command)]
    assert bool(commands) != bool(scenario.silent), f"{method} sent {len(commands)} queries"
    faults = [fault for command in commands for fault in explainer.faults(command) if not scenario.permits(fault)]
    assert not faults, f"{method}:\n" + "\n".join(map(str, faults))
    unknown = {shape: 0.0 for command in sent for shape in shapes(command) if shape not in recorded()}
    assert not unknown, f"where shards would be asked is not known: add to {RECORDED.name}\n{as_rows(unknown)}"


@contextlib.contextmanager
def _session(name: str, town: Town) -> Iterator[ClientSession | None]:
    """A transaction that comes to nothing, for adapters that live in one."""
    if ClientSession not in part_types(name).values():
        yield None
        return
    with town.pools.client("primary").start_session() as session:
        session.start_transaction()
        yield session
        session.abort_transaction()


def _built(name: str, town: Town) -> object:
    ready = {
        Operations: town.operations,
        MongoStore: town.world.store,
        ClientSession: town.session,
        Clock: town.world.clock,
        Transactions: Transactions(town.pools, budget_seconds=20),
    }
    try:
        parts = {parameter: ready[kind] for parameter, kind in part_types(name).items()}
    except KeyError as unknown:
        raise AssertionError(f"{name} is made of {unknown}: teach the test to make one") from unknown
    return adapters()[name](**parts)


def _faults(town: Town, command: Document) -> list[str]:
    return [fault.what for fault in Explainer(town.database, frozenset(SMALL)).faults(command)]


LOOKED_UP = {"from": "brokers", "as": "brokers"}


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ({"find": "users", "filter": {"username": "u5"}}, "COLLSCAN"),
        ({"find": "users", "filter": {}, "sort": {"username": 1}, "limit": 3}, "COLLSCAN"),
        ({"update": "users", "updates": [{"q": {"username": "u5"}, "u": {"$set": {"a": 1}}}]}, "COLLSCAN"),
        ({"findAndModify": "users", "query": {"username": "u5"}, "update": {"$set": {"a": 1}}}, "COLLSCAN"),
        ({"aggregate": "users", "pipeline": [{"$match": {"username": "u5"}}, {"$count": "n"}]}, "COLLSCAN"),
        (
            {"find": "users", "filter": {"telegramId": {"$gt": ""}}, "sort": {"username": 1}, "limit": 3},
            "SORT in memory of 200",
        ),
        (
            {"find": "users", "filter": {"telegramId": {"$gt": ""}, "username": "u5"}, "limit": 3},
            "totalKeysExamined 200",
        ),
        (
            {
                "aggregate": 1,
                "pipeline": [
                    {"$documents": [{}]},
                    {"$lookup": {**LOOKED_UP, "pipeline": [{"$match": {"level": 20}}]}},
                ],
            },
            "COLLSCAN in a $lookup",
        ),
        (
            {
                "aggregate": "guilds",
                "pipeline": [
                    {"$match": {"name": "guild 5"}},
                    {"$lookup": {**LOOKED_UP, "localField": "name", "foreignField": "ownerName"}},
                ],
            },
            "COLLSCAN in a $lookup",
        ),
        (
            {
                "aggregate": "guilds",
                "pipeline": [
                    {"$match": {"name": "guild 5"}},
                    {
                        "$lookup": {
                            **LOOKED_UP,
                            "let": {"own": "$_id"},
                            "pipeline": [
                                {"$match": {"ownerTelegramId": {"$gt": ""}, "$expr": {"$ne": ["$guildId", "$$own"]}}},
                                {"$sort": {"level": 1}},
                                {"$limit": 1},
                            ],
                        }
                    },
                ],
            },
            "SORT in memory of 300",
        ),
    ],
)
def test_what_is_wrong_is_found(town: Town, command: Document, fault: str) -> None:
    """The test itself: it sees each kind of fault, in each kind of command, inside lookups too."""
    assert any(found.startswith(fault) for found in _faults(town, command)), _faults(town, command)


def test_what_it_cannot_explain_it_refuses(town: Town) -> None:
    """A new kind of command, a collection with nothing in it, a lookup nothing reaches."""
    explainer = Explainer(town.database, frozenset())
    with pytest.raises(Unexplainable, match="mapReduce"):
        explainer.explained({"mapReduce": "users"})
    with pytest.raises(Unexplainable, match="0 documents"):
        explainer.faults({"find": "nobody", "filter": {"_id": 1}})
    lookup = {"$lookup": {**LOOKED_UP, "localField": "_id", "foreignField": "guildId"}}
    with pytest.raises(Unexplainable, match="nothing reaches"):
        explainer.faults({"aggregate": "guilds", "pipeline": [{"$match": {"name": "none"}}, lookup]})
