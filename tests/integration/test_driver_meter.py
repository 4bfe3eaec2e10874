"""What the database's driver does is counted: on a real server, and by events it seldom sends."""

from collections.abc import Iterator

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.monitoring import ConnectionCheckOutFailedEvent

from chalicelib.arena.ports import Document
from chalicelib.data.driver_meter import PoolMeter, driver_meter
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.monitoring.families import (
    DATABASE_CHECKOUT_FAILURES,
    DATABASE_COMMANDS,
    DATABASE_LATENCY,
    DATABASE_POOL,
)
from chalicelib.monitoring.registry import MICRO, Registry, series_key


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def pools(mongo_uri: str, registry: Registry) -> Iterator[Pools]:
    specs = without_secondaries(ENVIRONMENT_POOLS)
    pools = Pools(mongo_uri, specs, watched=lambda pool: driver_meter(registry, pool))
    yield pools
    pools.close()


def connections(registry: Registry, pool: str = "primary") -> tuple[float | None, float | None]:
    """Open, and the most in use since the last look."""
    gauges = registry.gauges()
    opened, in_use = (gauges.get(series_key(DATABASE_POOL, (pool, state))) for state in ("open", "in_use"))
    return opened, in_use


def test_commands_are_counted_by_name_and_outcome_with_their_times(
    pools: Pools, registry: Registry, database: Database[Document]
) -> None:
    own = pools.client("primary")[database.name]
    for _ in range(3):
        own.things.find_one({})
    with pytest.raises(OperationFailure):
        own.things.find_one({"$nonsense": 1})
    own.things.insert_one({"a": 1})
    values = registry.values()
    assert values[f"{DATABASE_COMMANDS}|find|ok"] == 3
    assert values[f"{DATABASE_COMMANDS}|find|error"] == 1
    assert values[f"{DATABASE_COMMANDS}|insert|ok"] == 1
    times = {key: value for key, value in values.items() if key.startswith(f"{DATABASE_LATENCY}|find|le")}
    assert sum(times.values()) == 4
    assert 0 < values[f"{DATABASE_LATENCY}|find|sum us"] < 60 * MICRO


def test_connections_are_those_of_the_pool_and_gone_with_it(pools: Pools, registry: Registry) -> None:
    assert connections(registry) == (None, None)
    admin = pools.client("primary").admin
    admin.command("ping")
    assert connections(registry) == (1, 1)
    # Between two commands none is in use; what was is told once.
    assert connections(registry) == (1, 0)
    assert connections(registry, "analytics") == (None, None)
    pools.close()
    assert connections(registry)[0] == 0
    pools.client("primary").admin.command("ping")
    assert connections(registry) == (1, 1)


def test_a_checkout_in_vain_is_counted(registry: Registry) -> None:
    meter = PoolMeter(registry, "secondary")
    meter.connection_check_out_failed(ConnectionCheckOutFailedEvent(("a", 1), "timeout", 0.1))
    assert registry.values() == {f"{DATABASE_CHECKOUT_FAILURES}|secondary": 1}
