"""From reports to an observation: who counts, what is missing, and what is only idle."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.monitoring.reports import InstanceReport
from chalicelib.scaling.model import (
    ARRIVALS,
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    IN_USE,
    MEMORY_USAGE,
    REQUEST_RATE,
    SPILLOVER,
    Observation,
    Point,
    Reading,
)
from chalicelib.scaling.observing import Heard, account_ceiling, observe
from chalicelib.scaling.provisioning import Provision, Quota

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOLD = (CPU_USAGE, MEMORY_USAGE, REQUEST_RATE, IN_USE, SPILLOVER, ARRIVALS)


def ready(environments: int) -> Provision:
    return Provision(status="ready", requested=environments, available=environments)


def report(number: int, initialization: str = "provisioned-concurrency", **shares: float | None) -> InstanceReport:
    given: dict[str, Any] = {"cpu_share": 0.5, "memory_share": 0.3, "request_rate": 10.0, "busy_share": 0.25, **shares}
    return InstanceReport(instance=f"environment-{number}", at=NOW, initialization=initialization, **given)


def seen(provision: Provision, *reports: InstanceReport, queued: int | None = 0, **more: Any) -> Observation:
    return observe(NOW.timestamp(), provision, Heard(reports=reports), queued=queued, **more)


def values(observation: Observation) -> dict[str, float | None]:
    return {name: observation.read(name).value("maximum") for name in TOLD}


def test_means_and_sums() -> None:
    observation = seen(ready(4), report(1), report(2, cpu_share=0.7))
    assert values(observation) == {
        CPU_USAGE: pytest.approx(30.0),
        MEMORY_USAGE: pytest.approx(30.0),
        REQUEST_RATE: 5.0,
        IN_USE: 0.5,
        SPILLOVER: 0.0,
        ARRIVALS: 20.0,
    }
    assert observation.read(CPU_USAGE).instances == 4


def test_spilled_work_makes_the_provisioned_ones_busier_and_never_idler() -> None:
    """Eight cold environments take most of the load off the one that is provisioned."""
    cold = [report(number, "on-demand", cpu_share=0.2) for number in range(2, 10)]
    found = values(seen(ready(1), report(1), *cold))
    assert found[CPU_USAGE] == pytest.approx(210.0)
    assert found[REQUEST_RATE] == 90.0
    assert (found[SPILLOVER], found[ARRIVALS]) == (80.0, 90.0)


def test_before_anything_is_ready_the_load_is_known_all_the_same() -> None:
    preparing = Provision(status="in_progress", requested=3, available=0)
    assert values(seen(preparing, report(1, "on-demand")))[REQUEST_RATE] == 10.0


def test_nobody_reported_through_a_path_that_works_is_idle() -> None:
    observation = seen(ready(3))
    assert set(values(observation).values()) == {0.0}
    assert "reports do come through" in observation.read(CPU_USAGE).evidence


def test_a_broken_path_is_missing_whatever_it_brought() -> None:
    heard = Heard(reports=[report(1)], problem="reports could not be read")
    observation = observe(NOW.timestamp(), ready(3), heard, queued=None)
    assert set(values(observation).values()) == {None}
    assert observation.read(CPU_USAGE).missing == "reports could not be read"
    assert observation.read(BATTLE_QUEUE_LENGTH).missing == "the queue's length could not be read"


def test_a_first_report_has_no_averages_yet() -> None:
    first = report(1, cpu_share=None, request_rate=None, busy_share=None)
    found = values(seen(ready(1), first))
    assert (found[CPU_USAGE], found[REQUEST_RATE], found[IN_USE]) == (None, None, None)
    assert found[MEMORY_USAGE] == pytest.approx(30.0)
    assert values(seen(ready(2), first, report(2)))[REQUEST_RATE] == 5.0


def test_cloudwatch_joins_what_environments_tell_and_its_silence_changes_nothing() -> None:
    measured = {
        IN_USE: Reading(points=(Point(NOW.timestamp() - 60, 7.0),), evidence="CloudWatch"),
        SPILLOVER: Reading(points=(), missing="CloudWatch has no data"),
    }
    observation = seen(ready(2), report(1), measured=measured)
    assert [point.value for point in observation.read(IN_USE).points] == [7.0, 0.25]
    assert observation.read(SPILLOVER).value("maximum") == 0.0


def test_cloudwatch_speaks_for_environments_that_are_not_heard() -> None:
    measured = {IN_USE: Reading(points=(Point(NOW.timestamp() - 60, 7.0),), evidence="CloudWatch")}
    observation = observe(NOW.timestamp(), ready(2), Heard(problem="broken"), queued=0, measured=measured)
    assert observation.read(IN_USE).value("maximum") == 7.0


@pytest.mark.parametrize(("unreserved", "requested", "capacity"), [(900, 100, 900), (100, 5, 5), (40, 10, 0)])
def test_the_account_leaves_a_hundred_to_functions_without_a_reservation(
    unreserved: int, requested: int, capacity: int
) -> None:
    ceiling = account_ceiling(Quota(limit=1000, unreserved=unreserved), requested)
    assert (ceiling.name, ceiling.capacity) == ("account_concurrency", capacity)
    assert "100 must stay unreserved" in ceiling.reason
