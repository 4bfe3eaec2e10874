"""Doors to the test servers, and plain clients to look behind them."""

from collections.abc import Callable
from typing import Any

import redis

from chalicelib.cache.door import DoorLimits, RedisDoor
from chalicelib.settings import split_urls
from tests.waiting import looks

UNHURRIED = DoorLimits(budget_seconds=10.0, connections_per_node=2)
"""For what is not about time: test machines are busy."""


def door_to(urls: str, *, limits: DoorLimits = UNHURRIED, **options: Any) -> RedisDoor:
    """A door to the server, or to the cluster of the comma-separated ``urls``."""
    return RedisDoor.from_urls(split_urls(urls), limits=limits, **options)


def client_of(urls: str) -> Any:
    """redis-py's own client of the same server or cluster."""
    first, *others = split_urls(urls)
    if others:
        return redis.RedisCluster.from_url(first, decode_responses=True)
    return redis.Redis.from_url(first, decode_responses=True)


def forget(urls: str, prefix: str) -> None:
    """Deletes every key that begins with ``prefix``."""
    client = client_of(urls)
    forget_keys(client, prefix)
    client.close()


def forget_keys(client: Any, prefix: str) -> None:
    """``forget``, with a client that is there."""
    for key in list(client.scan_iter(f"{prefix}*", count=10_000)):
        client.delete(key)


def eventually(what: str, holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for a server to come to a state."""
    assert any(holds() for _ in looks(seconds)), f"{what}: not within {seconds} s"
