"""The region's minute as lines of CloudWatch's embedded metric format, published by one function.

Not by each environment and not by instance: CloudWatch asks a price per metric and set of dimensions, and instances
come and go. The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from chalicelib.monitoring.battle_queue import NAMESPACE
from chalicelib.monitoring.battle_queue import embedded as queue_lines
from chalicelib.monitoring.histograms import representatives
from chalicelib.monitoring.minute import Minute

VALUES_MAX: Final = 100
"""Values one metric of one line may have."""


def minute_lines(minute: Minute, *, region: str) -> Iterator[str]:
    """A line for what the region has once, one for each kind of operation, one for each arena and league."""
    hit_rate = None if minute.hit_ratio is None else 100 * minute.hit_ratio
    found = (
        ("ActiveConnections", "Count", minute.active_connections),
        ("RequestRate", "Count/Second", minute.request_rate),
        ("CacheHitRate", "Percent", hit_rate),
        ("Instances", "Count", minute.instances),
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


def _line(minute: Minute, dimensions: Mapping[str, str], metrics: Sequence[tuple[str, str, Any]]) -> str:
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit, _ in metrics],
    }
    aws = {"Timestamp": int(minute.at.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": aws, **dimensions, **{name: value for name, _, value in metrics}})
