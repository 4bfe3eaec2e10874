"""What environments cost the database in connections, counted by the server."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pymongo import MongoClient

from chalicelib.data.operations import FindOne, Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools
from tests.redis_doors import eventually

QUIET_LOOKS = 20
"""In a row without another connection: those of former tests, opened by threads of the driver, have come by then."""
ENVIRONMENTS = 8
MONITORS_PER_SERVER = 2
"""A client keeps one connection that waits for changes and one that measures round trips."""


def connections_ever(client: MongoClient[dict[str, Any]]) -> int:
    """All connections the server has accepted; unlike those open now, none is missed when an older one closes."""
    return int(client.admin.command("serverStatus")["connections"]["totalCreated"])


def settled(client: MongoClient[dict[str, Any]]) -> int:
    """``connections_ever`` once nobody opens any: a client measures round trips by one that comes a moment late."""
    seen: list[int] = []

    def quiet() -> bool:
        seen.append(connections_ever(client))
        return len(seen) > QUIET_LOOKS and len(set(seen[-QUIET_LOOKS:])) == 1

    eventually("nobody opens a connection", quiet, seconds=60)
    return seen[-1]


def test_each_environment_stays_within_its_pool(mongo_client: MongoClient[dict[str, Any]], mongo_uri: str) -> None:
    """Many calls at once in each of several environments: never more than the pool and its monitors."""
    before = settled(mongo_client)
    environments = [Pools(mongo_uri) for _ in range(ENVIRONMENTS)]
    assert connections_ever(mongo_client) == before, "a connection was opened before it was needed"
    with ThreadPoolExecutor(ENVIRONMENTS * 4) as callers:
        calls = [
            callers.submit(Operations(pools, "connections").execute, FindOne("users", {"telegramId": "1"}))
            for pools in environments
            for _ in range(20)
        ]
        assert [call.result() for call in calls] == [None] * len(calls)
    used = connections_ever(mongo_client) - before
    most = ENVIRONMENTS * (ENVIRONMENT_POOLS["primary"].max_size + MONITORS_PER_SERVER)
    assert ENVIRONMENTS <= used <= most
    assert all(pools.opened() == ("primary",) for pools in environments)
    for pools in environments:
        pools.close()
