"""What runs by the clock. Each function repeats safely, does a bounded piece of work and says what it did.

Each has a lock of its own, so that a run that is started twice, or goes on while the next one begins, is done once.
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.locks import FencedOut, Guard
from chalicelib.observability import logger

blueprint: Final = Blueprint(__name__)

RUN_SECONDS: Final = 20.0
"""Work that takes longer goes on in the next run; below the functions' time-out, whose last page may take a while."""


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Whether a run may go on: true for so long from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


def alone(
    name: str, work: Callable[[Callable[[], bool], Guard], Any], run_seconds: float = RUN_SECONDS
) -> dict[str, Any]:
    """The report of ``work`` (a dataclass), done under the lock of schedule ``name``.

    ``work`` is given whether it may go on, which ends with the run's time or with the lock, and what its protected
    writes show. A run that finds the lock taken, or loses it to a newer one, says so and ends well.
    """
    may_go_on = for_seconds(run_seconds)
    arena = wiring.arena()
    with arena.meters.timed(f"schedule {name}"), arena.locks.hold(f"schedule:{name}") as held:
        if held is None:
            return {"skipped": "held by another run"}
        try:
            return asdict(work(held.while_held(may_go_on), held.guard))
        except FencedOut:
            return {"stopped": "a newer run has taken over"}


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
