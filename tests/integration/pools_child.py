"""A process that holds every connection an environment may hold. Run by test_connection_budget."""

import os
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Final

import pymongo
from pymongo.errors import PyMongoError
from pymongo.event_loggers import ConnectionPoolLogger, HeartbeatLogger
from pymongo.monitoring import (
    ConnectionClosedEvent,
    ConnectionClosedReason,
    ConnectionReadyEvent,
    ServerHeartbeatFailedEvent,
)

from chalicelib.data.pools import ENVIRONMENT_POOLS, POOL_NAMES, Pools, without_secondaries

PATIENCE_SECONDS: Final = 60.0
PING_SECONDS: Final = 5.0
OPEN: Final = {name: replace(spec, min_size=spec.max_size) for name, spec in ENVIRONMENT_POOLS.items()}
"""The pools of an environment at their fullest: the driver keeps as many connections open as it may."""


class Counting(ConnectionPoolLogger, HeartbeatLogger):
    """Counts connections that came about, and those that were refused, monitoring ones included."""

    def __init__(self) -> None:
        self.opened = 0
        self.refused = 0

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        self.opened += 1

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        self.refused += event.reason == ConnectionClosedReason.ERROR

    def failed(self, event: ServerHeartbeatFailedEvent) -> None:
        self.refused += 1


def hold_connections(mongo_uri: str, pipe: Connection) -> None:
    """Opens all it may, says when it has them or was refused one, and holds them until the pipe says something.

    Then says how many were refused in all.
    """
    # The driver knows Lambda by it, and monitors with one connection a client there instead of two.
    os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python3.11"
    counting = Counting()
    pools = Pools(mongo_uri, without_secondaries(OPEN), listeners=[counting])
    wanted = sum(spec.max_size for spec in OPEN.values())
    deadline = time.monotonic() + PATIENCE_SECONDS
    for name in POOL_NAMES:
        try:
            with pymongo.timeout(PING_SECONDS):
                pools.client(name).admin.command("ping")
        except PyMongoError:
            break
    while counting.opened < wanted and not counting.refused and time.monotonic() < deadline:
        time.sleep(0.02)
    pipe.send("settled")
    pipe.poll(None)
    pipe.send(counting.refused)
    pools.close()
