"""The limiter admits what nginx's ``limit_req … nodelay`` admits, given the same arrivals at the same time.

Four processes share one Valkey (or one cluster). Each sends every arrival of its part to a real nginx and, while that
answers, to the limiter. The two look at their clocks a fraction of a millisecond apart, so that a request on the
boundary may fall on either side of it, but no more than that: a request admitted by one alone leaves it less room.
On a busy machine they look further apart, by no longer than the request took: what the limit grants in so long is
added to what they may differ by.
"""

import json
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib.arena.rate_limits import API, BATTLE, Limit
from chalicelib.cache.gcra import Bucket, ask, flow_of, spend
from localcloud.nginx import Nginx
from localcloud.ports import free_ports
from tests.integration.limiter.arrivals import SECONDS, dealt
from tests.servers import supervised

ROOT = Path(__file__).resolve().parents[3]
SENDERS = 4
SEEDS = range(20)
SIDE_BY_SIDE = 5
"""Seeds whose sequences run at the same time; more would make the machine the limit."""
FEWER = (SIDE_BY_SIDE, 2, 1)
"""Where a busy machine sends so late that hardly a limit is exceeded, less is asked of it."""
CONFIGURATION = """
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    keepalive_requests 100000;
    limit_req_status 429;
    limit_req_log_level info;
    limit_req_zone $arg_client zone=api:1m rate=20r/s;
    limit_req_zone $arg_client zone=battle:1m rate=5r/s;
    server {{
        listen 127.0.0.1:{port};
        location = /api {{ limit_req zone=api burst=50 nodelay; empty_gif; }}
        location = /battle {{ limit_req zone=battle burst=10 nodelay; empty_gif; }}
    }}
}}
"""


@pytest.fixture(scope="module")
def nginx() -> Iterator[int]:
    """The port of an nginx that limits as the guide's front does."""
    with supervised() as (supervisor, state):
        (port,) = free_ports(1)
        supervisor.start([Nginx(port, CONFIGURATION.format(port=port)).server(state)])
        yield port


@dataclass(frozen=True)
class Compared:
    """One client's sequence: how many of its arrivals each admitted."""

    limit: Limit
    seed: int
    arrivals: int
    nginx: int
    ours: int
    computed: int
    """By the arithmetic alone, from the moments the arrivals were sent."""
    apart: float
    """Requests that the limit grants in the longest time the two looked at their clocks apart."""

    def __str__(self) -> str:
        return (
            f"{self.limit.name:<6} seed {self.seed:>2}: {self.arrivals:>3} arrivals, admitted by nginx "
            f"{self.nginx:>3}, by the limiter {self.ours:>3}, computed {self.computed:>3}, {self.apart:.2f} apart"
        )


def compare(nginx: int, redis: Sequence[str], seeds: Sequence[int]) -> list[Compared]:
    """The sequences of ``seeds`` under either limit, as many side by side as the machine can send in time."""
    for side_by_side in FEWER:
        found = run(nginx, redis, seeds, side_by_side)
        if are_limited(found):
            break
    return found


def run(nginx: int, redis: Sequence[str], seeds: Sequence[int], side_by_side: int) -> list[Compared]:
    own = uuid.uuid4().hex[:8]
    sequences = {(limit, seed): f"{own}-{limit.name}-{seed}" for limit in (API, BATTLE) for seed in seeds}
    arrivals = sorted(
        (
            arrival
            for (limit, seed), client in sequences.items()
            for arrival in dealt(seeds.index(seed) // side_by_side * SECONDS, client, seed, limit, SENDERS)
        ),
        key=lambda arrival: arrival.at,
    )
    plans = [
        {
            "name": f"sender-{number}",
            "nginx": nginx,
            "redis": list(redis),
            "database": f"limiter_{own}",
            "arrivals": [(one.at, one.client, one.limit) for one in arrivals if one.sender == number],
        }
        for number in range(SENDERS)
    ]
    sent: dict[str, list[tuple[float, bool, bool, float]]] = defaultdict(list)
    for client, *seen in sent_by_all(plans):
        sent[client].append((seen[0], seen[1], seen[2], seen[3]))
    return [compared(limit, seed, sorted(sent[client])) for (limit, seed), client in sequences.items()]


def sent_by_all(plans: list[dict[str, Any]]) -> list[list[Any]]:
    """Starts a process for each plan, all at one moment, and gathers what they saw."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.integration.limiter.sender"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in plans
    ]
    try:
        for process, plan in zip(processes, plans, strict=True):
            assert process.stdin is not None
            print(json.dumps(plan), file=process.stdin, flush=True)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        start = time.monotonic() + 0.2
        for process in processes:
            assert process.stdin is not None
            print(start, file=process.stdin, flush=True)
        outputs = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [found for output in outputs for found in json.loads(output)]


def compared(limit: Limit, seed: int, sent: list[tuple[float, bool, bool, float]]) -> Compared:
    bucket: Bucket | None = None
    computed = 0
    for at, _, _, _ in sent:
        asked = ask(bucket, flow_of(limit), int(at * 1000))
        if asked.fits:
            bucket = spend(asked)
            computed += 1
    by_nginx, ours = sum(one[1] for one in sent), sum(one[2] for one in sent)
    apart = limit.rate / limit.period_seconds * max(one[3] for one in sent)
    return Compared(limit, seed, len(sent), by_nginx, ours, computed, apart)


def are_limited(found: list[Compared]) -> bool:
    """Else the comparison would prove little."""
    return sum(one.nginx < one.arrivals for one in found) >= len(found) / 2


def assert_alike(found: list[Compared]) -> None:
    print("\n".join(map(str, found)))
    equal = sum(one.nginx == one.ours for one in found)
    limited = sum(one.nginx < one.arrivals for one in found)
    print(f"{equal} of {len(found)} sequences equal, {limited} of them limited")
    assert [str(one) for one in found if abs(one.nginx - one.ours) > 1 + one.apart] == []
    # Single requests at the boundary go either way; a limit that is off by one would always err to the same side.
    assert abs(sum(one.ours - one.nginx for one in found)) <= limited / 2 + sum(one.apart for one in found)
    assert are_limited(found), "too few sequences exceed their limit: the comparison proves little"


def test_four_processes_on_one_valkey_admit_what_nginx_admits(nginx: int, valkey_url: str) -> None:
    assert_alike(compare(nginx, [valkey_url], SEEDS))


def test_four_processes_on_a_cluster_admit_what_nginx_admits(nginx: int, valkey_cluster: str) -> None:
    assert_alike(compare(nginx, valkey_cluster.split(","), SEEDS[:SIDE_BY_SIDE]))
