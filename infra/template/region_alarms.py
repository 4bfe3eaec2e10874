"""Alarms on what the region says of itself each minute."""

from collections.abc import Iterator
from typing import Final

from chalicelib.monitoring.battle_queue import METRIC as BATTLE_QUEUE_LENGTH
from infra.template.alarm import Alarm
from infra.template.metrics import of_arena
from infra.template.stage import StageSpec

METRICS_FUNCTION: Final = "Metrics"
"""Chalice's logical id of the function that publishes."""

LAG_SECONDS: Final = 120
"""Age of an event another region was not sent; two sweeps should have sent it."""
DATABASE_ERRORS_PERCENT: Final = 5
"""Not less: conflicts of battles fought at once are errors, too, and are tried again."""
BATTLES_A_SECOND: Final = 5
"""One worker fights, at 0.2 s a battle."""
BATTLES_WAIT_SECONDS: Final = 120
"""Battles that all workers together need longer for are too many."""


def region_alarms(stage: StageSpec) -> Iterator[Alarm]:
    """All of them."""
    yield from _publishing()
    yield from _battles(stage)
    yield from _replication()
    yield from _stores()


def _publishing() -> Iterator[Alarm]:
    yield Alarm(
        id="MetricsMissingAlarm",
        watches=of_arena("Instances", "SampleCount"),
        is_="below",
        threshold=1,
        periods=5,
        to_alarm=5,
        missing="breaching",
        severity="ticket",
        meaning="The region's own metrics are not published.",
        runbook="schedules.md#metrics-are-not-published",
    )


def _battles(stage: StageSpec) -> Iterator[Alarm]:
    most = stage.tier.queue_concurrency * BATTLES_A_SECOND * BATTLES_WAIT_SECONDS
    yield Alarm(
        id="BattlesQueuedAlarm",
        watches=of_arena(BATTLE_QUEUE_LENGTH, "Maximum"),
        is_="above",
        threshold=most,
        periods=5,
        to_alarm=5,
        severity="page",
        meaning=f"More than {most} battles are queued: more than {BATTLES_WAIT_SECONDS} s of all workers' work.",
        runbook="queues.md#battles-pile-up",
    )


def _replication() -> Iterator[Alarm]:
    yield Alarm(
        id="ReplicationLagAlarm",
        watches=of_arena("ReplicationOldestWaiting", "Maximum"),
        is_="above",
        threshold=LAG_SECONDS,
        periods=5,
        to_alarm=3,
        severity="page",
        meaning=f"Another region has not been sent what happened {LAG_SECONDS} s ago.",
        runbook="replication.md#how-far-behind",
    )
    yield Alarm(
        id="ReplicationSetAsideAlarm",
        watches=of_arena("ReplicationSetAside", "Maximum"),
        is_="above",
        threshold=0,
        periods=1,
        to_alarm=1,
        severity="ticket",
        meaning="Events can't be sent to another region.",
        runbook="replication.md#events-that-cant-be-sent",
    )
    yield Alarm(
        id="ReplicationDifferencesAlarm",
        watches=of_arena("ReplicationDifferences", "Sum"),
        is_="above",
        threshold=0,
        # A part is compared every ten minutes: an hour without a difference ends the alarm.
        periods=60,
        to_alarm=1,
        severity="ticket",
        meaning="Regions hold different documents.",
        runbook="replication.md#do-they-differ",
    )


def _stores() -> Iterator[Alarm]:
    yield Alarm(
        id="DatabaseErrorsAlarm",
        watches=of_arena("DatabaseErrorRate", "Average"),
        is_="above",
        threshold=DATABASE_ERRORS_PERCENT,
        periods=5,
        to_alarm=3,
        severity="page",
        meaning=f"More than {DATABASE_ERRORS_PERCENT} % of the commands are not carried out by the database.",
        runbook="database.md#the-database-refuses-commands",
    )
    yield Alarm(
        id="CacheDownAlarm",
        watches=of_arena("CacheUp", "Minimum"),
        is_="below",
        threshold=1,
        periods=3,
        to_alarm=3,
        severity="page",
        meaning="The cache does not answer: requests go to the database, limits are shared out.",
        runbook="cache.md#the-cache-does-not-answer",
    )
    yield Alarm(
        id="CacheBreakersAlarm",
        watches=of_arena("CacheBreakersOpen", "Maximum"),
        is_="above",
        threshold=0,
        periods=5,
        to_alarm=3,
        severity="ticket",
        meaning="Environments leave a cache node alone because it did not answer them.",
        runbook="cache.md#breakers-are-open",
    )
