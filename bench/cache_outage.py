"""What players notice when the cache fails: ``python -m bench.cache_outage``.

Starts a MongoDB and a cluster of six Valkey nodes, sets three environments to fight battles, and takes from the
cluster one master after another, one that hangs instead, and at last all of it.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
from pymongo import MongoClient

from bench.measure import Budget, Report, json_option
from chalicelib.arena.ports import Document
from localcloud.valkey_cluster import NODE_TIMEOUT_MILLISECONDS
from tests.cache_drill import (
    CacheDrill,
    battle_times,
    cache_drill,
    crowd_admitted,
    crowd_bound,
    rate,
    report,
    violations,
)
from tests.servers import drill_cluster, replica_set

SEED = 1
WARM_UP_SECONDS = 2.0


@dataclass
class Acts:
    """What was done, when, and how long the cache was missed; told once the fleet's records are in."""

    drill: CacheDrill
    windows: dict[str, tuple[float, float]] = field(default_factory=dict)
    missed: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def act(self, name: str) -> Iterator[None]:
        click.echo(name, err=True)
        began = time.monotonic()
        yield
        self.windows[name] = (began, time.monotonic())

    def lose(self, name: str, take: Callable[[], None], give_back: Callable[[], None]) -> None:
        """Takes a master until its replica serves in its place, then gives it back."""
        with self.act(name):
            began = time.monotonic()
            take()
            # The first calls fail within moments; from then on the fleet knows.
            self.drill.serve(1)
            self.missed[name] = self.drill.fleet.wait_undisturbed(quiet_seconds=2, seconds=90) - began
        give_back()
        self.drill.cluster.wait_formed(60)

    def tell(self, found: Report) -> None:
        record = self.drill.fleet.record
        before = rate(record, self.windows["all well"])
        for name, window in self.windows.items():
            battles = rate(record, window)
            p50, p99 = (1000 * seconds for seconds in battle_times(record, window))
            found.section(name)
            found.figure("battles a second", battles)
            found.figure("of what there were when all was well", battles / before)
            found.figure("battle, p50", p50, "ms")
            found.figure("battle, p99", p99, "ms")
            if name in self.missed:
                found.figure("all of the cache used again after", self.missed[name], "s")


def perform(found: Report, drill: CacheDrill, seconds: float) -> list[str]:
    """All acts and their figures; what is to be said besides."""
    nodes, servers = drill.cluster.cluster.names(), drill.cluster.drill
    acts = Acts(drill)
    drill.serve(WARM_UP_SECONDS)
    with acts.act("all well"):
        drill.serve(seconds)
    for master in drill.cluster.masters():
        acts.lose(f"{master} killed", partial(servers.kill, master), partial(servers.start, master))
    hung = drill.cluster.masters()[0]
    acts.lose(f"{hung} hung", partial(servers.pause, hung), partial(servers.resume, hung))
    with acts.act("the whole cluster stopped"):
        began = time.monotonic()
        servers.kill(*nodes)
        drill.serve(seconds)
    servers.start(*nodes)
    alone = (began, time.monotonic())
    back = drill.fleet.wait_undisturbed(seconds=90) - alone[1]
    with drill.fleet.paused():
        drill.wait_recovered()
        right = drill.boards_are_right()
    with acts.act("all well again"):
        drill.serve(seconds)
    drill.fleet.finish()
    acts.tell(found)
    sent, admitted = crowd_admitted(drill.fleet.record, alone)
    return [
        f"the cache was used again {max(0.0, back):.1f} s after it was back; leaderboards right: {right}",
        f"one address, counted by each environment alone: {admitted} of {sent} requests admitted in "
        f"{alone[1] - alone[0]:.0f} s, at most {crowd_bound(alone[1] - alone[0]):.0f} promised",
        *report(drill),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.FloatRange(min=1), default=10.0, show_default=True, help="Of each steady act.")
@click.option("--node-timeout", type=click.IntRange(min=200), default=NODE_TIMEOUT_MILLISECONDS, show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True)
@json_option
def main(seconds: float, node_timeout: int, seed: int, json_file: Path | None) -> None:
    """Kill, hang and stop the nodes of a cluster under load, and print what players noticed.

    Exits with 1 when something was wrong: an error, a call beyond its budget, a write of an earlier lock holder.
    """
    logging.disable(logging.CRITICAL)
    found = Report("cache_outage", {"node timeout ms": node_timeout, "seed": seed, "seconds of an act": seconds})
    with (
        replica_set(1) as mongo_uri,
        MongoClient[Document](mongo_uri, tz_aware=True) as client,
        drill_cluster(node_timeout) as cluster,
        cache_drill(cluster, mongo_uri, client["bench"], seed) as drill,
    ):
        for line in perform(found, drill, seconds):
            click.echo(line)
        wrong = violations(drill)
    found.section("all acts")
    found.figure("what was wrong", len(wrong), budget=Budget(at_most=0))
    found.write(json_file)
    for line in wrong:
        click.echo(f"WRONG: {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main(standalone_mode=True)
