"""Targets against Kubernetes' documentation and the cases its own replica calculator is tested with."""

import pytest

from chalicelib.scaling.hpa import Target, judge_target
from chalicelib.scaling.model import CPU_USAGE, REQUEST_RATE, Observation, missing, reading


def judged(
    target: float,
    values: list[float],
    *,
    pods: int,
    unready: int = 0,
    kind: str = "utilization",
    tolerance: float = 0.1,
) -> int:
    """Replicas wanted of ``pods``; the ready ones use ``values``, as far as they say anything."""
    metric = CPU_USAGE if kind == "utilization" else REQUEST_RATE
    aim = Target(
        name="t",
        metric=metric,
        kind="utilization" if kind == "utilization" else "average_value",
        target=target,
        tolerance=tolerance,
    )
    seen = reading(sum(values) / len(values), 0, instances=len(values)) if values else missing("no metrics")
    return judge_target(aim, Observation(at=0, requested=pods, ready=pods - unready, metrics={metric: seen})).desired


def test_the_documentations_examples() -> None:
    """ "If the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled …
    If the current value is instead 50m, you'll halve the number of replicas." """
    assert judged(100, [200] * 4, pods=4, kind="average_value") == 8
    assert judged(100, [50] * 4, pods=4, kind="average_value") == 2


@pytest.mark.parametrize(
    ("case", "target", "values", "pods", "unready", "expected"),
    [
        ("ScaleUp", 30, [30, 50, 70], 3, 0, 5),
        ("ScaleUpUnreadyLessScale", 30, [50, 70], 3, 1, 4),
        ("ScaleUpUnreadyNoScale", 40, [40], 3, 2, 3),
        ("ScaleDown", 50, [10, 30, 50, 25, 25], 5, 0, 3),
        ("ScaleDownExcludeUnreadyPods", 50, [10, 30, 50], 5, 2, 2),
        ("Tolerance", 100, [101, 103, 102], 3, 0, 3),
        ("MissingMetrics", 100, [40, 9.5], 4, 0, 3),
        ("EmptyMetrics", 100, [], 4, 0, 4),
        ("MissingMetricsNoChangeEq", 100, [100], 2, 0, 2),
        ("MissingMetricsNoChangeGt", 100, [190], 2, 0, 2),
        ("MissingMetricsNoChangeLt", 100, [60], 2, 0, 2),
        ("MissingMetricsUnreadyNoChange", 50, [45], 3, 1, 3),
        ("MissingMetricsUnreadyScaleUp", 50, [200], 3, 1, 4),
        ("MissingMetricsUnreadyScaleDown", 50, [10, 10], 4, 1, 3),
    ],
)
def test_kubernetes_own_cases(
    case: str, target: float, values: list[float], pods: int, unready: int, expected: int
) -> None:
    assert judged(target, values, pods=pods, unready=unready) == expected, case


@pytest.mark.parametrize(
    ("values", "pods", "expected"),
    [([20, 10, 30], 3, 4), ([12] * 5, 5, 4), ([15] * 7, 7, 7)],
)
def test_plain_values_scale_by_their_mean(values: list[float], pods: int, expected: int) -> None:
    """The first two are ScaleUpCM and ScaleDownCM of the same tests, at a target of 15."""
    assert judged(15, values, pods=pods, kind="average_value") == expected


def test_unready_environments_count_as_idle_before_the_tolerance_is_asked() -> None:
    """61.25 of 50 at six ready ones is 1.05 of it at seven: near enough."""
    assert judged(50, [61.25] * 6, pods=7, unready=1) == 7
    assert judged(50, [61.25] * 6, pods=6) == 8


def test_silent_environments_are_taken_as_all_busy_for_shares_and_as_on_target_for_plain_values() -> None:
    # Shares: (20 + 100) / 2 = 60 against 70; plain: (20 + 70) / 2 = 45 against 70.
    assert judged(70, [20], pods=2) == 2
    assert judged(70, [20], pods=2, kind="average_value") == 2
    assert judged(70, [20] * 6, pods=8) == 5
    assert judged(70, [20] * 6, pods=8, kind="average_value") == 4


def test_no_environment_is_added_by_rounding_noise() -> None:
    for pods in range(1, 200):
        assert judged(0.7, [0.7 * 3 / pods] * pods, pods=pods, kind="average_value", tolerance=0) == 3


def test_an_exact_tenth_is_within_the_tolerance() -> None:
    assert [judged(70, [value] * 10, pods=10) for value in (63.0, 77.0, 62.9, 77.1)] == [10, 10, 9, 12]


def test_environments_beyond_the_provisioned_ones_count_as_pods() -> None:
    seen = {CPU_USAGE: reading(70, 0, instances=15)}
    aim = Target(name="t", metric=CPU_USAGE, kind="utilization", target=50)
    assert judge_target(aim, Observation(at=0, requested=10, ready=10, metrics=seen)).desired == 21
