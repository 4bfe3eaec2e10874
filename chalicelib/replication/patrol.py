"""Comparing with the other regions a part at a time, by the clock, and saying what differs.

Each run compares the next few ranges and remembers where it stopped; after the last collection it begins again. What
differs may be under way, so it is a suspect; what a later run finds differing still, and unchanged here meanwhile, is
a difference. A run heals nothing: it raises the alarm, and ``./arena replication verify --repair`` heals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.clock import Clock
from chalicelib.errors import ArenaError
from chalicelib.locks import Guard
from chalicelib.replication.asking import EXPIRY_MARGIN, KEYS_MAX, rows_named
from chalicelib.replication.content import Key, Place, Row, rows_of
from chalicelib.replication.ranges import Digest, Range, digest_of_rows, parts
from chalicelib.replication.repair import shown_key
from chalicelib.replication.verify import COMPARED
from chalicelib.replication.verify_ports import RegionBooks

SEGMENT: Final = 1000
"""Documents compared at a time."""
SEGMENTS: Final = 20
"""Of one run: with a run each ten minutes, 2.9 million documents a day."""
SUSPECTS_MAX: Final = 500
NAMED_MAX: Final = 10
"""Differences named in a report."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A document that another region has otherwise, or not at all, or alone."""

    region: str
    collection: str
    key: Key
    digest: str
    """Of what is here, in hex; empty for nothing."""

    def __str__(self) -> str:
        return f"{self.collection} {shown_key(self.key)} ({self.region})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patrol:
    """What is remembered between runs."""

    collection: str = COMPARED[0]
    after: Place | None = None
    rounds: int = 0
    """How often everything was compared."""
    suspects: tuple[Suspect, ...] = ()


@dataclass(slots=True, kw_only=True)
class PatrolReport:
    """One run."""

    documents: int = 0
    """Compared, of this region."""
    suspects: int = 0
    """New ones."""
    differences: int = 0
    """Suspects of earlier runs that differ still, and did not change."""
    named: list[str] = field(default_factory=list)
    """Some of the differences."""
    unreachable: list[str] = field(default_factory=list)
    """Regions that did not answer, with the code; what they hold is compared in the next round."""
    at: str = ""
    """The collection the next run goes on in."""
    rounds: int = 0


class Neighbour(Protocol):
    """Another region. Every method may raise an ``ArenaError``."""

    @property
    def region(self) -> str: ...

    def digests(self, ranges: Sequence[Range]) -> list[Digest]:
        """Of consecutive ranges of one collection."""
        ...

    def rows(self, wanted: Range) -> Mapping[Key, bytes]: ...

    def named(self, collection: str, keys: Sequence[Key]) -> Mapping[Key, bytes]: ...


class PatrolMemory(Protocol):
    """What is remembered between runs."""

    def load(self) -> Patrol: ...

    def save(self, patrol: Patrol, guard: Guard, now: datetime) -> None:
        """Raises ``FencedOut``."""
        ...


