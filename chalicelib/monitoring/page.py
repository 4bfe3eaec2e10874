"""The region's shared state as lines of Prometheus text: the same whoever answers.

A histogram and a gauge of an instance go with the instance, as those of a scraped target do. What is counted for the
region has no instance label and keeps what environments counted that are gone: it may be summed up and rated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from chalicelib.monitoring.families import (
    ACTIVE_CONNECTIONS,
    BUSY_SHARE,
    CPU_SHARE,
    FAMILIES,
    INSTANCES,
    MEMORY_SHARE,
    PROCESSING_LATENCY,
    REQUEST_RATE,
    WEBSOCKETS,
)
from chalicelib.monitoring.family import Family
from chalicelib.monitoring.histograms import Histogram, histograms
from chalicelib.monitoring.registry import MICRO, Series, parse_series
from chalicelib.monitoring.reports import InstanceReport, RegionState
from chalicelib.monitoring.text import escaped

GATEWAY: Final = "websocket-gateway"
"""Stands where an instance does for the connections API Gateway holds."""
OWN_HISTOGRAMS_MAX: Final = 100
"""Of more instances than that, those silent longest are left out: the page must fit into the 6 MB a function may answer
with. The region's histogram has their counts all the same."""
UNKNOWN: Final = "unknown"

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]
"""Name, labels, value."""


def state_lines(state: RegionState, now: datetime) -> list[str]:
    """Lines of the metrics page."""
    gauges = dict(state.record.gauges) if state.record is not None and state.record.is_live(now) else {}
    lines = [*_instances(state.reports, gauges), *_own_latencies(state)]
    totals = _by_family(state.totals)
    for family in FAMILIES.values():
        if family.kind == "histogram":
            name = family.region_name or family.name
            found = histograms(family, totals.get(family.name, {}))
            lines += _block(name, family, (line for each in found for line in _buckets(name, family, each)))
        elif family.kind == "counter":
            lines += _block(family.name, family, _plain(family, totals.get(family.name, {})))
    for name, values in _by_family(gauges).items():
        lines += _block(name, FAMILIES[name], _plain(FAMILIES[name], values))
    return lines


def _instances(reports: Sequence[InstanceReport], gauges: Mapping[str, float]) -> Iterator[str]:
    values: dict[str, dict[str, float | None]] = {
        ACTIVE_CONNECTIONS: {report.instance: report.active_connections for report in reports},
        REQUEST_RATE: {report.instance: report.request_rate for report in reports},
        CPU_SHARE: {report.instance: report.cpu_share for report in reports},
        MEMORY_SHARE: {report.instance: report.memory_share for report in reports},
        BUSY_SHARE: {report.instance: report.busy_share for report in reports},
    }
    values[ACTIVE_CONNECTIONS][GATEWAY] = gauges.get(WEBSOCKETS)
    for name, by_instance in values.items():
        known = [(name, (("instance", one),), value) for one, value in by_instance.items() if value is not None]
        yield from _block(name, FAMILIES[name], known)
    yield from _further(reports)
    kinds = Counter((report.function or UNKNOWN, report.initialization or UNKNOWN) for report in reports)
    yield from _block(
        INSTANCES,
        FAMILIES[INSTANCES],
        [
            (INSTANCES, (("function", function), ("initialization", initialization)), count)
            for (function, initialization), count in sorted(kinds.items())
        ],
    )


def _further(reports: Iterable[InstanceReport]) -> Iterator[str]:
    """What environments set themselves, with the labels it has beside the instance."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    for report in reports:
        instance = ("instance", report.instance)
        for name, values in _by_family(report.gauges).items():
            if FAMILIES[name].per_instance:
                plain = _plain(FAMILIES[name], values)
                samples[name] += [(name, (instance, *labels), value) for _, labels, value in plain]
    for name, found in samples.items():
        yield from _block(name, FAMILIES[name], found)


def _own_latencies(state: RegionState) -> list[str]:
    family = FAMILIES[PROCESSING_LATENCY]
    samples: list[Sample] = []
    for report in sorted(state.reports, key=lambda report: report.at, reverse=True)[:OWN_HISTOGRAMS_MAX]:
        own = _by_family(state.own.get(report.instance, {})).get(PROCESSING_LATENCY, {})
        for found in histograms(family, own):
            samples += _buckets(PROCESSING_LATENCY, family, found, (("instance", report.instance),))
    return _block(PROCESSING_LATENCY, family, samples)


def _by_family(values: Mapping[str, float]) -> dict[str, dict[Series, float]]:
    """What no family of this release declares is left out: another release counted it."""
    found: dict[str, dict[Series, float]] = defaultdict(dict)
    for key, value in sorted(values.items()):
        series = parse_series(key)
        if series is not None:
            found[series.family][series] = value
    return found


def _plain(family: Family, values: Mapping[Series, float]) -> list[Sample]:
    return [(family.name, _labels(family, series.labels), value) for series, value in values.items()]


def _buckets(name: str, family: Family, found: Histogram, more: Labels = ()) -> Iterator[Sample]:
    labels = (*_labels(family, found.labels), *more)
    for bound, count in found.cumulative():
        yield f"{name}_bucket", (*labels, ("le", bound)), count
    yield f"{name}_sum", labels, found.sum_microseconds / MICRO
    yield f"{name}_count", labels, found.count


def _labels(family: Family, values: tuple[str, ...]) -> Labels:
    return tuple(zip(family.labels, values, strict=True))


def _block(name: str, family: Family, samples: Iterable[Sample]) -> list[str]:
    lines = [_line(*sample) for sample in samples]
    if not lines:
        return []
    return [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}", *lines]


def _line(name: str, labels: Labels, value: float) -> str:
    inner = ",".join(f'{label}="{escaped(text)}"' for label, text in labels)
    number = str(int(value)) if float(value).is_integer() else repr(float(value))
    return f"{name}{{{inner}}} {number}" if inner else f"{name} {number}"
