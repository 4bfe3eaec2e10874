"""Finds where regions differ by comparing digests of ranges, and looking closer only at those that differ. Pure.

Each region reads a collection once, in the order all regions have it, and digests every document. Regions tell each
other one digest per range; where those are not equal the range is split, down to single documents. So what is told
grows with the differences, and only what is read grows with the data.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from typing import Final, Protocol

from chalicelib.replication.content import DIGEST_BYTES, Key, Place, Row, order_of

SEGMENT: Final = 2000
"""Documents of a region in the widest range."""
FANOUT: Final = 16
"""Parts a differing range is split into."""
LEAF: Final = 16
"""Documents in a range that is told document by document."""


@dataclass(frozen=True, slots=True)
class Range:
    """A collection's places after ``after`` up to and with ``upto``; None is no bound."""

    collection: str
    after: Place | None = None
    upto: Place | None = None

    def covers(self, place: Place) -> bool:
        above = self.after is None or order_of(place) > order_of(self.after)
        return above and (self.upto is None or order_of(place) <= order_of(self.upto))


@dataclass(frozen=True, slots=True)
class Digest:
    """How many documents a range has, and a hash over them."""

    documents: int
    value: bytes


def digest_of_rows(rows: Sequence[Row]) -> Digest:
    """``rows`` in order."""
    return Digest(len(rows), blake2b(b"".join(row.digest for row in rows), digest_size=DIGEST_BYTES).digest())


@dataclass(slots=True)
class Cost:
    """What a comparison took, all regions together."""

    documents: int = 0
    """Read and digested, by the regions themselves."""
    digests: int = 0
    """Of ranges, told between regions: ``DIGEST_BYTES`` and a number each."""
    rows: int = 0
    """Of single documents: a key and ``DIGEST_BYTES`` each."""
    whole: int = 0
    """Documents told whole."""
    unnamed: int = 0
    """Facts without an identity, which can't be compared."""

    def __add__(self, other: "Cost") -> "Cost":
        mine, others = self.figures(), other.figures()
        return Cost(**{name: mine[name] + others[name] for name in mine})

    def figures(self) -> dict[str, int]:
        return {
            "documents": self.documents,
            "digests": self.digests,
            "rows": self.rows,
            "whole": self.whole,
            "unnamed": self.unnamed,
        }


class RangeReader(Protocol):
    """What one region tells of itself."""

    @property
    def region(self) -> str: ...

    def bound(self, collection: str, after: Place | None, limit: int) -> Place | None:
        """The place of the ``limit``-th document after ``after``; None when there are no more than that."""
        ...

    def digest(self, wanted: Range) -> Digest: ...

    def splits(self, wanted: Range, parts: int) -> list[Place]:
        """Places that part the range evenly, its end not included."""
        ...

    def rows(self, wanted: Range) -> list[Row]: ...


Page = Callable[[str, Place | None, int], tuple[list[Row], Place | None]]
"""(collection, after, limit) → rows in order, and the last place looked at, None when that was the end."""


@dataclass(slots=True)
class ScannedRegion:
    """``RangeReader`` over pages. Holds the rows from the last asked ``bound`` on; reads nothing twice."""

    region: str
    page: Page
    page_size: int = SEGMENT
    _collection: str = ""
    _rows: list[Row] = field(default_factory=list)
    _read_to: Place | None = None
    _ended: bool = False

    def bound(self, collection: str, after: Place | None, limit: int) -> Place | None:
        if collection != self._collection:
            self._collection, self._rows, self._read_to, self._ended = collection, [], after, False
        self._rows = [row for row in self._rows if Range(collection, after).covers(row.place)]
        while len(self._rows) <= limit and not self._ended:
            self._read()
        return self._rows[limit - 1].place if len(self._rows) > limit else None

    def digest(self, wanted: Range) -> Digest:
        return digest_of_rows(self.rows(wanted))

    def splits(self, wanted: Range, parts: int) -> list[Place]:
        found = self.rows(wanted)
        step = max(1, -(-len(found) // parts))
        return [found[place - 1].place for place in range(step, len(found), step)]

    def rows(self, wanted: Range) -> list[Row]:
        while not self._ended and not self._has_read(wanted.upto):
            self._read()
        return [row for row in self._rows if wanted.covers(row.place)]

    def _has_read(self, upto: Place | None) -> bool:
        if upto is None or self._read_to is None:
            return False
        return order_of(self._read_to) >= order_of(upto)

    def _read(self) -> None:
        rows, last = self.page(self._collection, self._read_to, self.page_size)
        self._rows += rows
        self._ended = last is None
        self._read_to = last if last is not None else self._read_to


@dataclass(frozen=True, slots=True)
class Compared:
    """One range of a collection, as wide as was read at a time."""

    range: Range
    differing: tuple[Key, ...]


def parts(wanted: Range, rows: Sequence[Row], number: int = FANOUT) -> list[Range]:
    """``wanted`` split evenly by what one region has in it."""
    step = max(1, -(-len(rows) // number))
    places = [wanted.after, *(rows[place - 1].place for place in range(step, len(rows), step)), wanted.upto]
    return [Range(wanted.collection, after, upto) for after, upto in pairwise(places)]


def compare(
    readers: Sequence[RangeReader], collection: str, cost: Cost, *, after: Place | None = None, segment: int = SEGMENT
) -> Iterator[Compared]:
    """Compares a collection range by range, from ``after`` to its end, and names what differs."""
    while True:
        bounds = [reader.bound(collection, after, segment) for reader in readers]
        upto = min((bound for bound in bounds if bound is not None), key=order_of, default=None)
        wanted = Range(collection, after, upto)
        yield Compared(wanted, tuple(_differing(readers, wanted, cost)))
        if upto is None:
            return
        after = upto


def _differing(readers: Sequence[RangeReader], wanted: Range, cost: Cost) -> Iterator[Key]:
    digests = [reader.digest(wanted) for reader in readers]
    cost.digests += len(digests)
    if len(set(digests)) == 1:
        return
    most = max(digest.documents for digest in digests)
    if most <= LEAF:
        yield from _differing_rows([reader.rows(wanted) for reader in readers], cost)
        return
    fullest = readers[[digest.documents for digest in digests].index(most)]
    after = wanted.after
    for upto in [*fullest.splits(wanted, FANOUT), wanted.upto]:
        yield from _differing(readers, Range(wanted.collection, after, upto), cost)
        after = upto


def _differing_rows(regions: Iterable[Sequence[Row]], cost: Cost) -> Iterator[Key]:
    by_region = [{row.key: row.digest for row in rows} for rows in regions]
    cost.rows += sum(map(len, by_region))
    for key in dict.fromkeys(key for rows in by_region for key in rows):
        if len({rows.get(key) for rows in by_region}) > 1:
            yield key
