"""The cache's cluster loses a master, then all of it, under load: players notice nothing, and nothing goes wrong."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from tests.cache_drill import (
    CacheDrill,
    cache_drill,
    crowd_admitted,
    crowd_bound,
    rate,
    report,
    violations,
    waiting_share,
)
from tests.servers import drill_cluster

WAITING_SHARE_MAX = 3 / 4
"""Of a request's time. One that waited for each of its calls' budgets would do hardly anything else."""


@pytest.fixture
def drill(mongo_uri: str, fresh_database: Database[dict[str, Any]]) -> Iterator[CacheDrill]:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with drill_cluster() as cluster, cache_drill(cluster, mongo_uri, fresh_database, seed) as working:
        working.serve(1)
        yield working


def finish(drill: CacheDrill) -> None:
    """Ends the drill: nothing was wrong, and what may be lost was lost and counted."""
    drill.fleet.finish()
    print("\n".join(report(drill)))
    assert violations(drill) == []
    record = drill.fleet.record
    assert any(call.outcome != "ok" for call in record.calls)
    assert record.lookups["degraded"] > 0
    assert any(term.outcome == "fenced out" for term in record.terms)


def test_a_killed_and_a_hung_master(drill: CacheDrill) -> None:
    """Each is succeeded by its replica; what it served is answered otherwise until then."""
    names = drill.cluster.cluster.names()
    before = drill.serve(1.5)
    drill.cluster.drill.kill(drill.victim)
    killed = drill.serve(2.5)
    assert drill.victim not in drill.cluster.masters()
    used_again = drill.fleet.wait_undisturbed() - killed[0]
    drill.cluster.drill.start(drill.victim)
    drill.cluster.wait_formed()
    other = next(name for name in names[:3] if name != drill.victim)
    drill.cluster.drill.pause(other)
    hung = drill.serve(2.5)
    drill.cluster.drill.resume(other)
    drill.cluster.wait_formed()
    drill.fleet.wait_undisturbed()
    with drill.fleet.paused():
        drill.wait_recovered()
        assert drill.boards_are_right()
    finish(drill)

    record = drill.fleet.record
    windows = {"before": before, "killed": killed, "hung": hung}
    for name, window in windows.items():
        print(f"{name}: {rate(record, window):.0f} battles/s, {waiting_share(record, window):.2f} of their time lost")
    print(f"killed: all of the cache was used again after {used_again:.1f} s")
    assert waiting_share(record, killed) < WAITING_SHARE_MAX
    assert waiting_share(record, hung) < WAITING_SHARE_MAX


def test_the_whole_cluster_stopped_and_started_again(drill: CacheDrill) -> None:
    """MongoDB answers everything meanwhile, and each environment counts requests within its share."""
    names = drill.cluster.cluster.names()
    before = drill.serve(1.5)
    drill.cluster.drill.kill(*names)
    began = time.monotonic()
    down = drill.serve(3)
    with drill.fleet.paused():
        assert drill.boards_from_redis() == 0
        assert drill.boards_are_right()
    alone = (began, time.monotonic())
    drill.cluster.drill.start(*names)
    started = time.monotonic()
    used_again = drill.fleet.wait_undisturbed() - started
    with drill.fleet.paused():
        drill.wait_recovered()
        assert drill.boards_are_right()
    finish(drill)

    record = drill.fleet.record
    sent, admitted = crowd_admitted(record, alone)
    bound = crowd_bound(alone[1] - alone[0])
    ratio = rate(record, down) / rate(record, before)
    print(f"{rate(record, before):.0f} battles/s before, {rate(record, down):.0f} without Redis: {ratio:.2f} of it")
    print(f"the crowd, counted by each environment alone: {admitted} of {sent} admitted, at most {bound:.0f} promised")
    print(f"the cache was used again {used_again:.1f} s after it was back")
    assert waiting_share(record, down) < WAITING_SHARE_MAX
    assert 0 < admitted <= bound
