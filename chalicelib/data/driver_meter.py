"""Counts what the database's driver does, as its listener: commands and their times, connections of a pool.

The driver calls listeners in the path of the command, from any thread, its own included.
"""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from pymongo import monitoring

from chalicelib.data.pools import PoolName
from chalicelib.monitoring.families import (
    DATABASE_CHECKOUT_FAILURES,
    DATABASE_COMMANDS,
    DATABASE_LATENCY,
    DATABASE_POOL,
)

if TYPE_CHECKING:
    from chalicelib.monitoring.ports import Meter

_MICRO: Final = 1_000_000


def driver_meter(meter: "Meter", pool: PoolName) -> Sequence[monitoring._EventListener]:
    """Listeners for one pool's client."""
    return (CommandMeter(meter), PoolMeter(meter, pool))


class CommandMeter(monitoring.CommandListener):
    """Commands by name, whether they were carried out, and how long that took."""

    def __init__(self, meter: "Meter") -> None:
        self._meter = meter

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._ended(event.command_name, event.duration_micros, "ok")

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._ended(event.command_name, event.duration_micros, "error")

    def _ended(self, command: str, microseconds: int, outcome: str) -> None:
        self._meter.count(DATABASE_COMMANDS, command=command, outcome=outcome)
        self._meter.observe(DATABASE_LATENCY, microseconds / _MICRO, command=command)


class PoolMeter(monitoring.ConnectionPoolListener):
    """Connections of one client to all servers of its set; those it watches the servers with are not among them."""

    def __init__(self, meter: "Meter", pool: PoolName) -> None:
        self._meter = meter
        self._pool = pool
        self._lock = Lock()
        self._open = self._in_use = self._most_in_use = 0
        meter.watch(DATABASE_POOL, lambda: self._open, pool=pool, state="open")
        meter.watch(DATABASE_POOL, self._read_most, pool=pool, state="in_use")

    def connection_created(self, _event: monitoring.ConnectionCreatedEvent) -> None:
        with self._lock:
            self._open += 1

    def connection_closed(self, _event: monitoring.ConnectionClosedEvent) -> None:
        with self._lock:
            self._open -= 1

    def connection_checked_out(self, _event: monitoring.ConnectionCheckedOutEvent) -> None:
        with self._lock:
            self._in_use += 1
            self._most_in_use = max(self._most_in_use, self._in_use)

    def connection_checked_in(self, _event: monitoring.ConnectionCheckedInEvent) -> None:
        with self._lock:
            self._in_use -= 1

    def connection_check_out_failed(self, _event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        self._meter.count(DATABASE_CHECKOUT_FAILURES, pool=self._pool)

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        pass

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        pass

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        pass

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        pass

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        pass

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        pass

    def _read_most(self) -> int:
        """Since it was read before: an environment reads it between two commands, when it uses none."""
        with self._lock:
            most, self._most_in_use = self._most_in_use, self._in_use
            return most
