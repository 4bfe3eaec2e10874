"""What a metric is, as data, and what values its labels admit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A label whose values are known."""

    values: frozenset[str]

    def admits(self, value: str, seen: int) -> bool:  # noqa: ARG002 (as ``AtMost``)
        return value in self.values


@dataclass(frozen=True, slots=True)
class AtMost:
    """A label with at most ``most`` values in one environment, each 1 to 80 characters long."""

    most: int

    def admits(self, value: str, seen: int) -> bool:
        """``seen``: how many other values there are already."""
        return seen < self.most and _HARMLESS.fullmatch(value) is not None


_HARMLESS: Final = re.compile(r"[A-Za-z0-9 _./{}+:*-]{1,80}")
"""Routes, names of functions, leagues. Not ``|``: it parts the fields of a series' key."""

Domain = OneOf | AtMost


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric. ``labels`` are those it is counted by; ``instance`` is added where it is told."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Domain] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, rising; one more holds the rest."""
    per_instance: bool = False
    """Told of each living environment, with a label ``instance``, and gone with it. All else is one number for the
    region, in which what environments counted that are gone stays."""
    region_name: str = ""
    """Of a histogram of each instance: the name of the region's."""
