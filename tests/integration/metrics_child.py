"""A process that works and tells its region what it did. Run by test_region_metrics."""

from multiprocessing.connection import Connection

from chalicelib.cache.door import DoorLimits, RedisDoor
from chalicelib.cache.shared_metrics import RedisSharedMetrics
from chalicelib.clock import ManualClock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import Pools
from chalicelib.data.shared_metrics import MongoSharedMetrics
from chalicelib.monitoring.families import DATABASE_POOL, HTTP_REQUESTS
from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.reports import Flush, SharedMetrics
from chalicelib.monitoring.usage import identify
from tests.worlds import NOON

UNITS_PER_BOUT = 20
UNHURRIED = DoorLimits(budget_seconds=10.0, connections_per_node=1)


def connect(url: str, database: str) -> SharedMetrics:
    """On Redis or MongoDB, as ``url`` says."""
    if url.startswith("redis"):
        door = RedisDoor.from_urls([url], cluster=False, limits=UNHURRIED)
        return RedisSharedMetrics(door, door, database)
    return MongoSharedMetrics(Operations(Pools(url), database, budget_seconds=20), flush_seconds=20)


class HardOfHearing:
    """Shared metrics whose every third answer is lost after they did what was asked."""

    def __init__(self, inner: SharedMetrics) -> None:
        self._inner = inner
        self._asked = 0

    def flush(self, flush: Flush) -> None:
        self._inner.flush(flush)
        self._asked += 1
        if self._asked % 3 == 0:
            raise ConnectionError("the answer was lost")


def work(url: str, database: str, name: str, bouts: int, told: Connection) -> None:
    """Works in bouts, tells its region after each, and sends how many units it has done.

    Ends after ``bouts`` of them, with everything told; never for 0.
    """
    shared = HardOfHearing(connect(url, database))
    meters = Meters(
        identify(name, {}),
        lambda: shared,  # type: ignore[arg-type, return-value]  # flush is all that is asked of it
        ManualClock(NOON),
        # Stands still, so that nothing is told but when the test says so.
        lambda: 0.0,
        failed=lambda error: None,
    )
    meters.registry.watch(DATABASE_POOL, lambda: 1, pool="primary", state="open")
    done = 0
    while bouts == 0 or done < bouts * UNITS_PER_BOUT:
        for _ in range(UNITS_PER_BOUT):
            meters.registry.count(HTTP_REQUESTS, route=f"GET /{name}", status="2xx")
            done += 1
        meters.flush()
        told.send(done)
    # The first may only repeat a batch whose answer was lost.
    while not (meters.flush() and meters.flush()):
        pass
    told.send(done)
