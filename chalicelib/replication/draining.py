"""Giving one region what it lacks of the others' events, over hands on their databases. Pure but for the hands."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document
from chalicelib.replication.applying import REMEMBERED
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.ports import Event

PAGE: Final = 500
BATCH: Final = 20
ROUNDS_MAX: Final = 5
"""Passes over what came too early, at most."""
LOOKED_AT_AGAIN: Final = 10_000
"""Events at the end of the first pass that the second looks at again: an id is made before its event is committed."""


def always() -> bool:
    return True


class RegionHand(Protocol):
    """One region's database, from outside. Methods raise ``Unavailable``."""

    name: str

    def roles(self) -> list[Document]: ...

    def write_role(self, region: str, served_by: str | None, epoch: int, run: str, now: datetime) -> bool:
        """Unless the same or a later epoch is there already; whether ``run``'s is there now.

        Of a fence (``served_by`` None) it returns when nothing can be committed any more that was decided before it.
        A process that died holds that up for as long as its database keeps transactions: then it raises
        ``Unavailable``, and is called again.
        """
        ...

    def told(self, after: Any, limit: int) -> list[Any]:
        """Ids of the region's own events in order, those after ``after`` (None: from the oldest kept)."""
        ...

    def events(self, event_ids: Sequence[Any]) -> list[Document]: ...

    def lacking(self, event_ids: Sequence[Any]) -> set[Any]:
        """Those of other regions' events that were never applied here."""
        ...

    def apply(self, events: Sequence[Event]) -> list[Any]:
        """Applies them; the ids of those that came too early."""
        ...


@dataclass(slots=True, kw_only=True)
class Drained:
    """What came of it."""

    drained: dict[str, int] = field(default_factory=dict)
    """Events applied, by the region they are from."""
    early: int = 0
    """Events that need one that is nowhere to be had."""
    too_old: int = 0
    """Events kept in an outbox for longer than it is known whether they were applied: left out."""
    places: dict[str, Any] = field(default_factory=dict)
    """By region, the event after which another run may begin."""


class Draining:
    """Gives ``target`` what it lacks of the events of ``sources``; each run begins near where the last one ended."""

    def __init__(
        self,
        target: RegionHand,
        sources: Mapping[str, RegionHand],
        report: Drained,
        clock: Callable[[], datetime],
        page: int,
    ) -> None:
        self._target = target
        self._sources = sources
        self._report = report
        self._clock = clock
        self._page = page
        self._seen = dict(report.places)

    def run(self, go_on: Callable[[], bool]) -> bool:
        """Whether there was time for all of it."""
        early: list[Event] = []
        for name, source in self._sources.items():
            starts = deque([self._seen.get(name)], maxlen=max(1, LOOKED_AT_AGAIN // self._page))
            while page := source.told(starts[-1], self._page):
                left = self._applied(self._lacking(source, page), go_on)
                if left is None or not go_on():
                    return False
                early += left
                starts.append(page[-1])
                if not early:
                    # What came too early is looked at again by whoever begins anew.
                    self._report.places[name] = starts[0]
            self._seen[name] = starts[0]
        for _ in range(ROUNDS_MAX):
            if not early:
                break
            left = self._applied(early, go_on)
            if left is None:
                return False
            early = left
        self._report.early = len(early)
        if not early:
            self._report.places.update(self._seen)
        return True

    def _lacking(self, source: RegionHand, page: Sequence[Any]) -> list[Event]:
        lacking = self._target.lacking(page)
        rows = source.events([event_id for event_id in page if event_id in lacking])
        # Events from before replication tell nothing.
        events = [stored_event(row) for row in rows if "changes" in row]
        young = [event for event in events if self._clock() - event.occurred_at <= REMEMBERED]
        self._report.too_old += len(events) - len(young)
        return young

    def _applied(self, events: list[Event], go_on: Callable[[], bool]) -> list[Event] | None:
        """Those that came too early; None when there was no time for all."""
        left = []
        events = sorted(events, key=lambda event: event.version)
        for start in range(0, len(events), BATCH):
            if start and not go_on():
                return None
            batch = events[start : start + BATCH]
            early = set(self._target.apply(batch))
            for event in batch:
                if event.event_id in early:
                    left.append(event)
                else:
                    drained = self._report.drained
                    drained[event.source_region] = drained.get(event.source_region, 0) + 1
        return left
