"""One region takes over another's players, and gives them back, with no moment of two homes.

The order is the point (docs/decisions/0019-replication.md): whoever is to serve gets the events it lacks, as far as
that can be done while the old roles hold; then nobody serves, everywhere, and nothing decided before can be committed
any more (``chalicelib.arena.home_fence``); then the rest of the events; then it serves. A step that is repeated changes
nothing: a run that died is run again. Of two runs at once one finds the other's mark and ends.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from chalicelib.errors import Unavailable
from chalicelib.replication.draining import PAGE, Drained, Draining, RegionHand, always
from chalicelib.replication.regions import Role, roles_of

FENCE_ATTEMPTS: Final = 4
"""Of four seconds each, or more: a database gives up a dead process's transaction after ten, and looks every five."""
PAUSE_SECONDS: Final = 0.5


class FailoverUnfinished(Unavailable):
    """It is fenced, and there was no time to serve: nobody serves those players until it is run again."""


class FailoverRefused(Exception):
    """Nothing was changed; each of ``reasons`` says what to do."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("refused:\n" + "\n".join(f"  - {reason}" for reason in reasons))
        self.reasons = tuple(reasons)


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
            f"fence: nobody serves the players of {self.of} (epoch {self.epoch}, told to {told}), "
            "once what was begun has ended",
            f"drain: {self.serving} gets what came meanwhile",
            f"serve: {self.serving} serves the players of {self.of} (epoch {self.epoch + 1}, told to {told})",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a run goes about it where its time is short. Without one it takes the time it takes."""

    page: int = PAGE
    """Ids asked for at a time."""
    may_catch_up: Callable[[], bool] = always
    """Once it is false nothing is fenced any more."""
    may_drain: Callable[[], bool] = always


UNHURRIED: Final = Pace()


@dataclass(slots=True, kw_only=True)
class Report(Drained):
    """What a takeover came to."""

    takeover: Takeover
    caught_up: bool = True
    """False: there was no time to catch up, so nothing was fenced; run it again."""
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
        reasons.append(f"{target} does not serve itself, or does not answer; choose of: {', '.join(able)}")
    if failed in regions and not force:
        if roles[failed].served_by not in (failed, None, target):
            reasons.append(
                f"{roles[failed].served_by} serves for {failed} already; return it first, or if that region has "
                "failed, too, accept what it did not tell, and force it"
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
        reasons.append(f"{region} does not answer")
    elif not reasons and all(one[region].served_by == region for one in _known(regions, found)):
        # Who died while telling them has told some only; the others would let nobody serve for ever.
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
    pace: Pace = UNHURRIED,
    places: Mapping[str, Any] = MappingProxyType({}),
) -> Report:
    """Does it. ``hands`` are those of the reachable regions; ``run`` is text no other run has; ``places`` are an
    earlier report's.

    Raises ``Unavailable``: then run it again; ``FailoverRefused`` when another run is at it, or when events are there
    that can't be applied, before anything is fenced.
    """
    report = Report(takeover=takeover, places=dict(places))
    steps = iter(takeover.steps)
    tell(next(steps))
    sources = {name: hand for name, hand in hands.items() if name != takeover.serving}
    draining = Draining(hands[takeover.serving], sources, report, clock, pace.page)
    report.caught_up = draining.run(pace.may_catch_up) and pace.may_catch_up()
    if not report.caught_up:
        return report
    if report.early and not takeover.forced:
        raise FailoverRefused(
            [f"{report.early} events need one that is nowhere: ./arena replication verify --repair, or force it"]
        )
    tell(next(steps))
    fenced = clock()
    _fence(takeover, hands, run, clock, sleep, pace)
    tell(next(steps))
    if not draining.run(pace.may_drain):
        raise _unfinished(takeover)
    tell(next(steps))
    _write(takeover, hands, takeover.serving, takeover.epoch + 1, run, clock)
    report.unserved_seconds = (clock() - fenced).total_seconds()
    return report


def _unfinished(takeover: Takeover) -> FailoverUnfinished:
    return FailoverUnfinished("failover_unfinished", f"nobody serves {takeover.of} now: run it again at once")


def _fence(
    takeover: Takeover,
    hands: Mapping[str, RegionHand],
    run: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    pace: Pace,
) -> None:
    left = FENCE_ATTEMPTS
    while True:
        try:
            _write(takeover, hands, None, takeover.epoch, run, clock)
            return
        except Unavailable as error:
            left -= 1
            if not left or not pace.may_drain():
                raise _unfinished(takeover) from error
        sleep(PAUSE_SECONDS)


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
    known = _known(regions, found) or [roles_of(regions, [])]
    return {region: max((roles[region] for roles in known), key=lambda role: role.epoch) for region in regions}


def _known(regions: Sequence[str], found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Role]]:
    """The roles as each database that answered knows them."""
    return [roles_of(regions, documents) for documents in found.values()]


def _unanswering(regions: Sequence[str], found: Mapping[str, object]) -> list[str]:
    """Why every region's database must answer."""
    return [
        f"{region} does not answer: what it acknowledged and did not send would be missing until it "
        "returns and could be spent twice, and it would not hear who serves; bring it up, or accept that, and force it"
        for region in regions
        if region not in found
    ]


def _unknown(regions: Sequence[str], named: Sequence[str]) -> list[str]:
    known = ", ".join(regions)
    return [f"no region {name!r}; there are: {known}" for name in dict.fromkeys(named) if name not in regions]
