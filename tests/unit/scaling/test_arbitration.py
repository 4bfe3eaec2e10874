"""Who wins when rules disagree, and what bounds the winner."""

import pytest

from chalicelib.scaling.arbitration import arbitrate, bounds, keep_in_use, keep_within
from chalicelib.scaling.model import IN_USE, Ceiling, Observation, RuleOutcome, ScalingLimits, missing, reading

CURRENT = 10


def wants(name: str, wish: str, desired: int = CURRENT) -> RuleOutcome:
    return RuleOutcome(rule=name, metric="m", value=1.0, wish=wish, desired=desired, reason="so")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outcomes", "desired", "reason"),
    [
        ([wants("a", "out", 20), wants("b", "in", 8)], 20, "a: so"),
        ([wants("a", "out", 20), wants("b", "out", 30), wants("c", "hold")], 30, "b: so"),
        ([wants("a", "out", 20), wants("b", "abstain")], 20, "a: so"),
        ([wants("a", "in", 7), wants("b", "in", 8)], 8, "all agree to scale in, b the least: so"),
        ([wants("a", "in", 7), wants("b", "hold")], 10, "not all agree to scale in: b does not"),
        (
            [wants("a", "in", 7), wants("b", "abstain"), wants("c", "hold")],
            10,
            "not all agree to scale in: b, c do not",
        ),
        ([wants("a", "hold"), wants("b", "abstain")], 10, "no rule wants a change (a, b)"),
        ([wants("a", "abstain"), wants("b", "abstain")], 10, "nothing could be measured; what is there stays"),
    ],
)
def test_highest_wins_upward_and_all_must_agree_downward(
    outcomes: list[RuleOutcome], desired: int, reason: str
) -> None:
    wish = arbitrate(outcomes, CURRENT)
    assert (wish.desired, wish.reason) == (desired, reason)


def observed(in_use: float | None) -> Observation:
    seen = missing("no answer") if in_use is None else reading(in_use, 0)
    return Observation(at=0, requested=CURRENT, ready=CURRENT, metrics={IN_USE: seen})


@pytest.mark.parametrize(
    ("in_use", "wanted", "kept", "reason"),
    [
        (3, 5, 5, None),
        (6.2, 5, 7, "7 were busy at once"),
        (25, 5, 10, "25 were busy at once"),
        (None, 5, 10, "in_use is missing: no answer"),
        (None, 20, 20, None),
        (25, 20, 20, None),
    ],
)
def test_what_is_in_use_is_not_taken_away_and_never_asked_for_either(
    in_use: float | None, wanted: int, kept: int, reason: str | None
) -> None:
    desired, clamps = keep_in_use(wanted, observed(in_use))
    assert desired == kept
    assert [clamp.reason for clamp in clamps] == ([] if reason is None else [reason])


@pytest.mark.parametrize(
    ("ceilings", "desired", "expected", "name"),
    [
        ([], 25, 20, "max"),
        ([], 2, 3, "min"),
        ([], 12, 12, None),
        ([Ceiling("mongo", 15, "120 / 8"), Ceiling("redis", 18, "")], 25, 15, "mongo"),
        ([Ceiling("mongo", 15, "120 / 8")], 2, 3, "min"),
        ([Ceiling("mongo", 500, "")], 25, 20, "max"),
        ([Ceiling("mongo", 2, "16 / 8")], 5, 2, "mongo"),
        ([Ceiling("mongo", 2, "16 / 8")], 1, 2, "min"),
        ([Ceiling("mongo", -4, "")], 5, 0, "mongo"),
    ],
)
def test_bounds_and_the_lowest_ceiling_which_wins_over_the_minimum(
    ceilings: list[Ceiling], desired: int, expected: int, name: str | None
) -> None:
    kept, clamps = keep_within(desired, *bounds(ScalingLimits(min=3, max=20), ceilings))
    assert (kept, [clamp.name for clamp in clamps]) == (expected, [] if name is None else [name])
