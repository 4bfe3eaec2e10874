"""Histograms put together from their series, and what can be said of the values in them. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from chalicelib.monitoring.family import Family
from chalicelib.monitoring.registry import BUCKET, INFINITY, SUM, Series


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts``: how many values fell into each bucket of ``bounds`` alone; one more count is of those above."""

    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    sum_microseconds: int

    @property
    def count(self) -> int:
        return sum(self.counts)

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """By bound as Prometheus writes it, how many values were no greater."""
        names = (*(f"{bound:g}" for bound in self.bounds), INFINITY)
        return zip(names, accumulate(self.counts), strict=True)


def histograms(family: Family, values: Mapping[Series, float]) -> list[Histogram]:
    """One for each set of labels. A bucket of another release counts in the next one above."""
    counts: dict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * (len(family.buckets) + 1))
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for series, value in values.items():
        if series.part == SUM:
            sums[series.labels] += int(value)
        elif series.part.startswith(BUCKET):
            counts[series.labels][_place(family.buckets, series.part.removeprefix(BUCKET))] += int(value)
    return [Histogram(labels, family.buckets, tuple(found), sums[labels]) for labels, found in sorted(counts.items())]


def _place(buckets: Sequence[float], bound: str) -> int:
    if bound == INFINITY:
        return len(buckets)
    return next((place for place, one in enumerate(buckets) if float(bound) <= one), len(buckets))


def representatives(found: Histogram, most: int) -> list[float]:
    """Values, rising, that are spread like those in the histogram: one each if there are no more than ``most``, else
    ``most`` at equal distances in rank. Within a bucket values are taken to lie evenly; the last one's are its bound.
    """
    number = min(found.count, most)
    edges = (0.0, *found.bounds, found.bounds[-1])
    below = (0, *accumulate(found.counts))
    values = []
    for place in range(number):
        rank = (place + 0.5) * found.count / number
        bucket = next(n for n, (_, upto) in enumerate(pairwise(below)) if rank <= upto)
        share = (rank - below[bucket]) / found.counts[bucket]
        values.append(edges[bucket] + share * (edges[bucket + 1] - edges[bucket]))
    return values


def quantile(found: Histogram, share: float) -> float | None:
    """The value that ``share`` (above 0, at most 1) of all are no greater than; None of none.

    Within a bucket values are taken to lie evenly; the last one's are its bound.
    """
    if not found.count:
        return None
    rank = share * found.count
    edges = (0.0, *found.bounds, found.bounds[-1])
    below = (0, *accumulate(found.counts))
    bucket = next(n for n, upto in enumerate(below[1:]) if rank <= upto)
    inside = (rank - below[bucket]) / found.counts[bucket]
    return edges[bucket] + inside * (edges[bucket + 1] - edges[bucket])
