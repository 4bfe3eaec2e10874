"""The region's minute as lines of CloudWatch's embedded metric format, published by one function.

Not by each environment and not by instance: CloudWatch asks a price per metric and set of dimensions, and instances
come and go. The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from chalicelib.monitoring.battle_queue import METRIC, NAMESPACE
from chalicelib.monitoring.battle_queue import embedded as queue_lines
from chalicelib.monitoring.families import REPLICATION_OLDEST, REPLICATION_SET_ASIDE, REPLICATION_WAITING
from chalicelib.monitoring.histograms import representatives
from chalicelib.monitoring.minute import Minute
from chalicelib.monitoring.registry import parse_series

VALUES_MAX: Final = 100
"""Values one metric of one line may have."""


def minute_lines(minute: Minute, *, region: str) -> Iterator[str]:
    """A line for what the region has once, one for each kind of operation, one for each arena and league."""
    found = (
        ("ActiveConnections", "Count", minute.active_connections),
        ("RequestRate", "Count/Second", minute.request_rate),
        ("CacheHitRate", "Percent", _percent(minute.hit_ratio)),
        ("Instances", "Count", minute.instances),
        ("ErrorRate", "Percent", _percent(minute.error_share)),
        ("DatabaseErrorRate", "Percent", _percent(minute.database_error_share)),
        ("CacheUp", "Count", None if minute.cache_up is None else int(minute.cache_up)),
        ("CacheBreakersOpen", "Count", minute.breakers_open),
        # Of all arenas and leagues, because an alarm watches one series, and targets likewise.
        (METRIC, "Count", None if minute.lengths is None else sum(minute.lengths.values())),
        ("ReplicationWaiting", "Count", _of_targets(minute, REPLICATION_WAITING, sum)),
        ("ReplicationOldestWaiting", "Seconds", _of_targets(minute, REPLICATION_OLDEST, max)),
        ("ReplicationSetAside", "Count", _of_targets(minute, REPLICATION_SET_ASIDE, sum)),
        ("ReplicationDifferences", "Count", minute.differences),
    )
    known = [(name, unit, value) for name, unit, value in found if value is not None]
    if known:
        yield _line(minute, {"region": region}, known)
    for kind, latencies in minute.latencies.items():
        values = [round(value, 6) for value in representatives(latencies, VALUES_MAX)]
        dimensions = {"region": region, "operation": kind}
        yield _line(minute, dimensions, [("ProcessingLatency", "Seconds", values)])
    if minute.lengths is not None:
        yield from queue_lines(minute.lengths, region=region, now=minute.at)


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _of_targets(minute: Minute, family: str, together: Callable[[list[float]], float]) -> float | None:
    """None where nothing is replicated, or nobody knows."""
    named = ((parse_series(key), value) for key, value in minute.further.items())
    values = [value for series, value in named if series is not None and series.family == family]
    return together(values) if values else None


def _line(minute: Minute, dimensions: Mapping[str, str], metrics: Sequence[tuple[str, str, Any]]) -> str:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit, _ in metrics],
    }
    aws = {"Timestamp": int(minute.at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": aws, **dimensions, **{name: value for name, _, value in metrics}})
