"""Builds what an environment measures itself with, and the region's shared metrics."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.usage import identify
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.arena.battle_queue import BattleQueue
    from chalicelib.cache.door import RedisDoor
    from chalicelib.clock import Clock
    from chalicelib.data.connections import MongoConnections
    from chalicelib.data.operations import Operations
    from chalicelib.monitoring.aggregation import MetricsAggregation
    from chalicelib.monitoring.ports import CacheNodes
    from chalicelib.monitoring.reports import SharedMetrics


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


def aggregation(
    region: str,
    shared: "SharedMetrics",
    clock: "Clock",
    battle_queue: "BattleQueue",
    connections: "MongoConnections",
    patient: "RedisDoor | None",
    outbox: "Callable[[datetime], Mapping[str, float]] | None",
) -> "MetricsAggregation":
    from chalicelib.monitoring.aggregation import MetricsAggregation

    nodes: CacheNodes | None = None
    if patient is not None:
        from chalicelib.cache.shared_metrics import RedisNodeFigures

        nodes = RedisNodeFigures(patient)
    return MetricsAggregation(
        shared,
        clock,
        region=region,
        lengths=battle_queue.lengths,
        websockets=connections.living,
        cache=nodes,
        failed=lambda source, error: logger().warning(
            "metrics source not reached", source=source, fault=type(error).__name__
        ),
        outbox=outbox,
    )
