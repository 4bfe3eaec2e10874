"""Readiness with every kind of cache: one that is away makes the arena slower, never unready."""

from typing import Any

import pytest
from pymongo.database import Database

import app as composition
from chalicelib.clock import ManualClock
from localcloud.ports import free_ports
from tests.gateway import call
from tests.installed import installed_arena
from tests.localstack.running import eventually
from tests.worlds import NOON


@pytest.mark.parametrize(
    ("server", "mode", "state"),
    [
        ("valkey_url", "single", "up"),
        ("valkey_cluster", "cluster", "up"),
        ("nobody", "single", "down"),
        ("nobody", "cluster", "down"),
        ("none", "single", "off"),
    ],
)
def test_the_cache_never_decides(
    request: pytest.FixtureRequest,
    mongo_uri: str,
    database: Database[dict[str, Any]],
    server: str,
    mode: str,
    state: str,
) -> None:
    urls = {"nobody": f"redis://127.0.0.1:{free_ports(1)[0]}", "none": ""}
    url = urls[server] if server in urls else request.getfixturevalue(server)
    with installed_arena(mongo_uri, database, ManualClock(NOON), REDIS_URL=url, ARENA_REDIS_MODE=mode):
        # The first look has a second to connect in, which a busy machine may not keep to.
        answer = eventually(lambda: call(composition.app, "GET", "/health/ready"), lambda found: found.status == 200)
    assert answer.data["ready"] is True
    assert answer.data["dependencies"] == {"mongodb": "up", "redis": state}