class Patrolling:
    """One region's."""

    def __init__(self, books: RegionBooks, neighbours: Sequence[Neighbour], memory: PatrolMemory, clock: Clock) -> None:
        self._books = books
        self._neighbours = neighbours
        self._memory = memory
        self._clock = clock

    def run(
        self, go_on: Callable[[], bool], guard: Guard, *, segments: int = SEGMENTS, segment: int = SEGMENT
    ) -> PatrolReport:
        """Compares until ``go_on`` says no, or ``segments`` ranges. Raises ``Unavailable`` and ``FencedOut``."""
        report, patrol = PatrolReport(), self._memory.load()
        suspects = self._look_again(patrol.suspects, report)
        collection, after, rounds = patrol.collection, patrol.after, patrol.rounds
        for _ in range(segments):
            wanted, rows = self._segment(collection, after, segment)
            found = [one for neighbour in self._neighbours for one in self._compared(neighbour, wanted, rows, report)]
            report.documents += len(rows)
            report.suspects += len(found)
            suspects = [*suspects, *found][:SUSPECTS_MAX]
            after = wanted.upto
            if after is None:
                place = (COMPARED.index(collection) + 1) % len(COMPARED)
                collection, rounds = COMPARED[place], rounds + (place == 0)
            if not go_on() or (after is None and collection == COMPARED[0]):
                break
        report.at, report.rounds = collection, rounds
        report.unreachable = sorted(set(report.unreachable))
        saved = Patrol(collection=collection, after=after, rounds=rounds, suspects=tuple(dict.fromkeys(suspects)))
        self._memory.save(saved, guard, self._clock())
        return report

    def _segment(self, collection: str, after: Place | None, segment: int) -> tuple[Range, list[Row]]:
        documents, last = self._books.page(collection, after, segment)
        # Without a last place the range goes on to whatever the others have beyond what is here.
        return Range(collection, after, last), rows_of(collection, documents, self._horizon())[0]

    def _compared(
        self, neighbour: Neighbour, wanted: Range, rows: Sequence[Row], report: PatrolReport
    ) -> list[Suspect]:
        ranges = parts(wanted, rows)
        found: list[Suspect] = []
        try:
            for part, theirs in zip(ranges, neighbour.digests(ranges), strict=True):
                mine = [row for row in rows if part.covers(row.place)]
                if digest_of_rows(mine) != theirs:
                    held = {row.key: row.digest for row in mine}
                    found += _suspects(neighbour.region, wanted.collection, held, neighbour.rows(part))
        except ArenaError as error:
            report.unreachable.append(f"{neighbour.region}: {error.code}")
        return found

    def _look_again(self, suspects: Sequence[Suspect], report: PatrolReport) -> list[Suspect]:
        """Those that differ still."""
        left: list[Suspect] = []
        for neighbour in self._neighbours:
            for collection in dict.fromkeys(one.collection for one in suspects):
                here = {
                    one.key: one.digest
                    for one in suspects
                    if (one.region, one.collection) == (neighbour.region, collection)
                }
                keys = list(here)[:KEYS_MAX]
                if not keys:
                    continue
                try:
                    theirs = neighbour.named(collection, keys)
                except ArenaError as error:
                    report.unreachable.append(f"{neighbour.region}: {error.code}")
                    left += [Suspect(neighbour.region, collection, key, digest) for key, digest in here.items()]
                    continue
                mine = rows_named(self._books, collection, keys, self._horizon())
                still = _suspects(neighbour.region, collection, mine, theirs)
                settled = [one for one in still if here.get(one.key) == one.digest]
                report.differences += len(settled)
                report.named += [str(one) for one in settled[: NAMED_MAX - len(report.named)]]
                left += still
        return left

    def _horizon(self) -> datetime:
        return self._clock() + EXPIRY_MARGIN


def _suspects(region: str, collection: str, mine: Mapping[Key, bytes], theirs: Mapping[Key, bytes]) -> list[Suspect]:
    return [
        Suspect(region, collection, key, mine.get(key, b"").hex())
        for key in dict.fromkeys([*mine, *theirs])
        if mine.get(key) != theirs.get(key)
    ]


def stored(patrol: Patrol) -> dict[str, Any]:
    """As fields of a document."""
    return {
        "collection": patrol.collection,
        "after": patrol.after,
        "rounds": patrol.rounds,
        "suspects": [
            {"region": one.region, "collection": one.collection, "key": list(one.key), "digest": one.digest}
            for one in patrol.suspects
        ],
    }


def loaded(document: Mapping[str, Any] | None) -> Patrol:
    """What ``stored`` made; the beginning of everything for none, and for another release's."""
    if document is None or document.get("collection") not in COMPARED:
        return Patrol()
    return Patrol(
        collection=document["collection"],
        after=document["after"],
        rounds=document["rounds"],
        suspects=tuple(
            Suspect(one["region"], one["collection"], tuple(one["key"]), one["digest"]) for one in document["suspects"]
        ),
    )
