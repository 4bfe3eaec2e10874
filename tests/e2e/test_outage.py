"""The database hangs: players are told to come back, and when it answers again so does the arena."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial

import psutil
import pytest

from localcloud.processes import read_pid_file
from localcloud.state import StateDir
from tests.e2e.client import send
from tests.e2e.conftest import Cloud
from tests.localstack.running import eventually

ANSWER_SECONDS_MAX = 20
"""The database budget (4 s) with room for a slow machine; the function's own time-out, and a driver's, are above it."""


@pytest.fixture
def hung_database(cloud: Cloud) -> Iterator[None]:
    """mongod stopped in its tracks: connections open, nothing answers."""
    # What was asked before is answered, and an environment that does nothing is there for what is asked next.
    eventually(partial(send, "GET", f"{cloud.api()}/health/ready"), lambda answer: answer.status == 200)
    pids = [read_pid_file(file) for file in StateDir(cloud.state_dir).run.glob("mongod*.pid")]
    assert pids
    for identity in pids:
        assert identity is not None
        os.kill(identity.pid, signal.SIGSTOP)
        process = psutil.Process(identity.pid)
        eventually(process.status, lambda found: found == psutil.STATUS_STOPPED)
    yield
    for identity in pids:
        if identity is not None:
            os.kill(identity.pid, signal.SIGCONT)


def test_a_hung_database_is_503_in_time_and_health_stays_cheap(cloud: Cloud, hung_database: None) -> None:
    started = time.monotonic()
    answer = send("GET", f"{cloud.api()}/api/economy/me", headers=cloud.sign_in(31337))
    took = time.monotonic() - started
    assert (answer.status, answer.error["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert took < ANSWER_SECONDS_MAX
    assert send("GET", f"{cloud.api()}/health").status == 200
    ready = send("GET", f"{cloud.api()}/health/ready")
    assert (ready.status, ready.json["data"]["dependencies"]["mongodb"]) == (503, "down")


def test_the_arena_recovers_without_a_restart(cloud: Cloud) -> None:
    """Runs after the outage: the same environments serve again, once the database has dealt with what waited."""
    headers = cloud.sign_in(31337)
    for path in ("/api/economy/me", "/health/ready"):
        ask = partial(send, "GET", cloud.api() + path, headers=headers)
        eventually(ask, lambda answer: answer.status == 200)
