"""Servers that regions share, and servers of their own."""

from pathlib import Path

import pytest

from localcloud.region_stores import claim_stores, servers_of
from localcloud.state import StateDir

REGIONS = ("us-east-1", "eu-west-1")


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


@pytest.mark.parametrize("cache", ["none", "single", "cluster"])
def test_shared_servers_are_started_once(cache: str, state: StateDir) -> None:
    stores = claim_stores(REGIONS, members=1, cache=cache, mongo_port=0, valkey_port=0, apart=False)
    assert stores[REGIONS[0]] is stores[REGIONS[1]]
    names = [server.name for server in servers_of(stores, state)]
    assert names[0] == "mongod"
    assert len(names) == len(set(names)) == 1 + {"none": 0, "single": 1, "cluster": 6}[cache]


@pytest.mark.parametrize("cache", ["single", "cluster"])
def test_servers_apart_have_names_and_ports_of_their_own(cache: str, state: StateDir) -> None:
    stores = claim_stores(REGIONS, members=3, cache=cache, mongo_port=0, valkey_port=0, apart=True)
    names = [server.name for server in servers_of(stores, state)]
    assert len(names) == len(set(names)) == 2 * (3 + {"single": 1, "cluster": 6}[cache])
    assert {"mongod-us-east-1-1", "mongod-eu-west-1-3"} <= set(names)
    assert stores[REGIONS[0]].mongo.uri != stores[REGIONS[1]].mongo.uri
    assert stores[REGIONS[0]].cache.redis_url != stores[REGIONS[1]].cache.redis_url
