"""Figures of shard keys, on documents whose figures are known."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.data.sharding import ShardKey
from infra.sharding.analysis import Counted, Figures, rank_correlation, spread
from infra.sharding.hashing import hashed

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RISING: ShardKey = (("at", 1),)
HASHES: ShardKey = (("at", "hashed"),)


def rows(count: int = 4000) -> list[dict[str, Any]]:
    draw = random.Random(1)
    return [
        {
            "at": BEGIN + timedelta(seconds=number),
            "who": str(draw.randrange(10**9)),
            "board": ("all", "b")[number % 2],
            "some": draw.choices(("x", "y", "z"), (90, 5, 5))[0],
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(10), 1.0),
        (range(10, 0, -1), -1.0),
        ([1] * 10, 0.0),
        ([], 0.0),
        ([5], 0.0),
        # Spearman's textbook case with ties: ranks 0.5 0.5 2.5 2.5 against 0 1 2 3.
        ([1, 1, 2, 2], 4 / (5 * 4) ** 0.5),
    ],
)
def test_rank_correlation(values: Sequence[int], expected: float) -> None:
    assert rank_correlation(list(values)) == pytest.approx(expected)


def test_a_rising_key_sends_every_insert_to_one_shard() -> None:
    monotonicity, documents, inserts, hottest = spread(RISING, rows(), 4, ())
    assert (monotonicity, inserts, hottest) == (1.0, 4.0, 1.0)
    # A quarter of the first half each, and all of the second half.
    assert documents == pytest.approx(4 * (0.5 + 0.125))


def test_the_same_key_hashed_spreads_them() -> None:
    monotonicity, documents, inserts, hottest = spread(HASHES, rows(), 4, ())
    assert monotonicity < 0.1
    assert documents < 1.1
    assert inserts < 1.3
    assert hottest < 0.33


def test_a_value_that_many_have_can_not_be_split() -> None:
    _, documents, _, hottest = spread((("some", 1),), rows(), 2, ())
    assert documents > 1.75
    assert hottest > 0.85


def test_boards_known_beforehand_are_split_and_others_are_not() -> None:
    key: ShardKey = (("board", 1), ("who", "hashed"))
    assert spread(key, rows(), 2, ("all", "b"))[3] < 0.55
    lonely = [{**row, "board": "new"} for row in rows()]
    assert spread(key, lonely, 2, ("all", "b"))[3] == 1.0


def figures(**fields: Any) -> Figures:
    usual = {
        "collection": "battles",
        "key": (("requestId", "hashed"),),
        "shards": 4,
        "counted": Counted(documents=100_000, distinct=100_000, most=1),
        "monotonicity": 0.0,
        "document_skew": 1.0,
        "insert_skew": 1.1,
        "hot_inserts": 0.28,
        "routed": {"one": 0.7, "some": 0.2, "all": 0.1},
    }
    return Figures(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"counted": Counted(documents=100_000, distinct=399, most=1)}, "cardinality 399 < 400"),
        ({"counted": Counted(documents=100, distinct=1000, most=3)}, "one value has 3.0% of the documents > 2.5%"),
        ({"monotonicity": 0.51}, "monotonicity 0.51 > 0.5"),
        ({"document_skew": 1.26}, "document skew 1.26 > 1.25"),
        ({"insert_skew": 1.51}, "insert skew 1.51 > 1.5"),
        ({"routed": {"one": 0.49, "some": 0.0, "all": 0.51}}, "51% of the queries ask all shards > 50%"),
        ({"conflicts": ["requestId"]}, "can't keep unique: requestId"),
    ],
)
def test_each_figure_can_refuse_a_key_and_is_said(fields: dict[str, Any], said: str) -> None:
    assert figures().refusals() == []
    assert figures(routed=None).refusals() == []
    assert figures(**fields).refusals() == [said]


def test_values_no_key_has_are_refused() -> None:
    for value in ({"a": 1}, [1], b"x"):
        with pytest.raises(TypeError):
            hashed(value)
        with pytest.raises(TypeError):
            spread(RISING, [{"at": value}] * 4, 2, ())


def test_values_of_several_types_have_an_order() -> None:
    mixed = [None, 1, 2.5, "a", ObjectId(b"\0" * 12), True, BEGIN] * 10
    assert spread(RISING, [{"at": value} for value in mixed], 2, ())[1] >= 1.0
