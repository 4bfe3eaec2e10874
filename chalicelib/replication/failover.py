"""One region takes over another's players, and gives them back, with no moment of two homes.

The order is the point (docs/decisions/0019-replication.md): whoever is to serve gets the events it lacks, as far as
that can be done while the old roles hold; then nobody serves, everywhere; then a wait, longer than any environment
believes the old roles and any transaction begun under them lives; then the rest of the events; then it serves. A step
that is repeated changes nothing: a run that died is run again. Of two runs at once one finds the other's mark and ends.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document
from chalicelib.replication.applying import REMEMBERED
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.ports import Event
from chalicelib.replication.regions import ROLES_SECONDS, Role, roles_of

TRANSACTION_SECONDS: Final = 4.0
"""An API request's time for its transaction."""
SETTLE_SECONDS: Final = ROLES_SECONDS + TRANSACTION_SECONDS + 1.0
"""From the fence on, until nothing decided before it can still commit; a second more for clocks."""
PAGE: Final = 500
BATCH: Final = 20
ROUNDS_MAX: Final = 5
"""Passes over what came too early, at most."""
LOOKED_AT_AGAIN: Final = 20
"""Pages at the end of the first pass that the second looks at again: an id is made before its event is committed."""


class FailoverRefused(Exception):
    """Nothing was changed; each of ``reasons`` says what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("refused:\n" + "\n".join(f"  - {reason}" for reason in reasons))
        self.reasons = tuple(reasons)


class RegionHand(Protocol):
    """One region's database, from outside. Methods raise ``Unavailable``."""

    name: str

    def roles(self) -> list[Document]: ...

    def write_role(self, region: str, served_by: str | None, epoch: int, run: str, now: datetime) -> bool:
        """Unless the same or a later epoch is there already; whether ``run``'s is there now."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """What is to be done: ``serving`` is to serve for ``of``."""

    of: str
    serving: str
    epoch: int
    """Of the fence; serving has the one after it."""
    reachable: tuple[str, ...]
    unreachable: tuple[str, ...]
    forced: bool
    """What is missing, and who is not told, is accepted."""

    @property
    def steps(self) -> tuple[str, ...]:
        """In words, as a dry run shows them."""
        told = ", ".join(self.reachable)
        sources = [region for region in self.reachable if region != self.serving]
        return (
            f"catch up: {self.serving} gets every event of {', '.join(sources) or 'nobody'} that it lacks",
            f"fence: nobody serves the players of {self.of} (epoch {self.epoch}, told to {told})",
            f"wait {SETTLE_SECONDS:.0f} s: until no environment and no transaction knows better",
            f"drain: {self.serving} gets what came meanwhile",
            f"serve: {self.serving} serves the players of {self.of} (epoch {self.epoch + 1}, told to {told})",
        )


@dataclass(slots=True, kw_only=True)
class Report:
    """What a takeover came to."""

    takeover: Takeover
    drained: dict[str, int] = field(default_factory=dict)
    """Events applied, by the region they are from."""
    early: int = 0
    """Events that need one that is nowhere to be had."""
    too_old: int = 0
    """Events kept in an outbox for longer than it is known whether they were applied: left out."""
    unserved_seconds: float = 0.0
    """From the fence until somebody served."""


def plan_failover(
    regions: Sequence[str],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    failed: str,
    to: str | None = None,
    force: bool = False,
) -> Takeover:
    """``to`` (default: the first by priority that serves itself) for ``failed``.

    ``regions`` in order of priority; ``found`` holds the ``regions`` documents of each database that answered. Raises
    ``FailoverRefused``; with ``force`` only for what makes no sense.
    """
    reasons = _unknown(regions, [failed, *([to] if to else [])])
    roles = _newest(regions, found)
    able = [region for region in regions if region != failed and region in found and roles[region].served_by == region]
    target = to or next(iter(able), None)
    if target is None:
        reasons.append("no other region answers and serves itself")
    elif target == failed:
        reasons.append(f"{target} can't take over from itself")
    elif target in regions and target not in able:
        reasons.append(f"{target} does not serve itself, or its database does not answer; choose of: {', '.join(able)}")
    if failed in regions and not force:
        if roles[failed].served_by not in (failed, None, target):
            reasons.append(
                f"{roles[failed].served_by} serves for {failed} already; return it first, or if that region has "
                "failed, too, accept what it did not tell with --force"
            )
        reasons += _unanswering(regions, found)
    if reasons:
        raise FailoverRefused(reasons)
    return _takeover(regions, found, roles, of=failed, serving=str(target), forced=force)


def plan_return(
    regions: Sequence[str],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    region: str,
    force: bool = False,
) -> Takeover:
    """``region`` takes its players back. Raises ``FailoverRefused``."""
    reasons = _unknown(regions, [region])
    roles = _newest(regions, found)
    if not reasons and region not in found:
        reasons.append(f"the database of {region} does not answer")
    elif not reasons and roles[region].served_by == region:
        reasons.append(f"{region} serves itself: there is nothing to return")
    elif not force:
        reasons += _unanswering(regions, found)
    if reasons:
        raise FailoverRefused(reasons)
    return _takeover(regions, found, roles, of=region, serving=region, forced=force)


def carry_out(
    takeover: Takeover,
    hands: Mapping[str, RegionHand],
    *,
    run: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    tell: Callable[[str], None],
) -> Report:
    """Does it. ``hands`` are those of the reachable regions; ``run`` is text no other run has.

    Raises ``Unavailable``: then run it again; ``FailoverRefused`` when another run is at it, or when events are there
    that can't be applied, before anything is fenced.
    """
    report = Report(takeover=takeover)
    seen: dict[str, Any] = {}
    steps = iter(takeover.steps)
    tell(next(steps))
    _drain(takeover, hands, report, seen, clock)
    if report.early and not takeover.forced:
        raise FailoverRefused(
            [f"{report.early} events need one that is nowhere: ./arena replication verify --repair, or --force"]
        )
    tell(next(steps))
    fenced = clock()
    _write(takeover, hands, None, takeover.epoch, run, clock)
    tell(next(steps))
    sleep(SETTLE_SECONDS)
    tell(next(steps))
    _drain(takeover, hands, report, seen, clock)
    tell(next(steps))
    _write(takeover, hands, takeover.serving, takeover.epoch + 1, run, clock)
    report.unserved_seconds = (clock() - fenced).total_seconds()
    return report


def _write(
    takeover: Takeover,
    hands: Mapping[str, RegionHand],
    served_by: str | None,
    epoch: int,
    run: str,
    clock: Callable[[], datetime],
) -> None:
    # Who takes over hears of it first: nobody is sent to a region that does not know yet.
    for name in sorted(hands, key=lambda name: name != takeover.serving):
        if not hands[name].write_role(takeover.of, served_by, epoch, run, clock()):
            raise FailoverRefused([f"another run is changing who serves {takeover.of}: wait for it, then look again"])


def _drain(
    takeover: Takeover,
    hands: Mapping[str, RegionHand],
    report: Report,
    seen: dict[str, Any],
    clock: Callable[[], datetime],
) -> None:
    """Gives ``takeover.serving`` what it lacks of the others' events; ``seen`` is where the next pass begins."""
    target = hands[takeover.serving]
    early: list[Event] = []
    for name, source in hands.items():
        if name == takeover.serving:
            continue
        starts: deque[Any] = deque([seen.get(name)], maxlen=LOOKED_AT_AGAIN)
        while page := source.told(starts[-1], PAGE):
            early += _applied(target, _lacking(source, target, page, report, clock()), report)
            starts.append(page[-1])
        seen[name] = starts[0]
    for _ in range(ROUNDS_MAX):
        if not early:
            break
        early = _applied(target, early, report)
    report.early = len(early)


