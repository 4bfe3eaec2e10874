"""From what a region's environments and queues say to one ``Observation``.

Silence is told apart from an idle region by a probe: the controller's own environment reports through the same store
just before it looks. Its report came back: the path works, and an environment that said nothing served nothing. It did
not: nothing is known, and every metric that rests on reports is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.monitoring.reports import InstanceReport
from chalicelib.scaling.model import (
    ARRIVALS,
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    IN_USE,
    MEMORY_USAGE,
    OFFERED_LOAD,
    REQUEST_RATE,
    SPILLOVER,
    Ceiling,
    Observation,
    Reading,
    missing,
    reading,
)
from chalicelib.scaling.provisioning import UNRESERVED_MIN, Provision, Quota

PROVISIONED: Final = "provisioned-concurrency"
PER_CENT: Final = 100
IDLE: Final = "nobody reported, and reports do come through"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the shared metrics told, or why they did not."""

    reports: Sequence[InstanceReport] = ()
    """Of the API's environments."""
    problem: str = ""
    """Not empty: the path of reports is broken, and ``reports`` says nothing."""


def observe(
    now: float,
    provision: Provision,
    heard: Heard,
    *,
    queued: int | None,
    measured: Mapping[str, Reading] | None = None,
    ceilings: Sequence[Ceiling] = (),
) -> Observation:
    """Everything known at ``now``. ``measured`` (CloudWatch) joins what environments say of the same metric: it is
    exact and late, they are quick and know averages only."""
    busy = (measured or {}).get(IN_USE)
    if not heard.reports and not heard.problem and busy is not None and (busy.value("maximum") or 0) > 0:
        heard = Heard(problem="CloudWatch saw environments at work, and none reported")
    metrics = {**from_reports(now, provision, heard), BATTLE_QUEUE_LENGTH: _queue(now, queued)}
    metrics |= {name: _joined(metrics.get(name), found) for name, found in (measured or {}).items() if found.points}
    return Observation(
        at=now,
        requested=provision.requested,
        ready=provision.available,
        metrics=metrics,
        ceilings=tuple(ceilings),
    )


def from_reports(now: float, provision: Provision, heard: Heard) -> dict[str, Reading]:
    """The metrics environments tell of themselves.

    Means of work are over the *provisioned* environments that are ready, silent ones idle, and count the work that
    spilled: what each would have to do if they did it all. Over all that report, every on-demand environment would
    make the region look idler, and the more is spilled the less would be provisioned.
    """
    names = (CPU_USAGE, MEMORY_USAGE, REQUEST_RATE, IN_USE, OFFERED_LOAD, SPILLOVER, ARRIVALS)
    if heard.problem:
        return dict.fromkeys(names, missing(heard.problem))
    reports = heard.reports
    environments = max(provision.available, 1)
    rates = [report.request_rate for report in reports]
    spilled = [report.request_rate for report in reports if report.initialization not in (PROVISIONED, None)]
    told = f"{len(reports)} environments reported, {environments} are provisioned" if reports else IDLE
    busy = _total(now, [report.busy_share for report in reports], told)
    return {
        CPU_USAGE: _share(now, [report.cpu_share for report in reports], environments, told),
        MEMORY_USAGE: _memory(now, [report.memory_share for report in reports], environments, told),
        REQUEST_RATE: _total(now, rates, told, environments),
        ARRIVALS: _total(now, rates, told),
        SPILLOVER: _total(now, spilled, told),
        IN_USE: busy,
        OFFERED_LOAD: busy,
    }


def account_ceiling(quota: Quota, requested: int) -> Ceiling:
    """What the account's quota leaves to provision."""
    capacity = max(0, quota.unreserved + requested - UNRESERVED_MIN)
    reason = (
        f"{quota.unreserved} of the account's {quota.limit} are unreserved, {requested} are ours, "
        f"{UNRESERVED_MIN} must stay unreserved"
    )
    return Ceiling("account_concurrency", capacity, reason)


def _joined(told: Reading | None, measured: Reading) -> Reading:
    if told is None or not told.points:
        return measured
    points = sorted((*told.points, *measured.points), key=lambda point: point.at)
    return Reading(points=tuple(points), evidence=f"{told.evidence}; {measured.evidence}")


def _queue(now: float, queued: int | None) -> Reading:
    if queued is None:
        return missing("the queue's length could not be read")
    return reading(float(queued), now, evidence="counted in the database")


def _known(values: Sequence[float | None]) -> list[float] | None:
    """The values, None when none of several is known yet: an environment's first report has no averages."""
    known = [value for value in values if value is not None]
    return known if known or not values else None


def _share(now: float, values: Sequence[float | None], environments: int, told: str) -> Reading:
    known = _known(values)
    if known is None:
        return missing("environments reported for the first time: averages come with their second report")
    return reading(PER_CENT * sum(known) / environments, now, instances=environments, evidence=told)


def _memory(now: float, values: Sequence[float | None], environments: int, told: str) -> Reading:
    """A process keeps its memory when it is idle, so those that are silent are taken for like those that reported."""
    known = _known(values)
    if known is None:
        return missing("the platform told no environment's memory")
    mean = sum(known) / len(known) if known else 0.0
    return reading(PER_CENT * mean, now, instances=environments, evidence=told)


def _total(now: float, values: Sequence[Any], told: str, environments: int | None = None) -> Reading:
    known = _known(values)
    if known is None:
        return missing("environments reported for the first time: averages come with their second report")
    total = float(sum(known))
    if environments is None:
        return reading(total, now, evidence=told)
    return reading(total / environments, now, instances=environments, evidence=told)
