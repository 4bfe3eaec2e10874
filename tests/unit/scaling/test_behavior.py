"""Windows and rate policies against the published algorithm."""

import pytest

from chalicelib.scaling.behavior import Behavior, Change, Direction, RatePolicy, Recommendation, rate_limit, stabilize

GUIDE = Behavior(
    out=Direction(60, (RatePolicy("percent", 100, 15),)),
    in_=Direction(300, (RatePolicy("percent", 10, 60),)),
)


def past(*recommendations: tuple[float, int]) -> tuple[Recommendation, ...]:
    return tuple(Recommendation(at, desired) for at, desired in recommendations)


@pytest.mark.parametrize(
    ("current", "desired", "recommended", "expected", "why"),
    [
        (10, 20, [], 20, "nothing was recommended before"),
        (10, 20, [(-59, 12)], 12, "the lowest of the last 60 s counts upward"),
        (10, 20, [(-60, 12)], 20, "exactly as old as the window is too old"),
        (10, 20, [(-30, 4)], 10, "one low recommendation stops growing, and it takes nothing away"),
        (10, 4, [], 4, "nothing was recommended before"),
        (10, 4, [(-299, 8)], 8, "the highest of the last 300 s counts downward"),
        (10, 4, [(-300, 8)], 4, "exactly as old as the window is too old"),
        (10, 4, [(-200, 30)], 10, "one high recommendation stops shrinking, and it adds nothing"),
        (10, 10, [(-30, 4), (-20, 30)], 10, "recommendations that never agree change nothing"),
        (10, 12, [(-100, 20), (-20, 14)], 12, "a higher one of long ago does not pull the fleet up"),
        (10, 8, [(-50, 4), (-290, 9)], 9, "a lower one does not pull it down"),
    ],
)
def test_stabilization_is_two_envelopes(
    current: int, desired: int, recommended: list[tuple[float, int]], expected: int, why: str
) -> None:
    assert stabilize(GUIDE, current, desired, past(*recommended), 0) == expected, why


@pytest.mark.parametrize(
    ("current", "desired", "changes", "expected", "why"),
    [
        (3, 20, [], 6, "100 % more than at the period's start"),
        (6, 20, [(-14, 3, 6)], 6, "the period's 100 % are used up"),
        (6, 20, [(-15, 3, 6)], 12, "exactly as old as the period counts no more"),
        (5, 20, [(-10, 3, 5)], 6, "what is left of it"),
        (20, 3, [], 18, "10 % less"),
        (18, 3, [(-59, 20, 18)], 18, "used up"),
        (18, 3, [(-60, 20, 18)], 16, "16.2: the fraction is cut off when shrinking"),
        (3, 1, [], 2, "2.7: else a small fleet would never shrink"),
        (1, 9, [], 2, "growing rounds up"),
        (10, 15, [(-5, 12, 10)], 15, "what was taken away in the period may come back on top"),
    ],
)
def test_policies_count_from_the_start_of_their_period(
    current: int, desired: int, changes: list[tuple[float, int, int]], expected: int, why: str
) -> None:
    made = tuple(Change(at, before, after) for at, before, after in changes)
    assert rate_limit(GUIDE, current, desired, made, 0) == expected, why


def test_select_policy() -> None:
    both = (RatePolicy("percent", 50, 60), RatePolicy("environments", 4, 60))
    for select, out, in_ in (("max", 30, 10), ("min", 24, 16), ("disabled", 20, 20)):
        way = Direction(0, both, select)  # type: ignore[arg-type]  # each is one of the three
        behavior = Behavior(way, way)
        assert (rate_limit(behavior, 20, 99, (), 0), rate_limit(behavior, 20, 1, (), 0)) == (out, in_), select


def test_without_policies_a_direction_is_free() -> None:
    assert rate_limit(Behavior(), 3, 99, (), 0) == 99
    assert rate_limit(Behavior(), 99, 3, (), 0) == 3


def test_percentages_of_whole_numbers_are_exact() -> None:
    """Floating point makes 70 x (1 - 10 %) a little less than 63 on some machines' formulas; whole numbers don't."""
    for start in range(1, 1000):
        assert rate_limit(GUIDE, start * 10, 0, (), 0) == start * 9
