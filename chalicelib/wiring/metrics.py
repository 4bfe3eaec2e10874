"""Builds what an environment measures itself with, and the region's shared metrics."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.usage import identify
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.arena.battle_service import BattleListener
    from chalicelib.cache.door import RedisDoor
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.monitoring.aggregation import GaugeSource, MetricsAggregation
    from chalicelib.monitoring.ports import CacheNodes, Meter
    from chalicelib.monitoring.reports import SharedMetrics
    from chalicelib.wiring.services import Arena


def meters(shared: "Callable[[], SharedMetrics]", clock: "Clock", environ: Mapping[str, str] = os.environ) -> Meters:
    """``shared`` is called with the first flush."""
    return Meters(
        # A new name for each build: batches are numbered from 1 again.
        identify(secrets.token_hex(8), environ),
        shared,
        clock,
        time.monotonic,
        failed=lambda error: logger().warning("metrics not shared", fault=type(error).__name__),
    )


def shared(
    database: str, operations: "Callable[[], Operations]", quick: "RedisDoor | None", patient: "RedisDoor | None"
) -> "SharedMetrics":
    """In Redis where there is one, else in MongoDB; never in both, or neither would have the totals."""
    if quick is not None and patient is not None:
        from chalicelib.cache.shared_metrics import RedisSharedMetrics

        return RedisSharedMetrics(quick, patient, database)
    from chalicelib.data.shared_metrics import MongoSharedMetrics

    return MongoSharedMetrics(operations())


def aggregation(arena: "Arena") -> "MetricsAggregation":
    from chalicelib.monitoring.aggregation import MetricsAggregation
    from chalicelib.wiring.backup import gauges
    from chalicelib.wiring.scaling import last_seen

    nodes: CacheNodes | None = None
    if arena.patient_redis is not None:
        from chalicelib.cache.node_figures import RedisNodeFigures

        nodes = RedisNodeFigures(arena.patient_redis)
    further: dict[str, GaugeSource] = {"queues": arena.operating.gauges, "backups": gauges(arena)}
    if arena.replication is not None:
        further["outbox"] = arena.replication.gauges
    return MetricsAggregation(
        arena.shared_metrics,
        arena.clock,
        region=arena.settings.region,
        lengths=arena.battle_queue.lengths,
        websockets=arena.connections.living,
        cache=nodes,
        failed=lambda source, error: logger().warning(
            "metrics source not reached", source=source, fault=type(error).__name__
        ),
        further=further,
        scaling=last_seen(arena.operations),
    )


def battles(meter: "Meter") -> "BattleListener":
    from chalicelib.monitoring.battle_meter import BattleMeter

    return BattleMeter(meter)
