"""What one environment counted since it began: whole numbers by series, safe for threads. Pure.

A series' key is text, ``family|label value|...``, in the order the family declares its labels; a histogram's buckets
and sum have keys of their own (``...|le 0.05``, ``...|le +Inf``, ``...|sum us``). Buckets hold what fell into them
alone, not all below. Sums are whole microseconds: whole numbers add up to the same total in any order and any store.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple

from chalicelib.monitoring.families import FAMILIES, SAMPLES_REFUSED
from chalicelib.monitoring.family import Family, Kind

SEPARATOR: Final = "|"
BUCKET: Final = "le "
SUM: Final = "sum us"
INFINITY: Final = "+Inf"
MICRO: Final = 1_000_000

Values = Mapping[str, int]
"""Cumulative numbers by series key."""


class UnknownFamily(ValueError):
    """No such metric, another kind of it, or other labels than it declares: a fault of the caller's code."""


class Series(NamedTuple):
    """A series' key, taken apart."""

    family: str
    labels: tuple[str, ...]
    part: str = ""
    """Of a histogram: ``le <bound>`` or ``sum us``."""


def series_key(family: str, labels: tuple[str, ...], part: str = "") -> str:
    return SEPARATOR.join((family, *labels, part) if part else (family, *labels))


def parse_series(key: str, families: Mapping[str, Family] = FAMILIES) -> Series | None:
    """None for what these families don't declare: another release may have counted it."""
    name, *rest = key.split(SEPARATOR)
    family = families.get(name)
    if family is None:
        return None
    parts = 1 if family.kind == "histogram" else 0
    if len(rest) != len(family.labels) + parts:
        return None
    return Series(name, tuple(rest[: len(family.labels)]), rest[-1] if parts else "")


class Registry:
    """``ports.Meter`` on a dictionary."""

    def __init__(self, families: Mapping[str, Family] = FAMILIES) -> None:
        self._families = families
        self._lock = Lock()
        self._values: dict[str, int] = {}
        self._gauges: dict[str, float] = {}
        self._watched: dict[str, Callable[[], float]] = {}
        self._known: dict[tuple[Any, ...], str] = {}
        self._admitted: dict[tuple[str, str], set[str]] = {}
        self._bounds = {
            name: [f"{BUCKET}{bound:g}" for bound in family.buckets] + [BUCKET + INFINITY]
            for name, family in families.items()
        }

    def count(self, family: str, amount: int = 1, /, **labels: str) -> None:
        with self._lock:
            key = self._series("counter", family, labels)
            if key is not None:
                self._values[key] = self._values.get(key, 0) + amount

    def observe(self, family: str, value: float, /, **labels: str) -> None:
        microseconds = round(value * MICRO)
        with self._lock:
            key = self._series("histogram", family, labels)
            if key is not None:
                bound = bisect_left(self._families[family].buckets, value)
                bucket, total = f"{key}{SEPARATOR}{self._bounds[family][bound]}", f"{key}{SEPARATOR}{SUM}"
                self._values[bucket] = self._values.get(bucket, 0) + 1
                self._values[total] = self._values.get(total, 0) + microseconds

    def set(self, family: str, value: float, /, **labels: str) -> None:
        with self._lock:
            key = self._series("gauge", family, labels)
            if key is not None:
                self._gauges[key] = value

    def watch(self, family: str, read: Callable[[], float], /, **labels: str) -> None:
        with self._lock:
            key = self._series("gauge", family, labels)
            if key is not None:
                self._watched[key] = read

    def values(self) -> dict[str, int]:
        """Counters and histograms as they are now."""
        with self._lock:
            return dict(self._values)

    def gauges(self) -> dict[str, float]:
        """As they are now; those that are watched are asked."""
        with self._lock:
            gauges, watched = dict(self._gauges), dict(self._watched)
        # Outside the lock: whoever is asked may have a lock of its own, under which it counts.
        return {**gauges, **{key: read() for key, read in watched.items()}}

    def _series(self, kind: Kind, family: str, labels: Mapping[str, str]) -> str | None:
        """The series' key. Once it was admitted it is looked up: most of what is counted was before."""
        place = (kind, family, *labels.items())
        key = self._known.get(place)
        if key is None:
            key = self._key(self._declared(family, kind, labels), labels)
            if key is not None:
                self._known[place] = key
        return key

    def _declared(self, name: str, kind: str, labels: Mapping[str, str]) -> Family:
        family = self._families.get(name)
        if family is None or family.kind != kind or family.labels.keys() != labels.keys():
            raise UnknownFamily(f"no {kind} {name} with labels {sorted(labels)}")
        return family

    def _key(self, family: Family, labels: Mapping[str, str]) -> str | None:
        """None when a value is not admitted; that is counted instead."""
        values = tuple(labels[label] for label in family.labels)
        for label, value in zip(family.labels, values, strict=True):
            if not self._admits(family, label, value):
                key = series_key(SAMPLES_REFUSED, (family.name,))
                self._values[key] = self._values.get(key, 0) + 1
                return None
        return series_key(family.name, values)

    def _admits(self, family: Family, label: str, value: str) -> bool:
        admitted = self._admitted.setdefault((family.name, label), set())
        if value in admitted:
            return True
        if not family.labels[label].admits(value, len(admitted)):
            return False
        admitted.add(value)
        return True
