"""One region takes over another's players, and gives them back, with no moment of two homes.

The order is the point (docs/decisions/0019-replication.md): first nobody serves, everywhere that can be told; then a
wait, longer than any environment believes the old roles and any transaction begun under them lives; then whoever is to
serve gets every event it lacks; then it serves. A step that is repeated changes nothing: a run that died is run again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document
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


class FailoverRefused(Exception):
    """Nothing was changed; each of ``reasons`` says what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("refused:\n" + "\n".join(f"  - {reason}" for reason in reasons))
        self.reasons = tuple(reasons)


class RegionHand(Protocol):
    """One region's database, from outside. Methods raise ``Unavailable``."""

    name: str

    def roles(self) -> list[Document]: ...

    def write_role(self, region: str, served_by: str | None, epoch: int, now: datetime) -> None:
        """Unless a later epoch is there already."""
        ...

    def told(self, after: Any, limit: int) -> list[Document]:
        """The region's own events by id, those after ``after`` (None: from the oldest kept)."""
        ...

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
    forced: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """In words, as a dry run shows them."""
        told = ", ".join(self.reachable)
        sources = [region for region in self.reachable if region != self.serving]
        return (
            f"fence: nobody serves the players of {self.of} (epoch {self.epoch}, told to {told})",
            f"wait {SETTLE_SECONDS:.0f} s: until no environment and no transaction knows better",
            f"drain: {self.serving} gets every event of {', '.join(sources) or 'nobody'} that it lacks",
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
    ``FailoverRefused``.
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
    if failed in regions and roles[failed].served_by not in (failed, None, target):
        reasons.append(f"{roles[failed].served_by} serves for {failed} already; return it first")
    if failed in regions and failed not in found and not force:
        reasons.append(
            f"the database of {failed} does not answer: what it acknowledged and did not send would be missing until "
            "it returns, and could be spent twice; bring the database up, or accept that with --force"
        )
    if reasons:
        raise FailoverRefused(reasons)
    return _takeover(regions, found, roles, of=failed, serving=str(target), forced=failed not in found)


def plan_return(regions: Sequence[str], found: Mapping[str, Sequence[Mapping[str, Any]]], *, region: str) -> Takeover:
    """``region`` takes its players back. Raises ``FailoverRefused``."""
    reasons = _unknown(regions, [region])
    roles = _newest(regions, found)
    if not reasons and region not in found:
        reasons.append(f"the database of {region} does not answer")
    if not reasons and roles[region].served_by == region:
        reasons.append(f"{region} serves itself: there is nothing to return")
    helper = None if reasons else roles[region].served_by
    if helper is not None and helper not in found:
        reasons.append(f"the database of {helper}, which serves for {region}, does not answer")
    if reasons:
        raise FailoverRefused(reasons)
    return _takeover(regions, found, roles, of=region, serving=region, forced=False)


def carry_out(
    takeover: Takeover,
    hands: Mapping[str, RegionHand],
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    tell: Callable[[str], None],
) -> Report:
    """Does it. ``hands`` are those of the reachable regions. Raises ``Unavailable``: then run it again."""
    report = Report(takeover=takeover)
    steps = iter(takeover.steps)
    if takeover.serving == takeover.of:
        # Most of it while somebody still serves, so that nobody waits for it.
        tell("catch up: before anything is fenced")
        drain(takeover, hands, report)
    tell(next(steps))
    fenced = clock()
    for hand in hands.values():
        hand.write_role(takeover.of, None, takeover.epoch, clock())
    tell(next(steps))
    sleep(SETTLE_SECONDS)
    tell(next(steps))
    drain(takeover, hands, report)
    tell(next(steps))
    # Who takes over hears of it first: nobody is sent to a region that does not know yet.
    for name in sorted(hands, key=lambda name: name != takeover.serving):
        hands[name].write_role(takeover.of, takeover.serving, takeover.epoch + 1, clock())
    report.unserved_seconds = (clock() - fenced).total_seconds()
    return report


def drain(takeover: Takeover, hands: Mapping[str, RegionHand], report: Report) -> None:
    """Gives ``takeover.serving`` what it lacks of the others' events."""
    target = hands[takeover.serving]
    early: list[Event] = []
    for name, source in hands.items():
        if name == takeover.serving:
            continue
        for page in _pages(source):
            lacking = target.lacking([row["_id"] for row in page])
            # Events from before replication tell nothing.
            events = [_event(row) for row in page if row["_id"] in lacking and "changes" in row]
            early += _applied(target, events, name, report)
    for _ in range(ROUNDS_MAX):
        if not early:
            break
        early = _applied(target, early, None, report)
    report.early = len(early)


def _applied(target: RegionHand, events: list[Event], name: str | None, report: Report) -> list[Event]:
    left = []
    events = sorted(events, key=lambda event: event.version)
    for start in range(0, len(events), BATCH):
        batch = events[start : start + BATCH]
        early = set(target.apply(batch))
        for event in batch:
            if event.event_id in early:
                left.append(event)
            else:
                source = name or event.source_region
                report.drained[source] = report.drained.get(source, 0) + 1
    return left


def _pages(source: RegionHand) -> Iterator[list[Document]]:
    after = None
    while page := source.told(after, PAGE):
        yield page
        after = page[-1]["_id"]


def _event(row: Mapping[str, Any]) -> Event:
    return Event(
        event_id=row["_id"],
        source_region=row["region"],
        version=row["version"],
        occurred_at=row["occurredAt"],
        changes=row["changes"],
    )


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


def _unknown(regions: Sequence[str], named: Sequence[str]) -> list[str]:
    known = ", ".join(regions)
    return [f"no region {name!r}; there are: {known}" for name in dict.fromkeys(named) if name not in regions]
