"""Builds the locks of what must not run twice at a time."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.cache.door import RedisDoor
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.locks import Locks


def locks(database: str, operations: "Operations", door: "RedisDoor | None", clock: "Clock") -> "Locks":
    """On fences alone where ``door`` is None. A quick one will do: without its answer the fence decides."""
    from chalicelib.data.fences import MongoFences
    from chalicelib.locks import Locks

    leases = None
    if door is not None:
        from chalicelib.cache.lock import RedisLeases

        leases = RedisLeases(door, database)
    return Locks(leases, MongoFences(operations, clock))
