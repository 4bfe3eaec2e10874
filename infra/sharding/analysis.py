"""What makes a shard key good or bad, in figures, and the verdict on them. Pure.

Documents stand in the order they were inserted in. A key that begins hashed is placed as an empty collection is split:
in equal parts of the hashes; so is each board of a key that begins with one. Any other key is given the best a balancer
could have done: ranges of equal size over the first half of the documents. What the second half does then is what
writes do.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from bson import ObjectId

from chalicelib.data.sharding import HASHED, ShardKey
from infra.sharding.hashing import hashed
from infra.sharding.shapes import Route

WINDOW: Final = 500
"""Inserts that are looked at together: a minute of a busy arena."""
_HASHES: Final = 2**64


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound, and why."""

    bound: float
    why: str


VALUES_PER_SHARD_MIN: Final = Threshold(
    100,
    "documents of one value stay together: with fewer, a shard's part can't be set to a hundredth, nor shards added",
)
FREQUENCY_MAX: Final = Threshold(
    0.1, "of a shard's fair part: what one value may add to it without anybody being able to move it away"
)
MONOTONICITY_MAX: Final = Threshold(
    0.5, "rank correlation with the order of insertion: beyond it, the newest documents lie together"
)
DOCUMENT_SKEW_MAX: Final = Threshold(
    1.25, "fullest shard by mean: beyond it, one shard has to be bought larger than the others"
)
INSERT_SKEW_MAX: Final = Threshold(
    1.5, "hottest shard by mean, in the same window: beyond it, it is full when the others are two thirds full"
)
SCATTERED_MAX: Final = Threshold(0.5, "of queries that ask every shard: beyond, a new shard takes over hardly any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Exact, of all documents."""

    documents: int
    distinct: int
    most: int
    """Documents of the most frequent value."""
    most_frequent: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    collection: str
    key: ShardKey
    shards: int
    counted: Counted
    monotonicity: float
    """Spearman's rank correlation of insertion order with key order, without its sign."""
    document_skew: float
    insert_skew: float
    hot_inserts: float
    """The hottest shard's part of the inserts of a window, on average."""
    routed: Mapping[Route, float] | None
    """Parts of the arena's own queries by the shards they ask, weighted by how often players cause them."""
    conflicts: Sequence[str] = ()
    """Unique indexes that MongoDB would not keep with this key."""

    @property
    def frequency(self) -> float:
        """The most frequent value's part of all documents."""
        return self.counted.most / self.counted.documents

    def refusals(self) -> list[str]:
        """Why not; empty for a key to go with."""
        found = [f"can't keep unique: {'; '.join(self.conflicts)}"] if self.conflicts else []
        if self.counted.distinct < VALUES_PER_SHARD_MIN.bound * self.shards:
            found.append(f"cardinality {self.counted.distinct} < {VALUES_PER_SHARD_MIN.bound * self.shards:.0f}")
        if self.frequency * self.shards > FREQUENCY_MAX.bound:
            found.append(
                f"one value has {self.frequency:.1%} of the documents > {FREQUENCY_MAX.bound / self.shards:.1%}"
            )
        checks = (
            ("monotonicity", self.monotonicity, MONOTONICITY_MAX),
            ("document skew", self.document_skew, DOCUMENT_SKEW_MAX),
            ("insert skew", self.insert_skew, INSERT_SKEW_MAX),
        )
        found += [f"{name} {value:.2f} > {most.bound}" for name, value, most in checks if value > most.bound]
        if self.routed is not None and self.routed["all"] > SCATTERED_MAX.bound:
            found.append(f"{self.routed['all']:.0%} of the queries ask all shards > {SCATTERED_MAX.bound:.0%}")
        return found


Row = Mapping[str, Any]


def spread(key: ShardKey, rows: Sequence[Row], shards: int, boards: Sequence[str]) -> tuple[float, float, float, float]:
    """(monotonicity, document skew, insert skew, hot inserts) of documents in the order of their insertion."""
    ordered = [_place(key, row) for row in rows]
    monotonicity = abs(rank_correlation(ordered))
    shard_of = _presplit(key, shards, boards) or _balanced(ordered[: len(ordered) // 2], shards)
    homes = [shard_of(place) for place in ordered]
    hot = _hottest(homes[len(homes) // 2 :], shards)
    return monotonicity, _share(homes, shards) * shards, hot * shards, hot


def rank_correlation(values: Sequence[Any]) -> float:
    """Spearman's, of values with their places; equals share their mean rank. 0 where all are equal."""
    ranks = _ranks(values)
    mean = (len(values) - 1) / 2
    over = sum((place - mean) * (rank - mean) for place, rank in enumerate(ranks))
    places = sum((place - mean) ** 2 for place in range(len(values)))
    spreads = sum((rank - mean) ** 2 for rank in ranks)
    return 0.0 if not spreads or not places else float(over / (places * spreads) ** 0.5)


def _ranks(values: Sequence[Any]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    edges = [at for at, (one, other) in enumerate(pairwise(order), 1) if values[one] != values[other]]
    ranks = [0.0] * len(values)
    for start, end in pairwise([0, *edges, len(order)]):
        for place in order[start:end]:
            ranks[place] = (start + end - 1) / 2
    return ranks


_TYPES: Final[Sequence[type | tuple[type, ...]]] = (bool, (int, float), str, ObjectId, datetime)
"""A bool is an int in Python, so it comes first."""

Place = tuple[Any, ...]
"""A document's key values, hashed where the key says so. Values of one type are ordered as MongoDB does."""


def _place(key: ShardKey, row: Row) -> Place:
    return tuple(hashed(row.get(name)) if kind == HASHED else _comparable(row.get(name)) for name, kind in key)


def _comparable(value: Any) -> tuple[int, Any]:
    """By type, then value. Raises ``TypeError`` for types no shard key of the arena has."""
    if value is None:
        return 0, 0
    for rank, types in enumerate(_TYPES, 1):
        if isinstance(value, types):
            return rank, value
    raise TypeError(f"a shard key's value of type {type(value).__name__}")


def _presplit(key: ShardKey, shards: int, boards: Sequence[str]) -> Callable[[Place], int] | None:
    """Where documents go in a collection that was split while it was empty; None for a key that can't be."""

    def by_hash(value: int) -> int:
        return (value + _HASHES // 2) * shards // _HASHES

    if key[0][1] == HASHED:
        return lambda place: by_hash(place[0])
    if len(key) > 1 and key[1][1] == HASHED:
        split = {_comparable(board) for board in boards}
        # A board nobody knew when it was split is one chunk, on some shard, until it has grown.
        return lambda place: by_hash(place[1] if place[0] in split else hashed(place[0][1]))
    return None


def _balanced(places: Sequence[Place], shards: int) -> Callable[[Place], int]:
    """Ranges with equally many of ``places``. A value is in one of them."""
    ordered = sorted(places)
    edges = [ordered[len(ordered) * number // shards] for number in range(1, shards)]
    return lambda place: bisect_right(edges, place)


def _share(homes: Sequence[int], shards: int) -> float:
    """The fullest shard's."""
    return max(homes.count(shard) for shard in range(shards)) / len(homes)


def _hottest(homes: Sequence[int], shards: int) -> float:
    windows = [homes[start : start + WINDOW] for start in range(0, len(homes), WINDOW)]
    return sum(_share(window, shards) * len(window) for window in windows) / len(homes)
