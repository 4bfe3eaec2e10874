"""Processes that share their region's metrics, on a real Valkey server and a real replica set; one is killed."""

import contextlib
import os
import random
import signal
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.monitoring.families import HTTP_REQUESTS
from chalicelib.monitoring.instances import instances_view
from chalicelib.monitoring.page import state_lines
from chalicelib.monitoring.reports import REPORT_SECONDS, SharedMetrics
from tests.children import fork_server
from tests.integration.metrics_child import UNITS_PER_BOUT, connect, work
from tests.worlds import NOON

BOUTS = 30
SURVIVORS = [f"00000000000000a{number}" for number in range(3)]
VICTIM = "00000000000000ff"


@pytest.fixture(params=["valkey", "mongod"])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A server's URL and the name of a database on it."""
    if request.param == "valkey":
        yield request.getfixturevalue("valkey_url"), f"test_{uuid.uuid4().hex}"
    else:
        database: Database[Document] = request.getfixturevalue("database")
        yield request.getfixturevalue("mongo_uri"), database.name


def test_totals_are_exact_though_answers_are_lost_and_a_process_is_killed(place: tuple[str, str]) -> None:
    """What the killed one had not told is lost, no more; its gauges end, what it counted stays."""
    url, database = place
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    kill_after = random.Random(seed).randrange(3, 20)
    context = fork_server()
    children = {}
    for name in (*SURVIVORS, VICTIM):
        receiver, sender = context.Pipe(duplex=False)
        arguments = (url, database, name, 0 if name == VICTIM else BOUTS, sender)
        child = context.Process(target=work, args=arguments, daemon=True)
        child.start()
        sender.close()
        children[name] = (child, receiver)

    victim, heard = children[VICTIM]
    done = [heard.recv() for _ in range(kill_after)][-1]
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    done = _last(heard, done)
    for name in SURVIVORS:
        child, receiver = children[name]
        assert _last(receiver, 0) == BOUTS * UNITS_PER_BOUT
        child.join(60)
        assert child.exitcode == 0

    shared = connect(url, database)
    state = shared.state(NOON)
    for name in SURVIVORS:
        assert state.totals[f"{HTTP_REQUESTS}|GET /{name}|2xx"] == BOUTS * UNITS_PER_BOUT
    # At most one bout waits for the repetition of another, and at most one was told and not spoken of.
    known = state.totals[f"{HTTP_REQUESTS}|GET /{VICTIM}|2xx"]
    assert done - UNITS_PER_BOUT <= known <= done + UNITS_PER_BOUT
    assert known % UNITS_PER_BOUT == 0
    assert [report.instance for report in state.reports] == [*SURVIVORS, VICTIM]

    gauge = f'aiba_database_pool_connections{{instance="{VICTIM}",pool="primary",state="open"}} 1'
    last = NOON + timedelta(seconds=REPORT_SECONDS - 0.001)
    assert gauge in state_lines(shared.state(last), last)
    assert VICTIM in {one["instanceId"] for one in view(shared, last)["instances"]}

    end = NOON + timedelta(seconds=REPORT_SECONDS)
    later = shared.state(end)
    assert list(later.reports) == []
    assert later.totals == state.totals
    page = state_lines(later, end)
    assert not [line for line in page if "instance=" in line]
    assert f'aiba_http_requests_total{{route="GET /{VICTIM}",status="2xx"}} {known}' in page
    assert view(shared, end)["instances"] == []


def view(shared: SharedMetrics, now: datetime) -> dict[str, Any]:
    return instances_view(shared.state(now), region="us-east-1", now=now)


def _last(heard: Connection, former: int) -> int:
    """The last number sent before the other end was closed."""
    with contextlib.suppress(EOFError):
        while True:
            former = heard.recv()
    return former
