"""A region whose database stops: the others go on as before, it catches up by itself, and nothing is given up."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from chalicelib.clock import system_clock
from infra.cloud import Cloud as Aws
from localcloud.processes import read_pid_file
from localcloud.state import StateDir
from tests.e2e.conftest import Cloud, brought_up
from tests.localstack.running import eventually
from tests.replication_load import Convergence, Writers, queue_urls

SOURCE, STOPPED, HEALTHY = "us-east-1", "eu-west-1", "ap-southeast-1"
WRITES_PER_SECOND = 10
STOPPED_SECONDS = 20.0
"""Longer than three retries of an event would last if they were counted."""
DRAIN_SECONDS = 240


@pytest.fixture(scope="module")
def apart() -> Iterator[Cloud]:
    """A local cloud of its own, with a database server for each region."""
    with brought_up("--apart", "--cache", "none") as found:
        yield found


@contextmanager
def stopped_database(cloud: Cloud, region: str) -> Iterator[None]:
    """Connections stay open, nothing answers."""
    identity = read_pid_file(StateDir(cloud.state_dir).run / f"mongod-{region}.pid")
    assert identity is not None
    os.kill(identity.pid, signal.SIGSTOP)
    process = psutil.Process(identity.pid)
    eventually(process.status, lambda found: found == psutil.STATUS_STOPPED)
    try:
        yield
    finally:
        os.kill(identity.pid, signal.SIGCONT)


def dead_letters(cloud: Cloud, region: str) -> int:
    url = queue_urls(region, cloud.status["localstack"])["ReplicationDeadLetterQueue"]
    found = (
        Aws(region, cloud.status["localstack"])
        .client("sqs")
        .get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    )
    return int(found["Attributes"]["ApproximateNumberOfMessages"])


def test_the_others_go_on_and_it_catches_up(apart: Cloud) -> None:
    regions, writers = Convergence(apart.status, system_clock()), Writers(apart.status, threads=4)
    with stopped_database(apart, STOPPED):
        done = writers.write(WRITES_PER_SECOND, STOPPED_SECONDS)
        committed = regions.committed(SOURCE)
        # Everything there, while the other region can't be asked.
        eventually(
            lambda: len(regions.lags(SOURCE, HEALTHY)), lambda applied: applied >= len(committed), seconds=DRAIN_SECONDS
        )
    assert done.failures == 0
    assert regions.drained(SOURCE, DRAIN_SECONDS) is not None, regions.missing(SOURCE)
    books = [regions.books(region, done.players) for region in (SOURCE, STOPPED, HEALTHY)]
    assert books[0] == books[1] == books[2]
    assert {region: dead_letters(apart, region) for region in (STOPPED, HEALTHY)} == {STOPPED: 0, HEALTHY: 0}
    writers.close()
    regions.close()