def _lacking(source: RegionHand, target: RegionHand, page: Sequence[Any], report: Report, now: datetime) -> list[Event]:
    lacking = target.lacking(page)
    rows = source.events([event_id for event_id in page if event_id in lacking])
    # Events from before replication tell nothing.
    events = [stored_event(row) for row in rows if "changes" in row]
    young = [event for event in events if now - event.occurred_at <= REMEMBERED]
    report.too_old += len(events) - len(young)
    return young


def _applied(target: RegionHand, events: list[Event], report: Report) -> list[Event]:
    left = []
    events = sorted(events, key=lambda event: event.version)
    for start in range(0, len(events), BATCH):
        batch = events[start : start + BATCH]
        early = set(target.apply(batch))
        for event in batch:
            if event.event_id in early:
                left.append(event)
            else:
                report.drained[event.source_region] = report.drained.get(event.source_region, 0) + 1
    return left


def _takeover(
    regions: Sequence[str],
    found: Mapping[str, Sequence[Mapping[str, Any]]],
    roles: Mapping[str, Role],
    *,
    of: str,
    serving: str,
    forced: bool,
) -> Takeover:
    return Takeover(
        of=of,
        serving=serving,
        epoch=roles[of].epoch + 1,
        reachable=tuple(region for region in regions if region in found),
        unreachable=tuple(region for region in regions if region not in found),
        forced=forced,
    )


def _newest(regions: Sequence[str], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Role]:
    """Of every region the role with the highest epoch any database knows."""
    known = [roles_of(regions, documents) for documents in found.values()] or [roles_of(regions, [])]
    return {region: max((roles[region] for roles in known), key=lambda role: role.epoch) for region in regions}


def _unanswering(regions: Sequence[str], found: Mapping[str, object]) -> list[str]:
    """Why every database must answer."""
    return [
        f"the database of {region} does not answer: what it acknowledged and did not send would be missing until it "
        "returns and could be spent twice, and it would not hear who serves; bring it up, or accept that with --force"
        for region in regions
        if region not in found
    ]


def _unknown(regions: Sequence[str], named: Sequence[str]) -> list[str]:
    known = ", ".join(regions)
    return [f"no region {name!r}; there are: {known}" for name in dict.fromkeys(named) if name not in regions]
