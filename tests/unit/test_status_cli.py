"""``./arena status`` where LocalStack stands still or is gone: the rest is said, and soon."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from infra.cli.status import describe, with_live_counts
from localcloud.ports import free_ports

PATIENCE_SECONDS = 0.2


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def recorded(port: int) -> dict[str, Any]:
    region = dict.fromkeys(("api", "health", "websocket", "mongo", "database", "redis", "backups"), "x")
    return {
        "tier": "development",
        "localstack": f"http://127.0.0.1:{port}",
        "regions": {name: {**region, "function": "arena"} for name in ("us-east-1", "eu-west-1")},
        "redis": None,
        "fronts": [],
        "console": "c",
        "missing": "",
    }


def test_a_localstack_that_stands_still_is_asked_once(silent: socket.socket) -> None:
    """Not in each region again: what does not answer for one has nothing to say for the others."""
    status = with_live_counts(recorded(silent.getsockname()[1]), PATIENCE_SECONDS)
    assert [entry["provisioned"] for entry in status["regions"].values()] == [None, None]
    silent.setblocking(False)
    silent.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_a_localstack_that_is_gone_leaves_the_rest_to_be_said() -> None:
    (port,) = free_ports(1)
    said = describe(with_live_counts(recorded(port), PATIENCE_SECONDS), pid=7)
    assert "us-east-1: ? warm" in said
    assert "eu-west-1: ? warm" in said
    assert f"localstack http://127.0.0.1:{port}" in said
