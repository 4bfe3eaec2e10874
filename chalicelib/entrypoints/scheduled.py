"""What runs by the clock. Each function repeats safely, does a bounded piece of work and says what it did."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.monitoring.battle_queue import embedded
from chalicelib.observability import logger

blueprint: Final = Blueprint(__name__)

RUN_SECONDS: Final = 20.0
"""Work that takes longer goes on in the next run; below the functions' time-out, whose last page may take a while."""


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Whether a run may go on: true for so long from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


@blueprint.schedule("rate(1 minute)", name="follow_ups")
def follow_ups(_event: CloudWatchEvent) -> dict[str, Any]:
    """Pays referrers and wounds bosses for battles since the last run."""
    report = asdict(wiring.arena().follow_ups.run(for_seconds(RUN_SECONDS)))
    if report["set_aside"]:
        logger().error("malformed follow-ups set aside", set_aside=report["set_aside"])
    logger().info("follow-ups settled", **report)
    return report


@blueprint.schedule("rate(1 minute)", name="leaderboards")
def leaderboards(_event: CloudWatchEvent) -> dict[str, Any]:
    """Mends the sorted sets of leaderboards, and loads those that are missing."""
    report = asdict(wiring.arena().leaderboard_upkeep.run(for_seconds(RUN_SECONDS)))
    logger().info("leaderboards kept", **report)
    return report


@blueprint.schedule("cron(7 * * * ? *)", name="seasons")
def seasons(_event: CloudWatchEvent) -> dict[str, Any]:
    """Archives seasons that are over."""
    report = asdict(wiring.arena().season_archive.run(for_seconds(RUN_SECONDS)))
    logger().info("seasons archived", **report)
    return report


@blueprint.schedule("rate(1 minute)", name="battle_sweep")
def battle_sweep(_event: CloudWatchEvent) -> dict[str, Any]:
    """Publishes the battle queue's length, and sends again what waits too long in it."""
    arena = wiring.arena()
    lengths = arena.battle_queue.lengths()
    for line in embedded(lengths, region=arena.settings.region, now=arena.clock()):
        print(line)  # noqa: T201 (CloudWatch reads embedded metrics from lines of their own in the log)
    report = {"queued": sum(lengths.values()), **asdict(arena.battle_queue.sweep())}
    logger().info("battle queue swept", **report)
    return report
