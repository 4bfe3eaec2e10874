"""What a scaling policy sees and what it answers: frozen data, without a clock, a network or memory.

Observe → decide → apply are three steps in three places. Sources fill an ``Observation``; a ``Policy`` turns it
into a ``ScalingDecision``; an actuator carries that out. The policy remembers nothing itself: what it needs next
time is the state it returns, a JSON value that is stored between runs and handed in again, because the function
that evaluates may be another one each time.

Times are seconds since the Unix epoch (float), capacities are whole environments.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

State = Any
"""A JSON value (None, bool, int, float, str, list, dict with string keys); None before the first run."""

Statistic = Literal["maximum", "average"]
Action = Literal["out", "in", "hold"]
Wish = Literal["out", "in", "hold", "abstain"]

CPU_USAGE: Final = "cpu_usage"
"""Per cent of the CPU an environment's memory size entitles it to; mean over environments."""
MEMORY_USAGE: Final = "memory_usage"
"""Per cent of an environment's memory size; mean over environments."""
REQUEST_RATE: Final = "request_rate"
"""Requests per second that one environment serves; mean over environments."""
BATTLE_QUEUE_LENGTH: Final = "battle_queue_length"
"""Battles waiting in the region."""
IN_USE: Final = "in_use"
"""Environments busy at the same moment in the region, provisioned or not."""
SPILLOVER: Final = "spillover"
"""Requests per second of the region served by an environment that was not provisioned (cold or on demand)."""
OFFERED_LOAD: Final = "offered_load"
"""Seconds of work that arrive per second: the mean number of environments busy if there were always enough. The
latency histogram's sum gives it: its growth over the time it took (Little's law)."""
ARRIVALS: Final = "arrivals"
"""Requests per second that reach the region."""


@dataclass(frozen=True, slots=True)
class Point:
    """One sample of a metric."""

    at: float
    """End of the time the sample covers, seconds since the epoch."""
    value: float
    """In the metric's unit; never negative."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of one metric at one evaluation: samples, or why there are none.

    Silence is never zero. A source that knows a metric to be idle says so with a sample of 0 and its evidence.
    """

    points: tuple[Point, ...] = ()
    """Oldest first, the finest samples the source has since the last evaluation; empty = missing."""
    missing: str = ""
    """Why there is no sample, e.g. "CloudWatch did not answer"; empty when there are samples."""
    instances: int | None = None
    """Of a mean over environments: how many reported (those known to be idle count). None = a total."""
    evidence: str = ""
    """Where the samples come from, and for an idle metric how that is known."""

    def __post_init__(self) -> None:
        if bool(self.points) == bool(self.missing):
            raise ValueError("a reading has samples or says why there are none, never both")

    def value(self, statistic: Statistic) -> float | None:
        """The samples as one number, None when missing. The maximum keeps a burst that the average hides."""
        if not self.points:
            return None
        if len(self.points) == 1:
            return self.points[0].value
        if statistic == "maximum":
            return max(point.value for point in self.points)
        return sum(point.value for point in self.points) / len(self.points)


def missing(why: str) -> Reading:
    """A metric that could not be read."""
    return Reading(missing=why)


def reading(value: float, at: float, *, instances: int | None = None, evidence: str = "") -> Reading:
    """A metric with a single sample."""
    return Reading(points=(Point(at, value),), instances=instances, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Something outside the rules that bounds the capacity just now."""

    name: str
    """What it belongs to, e.g. ``mongo_connections`` or ``account_concurrency``."""
    capacity: int
    """Most environments it allows, at least 0."""
    reason: str
    """How the number comes about, for a person: "500 connections / 8 per environment"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingLimits:
    """The bounds of a stage."""

    min: int
    """Fewest environments, at least 1."""
    max: int
    """Most environments, at least ``min``."""

    def __post_init__(self) -> None:
        if not 1 <= self.min <= self.max:
            raise ValueError(f"scaling limits must hold 1 <= min <= max, found min {self.min}, max {self.max}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """All that is known of one region at one moment."""

    at: float
    """When it was made, seconds since the epoch."""
    requested: int
    """Environments last asked for: what a decision changes."""
    ready: int
    """Provisioned environments that are ready now: below ``requested`` while more are being prepared."""
    metrics: Mapping[str, Reading] = field(default_factory=dict)
    """By metric name."""
    ceilings: tuple[Ceiling, ...] = ()

    def read(self, metric: str) -> Reading:
        """The metric's reading; one that says so when nobody measured it."""
        return self.metrics.get(metric) or missing(f"no source measures {metric}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What one rule, target or forecast wants, and why."""

    rule: str
    metric: str
    """The metric it looked at; empty when it looked at none in particular."""
    value: float | None
    """What it saw, in the metric's unit; None = missing."""
    wish: Wish
    """``abstain`` = it could not tell. Neither ``hold`` nor ``abstain`` consents to scaling in."""
    desired: int
    """Environments it wants; the current number with ``hold`` and ``abstain``."""
    reason: str
    """A sentence with the value and the thresholds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clamp:
    """One limit that changed what was wanted."""

    name: str
    """E.g. ``stabilization``, ``rate``, ``in_use``, ``max`` or the name of a ceiling."""
    before: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingDecision:
    """One evaluation's answer with everything that led to it."""

    policy: str
    at: float
    """When it was decided, seconds since the epoch."""
    current: int
    """Environments asked for before."""
    desired: int
    """Environments to ask for now."""
    action: Action
    reason: str
    """One sentence for a person."""
    outcomes: tuple[RuleOutcome, ...] = ()
    """Of every rule, losing ones included, in the order of the configuration."""
    clamps: tuple[Clamp, ...] = ()
    """In the order they were applied."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Further numbers the answer rests on (JSON values), e.g. what a forecast expected."""


class Policy(Protocol):
    """Decides how many environments a region should have.

    Deterministic: the same state, observation and time give the same answer, byte for byte.
    """

    @property
    def name(self) -> str:
        """Short and stable, e.g. ``guide``."""

    @property
    def configuration(self) -> Mapping[str, Any]:
        """All that distinguishes this policy from another of its name, as a JSON value."""

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """The decision at ``now`` and the state for the next run. ``state`` is what the last run returned."""


def action_of(current: int, desired: int) -> Action:
    """The word for going from ``current`` to ``desired``."""
    return "out" if desired > current else "in" if desired < current else "hold"
