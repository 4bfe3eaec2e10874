"""What runs by the clock. Each function repeats safely, does a bounded piece of work and says what it did.

Each has a lock of its own, so that a run that is started twice, or goes on while the next one begins, is done once.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from chalice.app import CloudWatchEvent

from chalicelib import wiring
from chalicelib.entrypoints.invocations import InvokedBlueprint
from chalicelib.locks import FencedOut, Guard
from chalicelib.monitoring.families import SCHEDULED_RUNS
from chalicelib.observability import logger

blueprint: Final = InvokedBlueprint(__name__)

SKIPPED: Final = {"skipped": "held by another run"}
STOPPED: Final = {"stopped": "a newer run has taken over"}
RUN_SECONDS: Final = 20.0
"""Work that takes longer goes on in the next run; below the functions' time-out, whose last page may take a while."""


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Whether a run may go on: true for so long from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


@dataclass(slots=True)
class Run:
    """A scheduled run under way."""

    outcome: Literal["done", "skipped", "stopped", "failed"] = "done"


@contextlib.contextmanager
def scheduled_run(name: str) -> Iterator[Run]:
    """The block is a run of schedule ``name``, counted by its outcome: ``failed`` if it raises, else what it says."""
    meters, run = wiring.arena().meters, Run()
    with meters.timed(f"schedule {name}"):
        try:
            yield run
        except BaseException:
            run.outcome = "failed"
            raise
        finally:
            meters.registry.count(SCHEDULED_RUNS, schedule=name, outcome=run.outcome)


def alone(
    name: str, work: Callable[[Callable[[], bool], Guard], Any], run_seconds: float = RUN_SECONDS
) -> dict[str, Any]:
    """The report of ``work`` (a dataclass), done under the lock of schedule ``name``.

    ``work`` is given whether it may go on, which ends with the run's time or with the lock, and what its protected
    writes show. A run that finds the lock taken, or loses it to a newer one, says so and ends well.
    """
    with scheduled_run(name) as run:
        report = under_lock(name, work, run_seconds)
        run.outcome = "skipped" if report == SKIPPED else "stopped" if report == STOPPED else "done"
        return report


def under_lock(name: str, work: Callable[[Callable[[], bool], Guard], Any], run_seconds: float) -> dict[str, Any]:
    """As ``alone``, for whoever is measured already."""
    may_go_on = for_seconds(run_seconds)
    with wiring.arena().locks.hold(f"schedule:{name}") as held:
        if held is None:
            return dict(SKIPPED)
        try:
            return asdict(work(held.while_held(may_go_on), held.guard))
        except FencedOut:
            return dict(STOPPED)


@blueprint.schedule("rate(1 minute)", name="follow_ups")
def follow_ups(_event: CloudWatchEvent) -> dict[str, Any]:
    """Pays referrers and wounds bosses for battles since the last run."""
    report = alone("follow_ups", wiring.arena().follow_ups.run)
    if report.get("set_aside"):
        logger().error("malformed follow-ups set aside", set_aside=report["set_aside"])
    logger().info("follow-ups settled", **report)
    return report


@blueprint.schedule("rate(1 minute)", name="leaderboards")
def leaderboards(_event: CloudWatchEvent) -> dict[str, Any]:
    """Mends the sorted sets of leaderboards, and loads those that are missing."""
    report = alone("leaderboards", wiring.arena().leaderboard_upkeep.run)
    logger().info("leaderboards kept", **report)
    return report


@blueprint.schedule("cron(7 * * * ? *)", name="seasons")
def seasons(_event: CloudWatchEvent) -> dict[str, Any]:
    """Archives seasons that are over."""
    report = alone("seasons", wiring.arena().season_archive.run)
    logger().info("seasons archived", **report)
    return report


@blueprint.schedule("rate(1 minute)", name="battle_sweep")
def battle_sweep(_event: CloudWatchEvent) -> dict[str, Any]:
    """Sends again what waits too long in the battle queue."""
    arena = wiring.arena()
    report = alone("battle_sweep", lambda _, guard: arena.battle_queue.sweep(guard))
    logger().info("battle queue swept", **report)
    return report


@blueprint.schedule("rate(1 minute)", name="metrics")
def metrics(_event: CloudWatchEvent) -> dict[str, Any]:
    """Publishes the region's metrics: what no single environment knows of it, and what it counted in the minute."""
    arena = wiring.arena()
    # CloudWatch reads embedded metrics from lines of their own in the log.
    report = alone("metrics", lambda *_: arena.metrics_aggregation.run(print))
    logger().info("metrics published", **report)
    return report


@blueprint.schedule("rate(5 minutes)", name="cache_warming")
def cache_warming(_event: CloudWatchEvent) -> dict[str, Any]:
    """Loads into the cache what is asked for most. A deployment runs it, too."""
    report = alone("cache_warming", wiring.arena().cache_warming.run)
    logger().info("cache warmed", **report)
    return report
