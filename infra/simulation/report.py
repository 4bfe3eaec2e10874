"""Runs as a table for people, and how far the predictive policy is from its goal."""

from collections.abc import Iterator, Sequence
from typing import Final

from infra.simulation.run import Run

SPILL_GOAL: Final = 0.4
"""Of target tracking's spill share, at most."""
COST_GOAL: Final = 1.0
"""Of target tracking's cost, at most."""
ORACLE_GOAL: Final = 1.15
"""Of the oracle's cost, at most."""

_HEAD: Final = (
    f"{'policy':<16}{'spilled':>10}{'x TT':>7}{'cold':>8}{'cost USD':>12}{'x TT':>7}{'x oracle':>9}"
    f"{'mean PC':>9}{'actions':>9}{'reversals':>10}"
)


def table(runs: Sequence[Run]) -> Iterator[str]:
    """Lines: a block per trace. TT is target tracking; spilled = not served by a provisioned environment."""
    for trace, block in _by_trace(runs):
        first = block[0]
        yield f"{trace}: {len(first.minutes):,} minutes, {first.requests:,} requests"
        yield _HEAD
        tracking, oracle = _named(block, "target-tracking"), _named(block, "oracle")
        for run in block:
            yield (
                f"{run.policy:<16}{run.spill_share:>10.3%}{_ratio(_spill(run, tracking)):>7}{run.cold_starts:>8,}"
                f"{run.cost_usd:>12.4f}{_ratio(_cost(run, tracking)):>7}{_ratio(_cost(run, oracle)):>9}"
                f"{run.mean_provisioned:>9.2f}{run.actions:>9,}{run.reversals:>10,}"
            )
        yield ""


def shortfalls(runs: Sequence[Run]) -> Iterator[str]:
    """Lines: the predictive policy's goals, trace by trace, met or by how much not."""
    for trace, block in _by_trace(runs):
        run, tracking, oracle = (_named(block, name) for name in ("predictive", "target-tracking", "oracle"))
        if run is None:
            continue
        goals = (
            ("spill", _spill(run, tracking), SPILL_GOAL, "TT's"),
            ("cost", _cost(run, tracking), COST_GOAL, "TT's"),
            ("cost", _cost(run, oracle), ORACLE_GOAL, "the oracle's"),
        )
        parts = [_goal(*goal) for goal in goals if goal[1] is not None]
        if parts:
            yield f"{trace}: {'; '.join(parts)}"


def _goal(what: str, ratio: float | None, goal: float, whose: str) -> str:
    assert ratio is not None  # noqa: S101 (filtered by the caller)
    verdict = "met" if ratio <= goal else f"MISSED by {ratio - goal:.3f}"
    return f"{what} {ratio:.3f} x {whose} (goal {goal:g}: {verdict})"


def _by_trace(runs: Sequence[Run]) -> Iterator[tuple[str, list[Run]]]:
    for trace in dict.fromkeys(run.trace for run in runs):
        yield trace, [run for run in runs if run.trace == trace]


def _named(runs: Sequence[Run], policy: str) -> Run | None:
    return next((run for run in runs if run.policy == policy), None)


def _spill(run: Run, other: Run | None) -> float | None:
    return run.spill_share / other.spill_share if other and other.spill_share else None


def _cost(run: Run, other: Run | None) -> float | None:
    return run.cost_usd / other.cost_usd if other and other.cost_usd else None


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
