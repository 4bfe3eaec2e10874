"""Failover by request: planned and carried out within the time one HTTP request has.

What takes long is catching up, and that is done while the old roles hold: a request that is still at it when its time
for that is over fences nothing, remembers how far it came, and is asked again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from chalicelib.arena.ports import Document
from chalicelib.clock import Clock
from chalicelib.errors import ArenaError
from chalicelib.replication.draining import RegionHand
from chalicelib.replication.failover import (
    Pace,
    Report,
    Takeover,
    carry_out,
    plan_failover,
    plan_return,
)

CATCH_UP_SECONDS: Final = 10.0
"""From the request's beginning on; nothing is fenced later than that."""
DRAIN_SECONDS: Final = 22.0
"""Likewise; what is left of the function's 28 s is for saying who serves."""
PAGE: Final = 2000
"""Ids asked for at a time: regions are a hundred milliseconds apart."""
REMEMBERED: Final = timedelta(minutes=15)
"""How long it counts how far an earlier request came."""

Roles = list[Document] | None
"""None of a region that does not answer."""


class Each(Protocol):
    """Calls ``ask`` with each hand; the answers in their order."""

    def __call__(self, ask: Callable[[RegionHand], Roles], hands: Iterable[RegionHand], /) -> Iterable[Roles]: ...


def one_by_one(ask: Callable[[RegionHand], Roles], hands: Iterable[RegionHand], /) -> Iterable[Roles]:
    return map(ask, hands)


def together(ask: Callable[[RegionHand], Roles], hands: Iterable[RegionHand], /) -> Iterable[Roles]:
    """Those that do not answer are waited for once."""
    with ThreadPoolExecutor() as pool:
        # Each in a context of its own: what is asked carries the request's id.
        asked = [pool.submit(copy_context().run, ask, hand) for hand in hands]
        return [one.result() for one in asked]


def _roles(hand: RegionHand) -> Roles:
    try:
        return hand.roles()
    except ArenaError:
        return None


class CatchUps(Protocol):
    """How far a region has caught up. Methods raise ``Unavailable``."""

    def load(self, region: str, since: datetime) -> Mapping[str, Any]:
        """By other region, the event after which to go on; empty where nothing was saved since."""
        ...

    def save(self, region: str, places: Mapping[str, Any], now: datetime) -> None: ...


class FailoverDesk:
    """Of one request, whose time begins here. ``hands`` are those of all regions, this one's and the others'."""

    def __init__(
        self,
        regions: Sequence[str],
        hands: Mapping[str, RegionHand],
        memory: CatchUps,
        clock: Clock,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        each: Each = one_by_one,
    ) -> None:
        self._regions = regions
        self._hands = hands
        self._memory = memory
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._each = each
        self._begun = monotonic()

    def plan(
        self, *, failed: str | None = None, to: str | None = None, returning: str | None = None, force: bool = False
    ) -> Takeover:
        """``failed`` is taken over from, or ``returning`` takes its players back. Raises ``FailoverRefused``."""
        # Who does not answer is not there: planning says what that means.
        answers = zip(self._hands, self._each(_roles, self._hands.values()), strict=True)
        found = {name: roles for name, roles in answers if roles is not None}
        if returning is not None:
            return plan_return(self._regions, found, region=returning, force=force)
        return plan_failover(self._regions, found, failed=str(failed), to=to, force=force)

    def carry_out(self, takeover: Takeover, run: str) -> Report:
        """As far as there is time. Raises what ``failover.carry_out`` raises."""
        report = carry_out(
            takeover,
            {name: self._hands[name] for name in takeover.reachable},
            run=run,
            clock=self._clock,
            sleep=self._sleep,
            tell=lambda _: None,
            pace=Pace(
                page=PAGE,
                may_catch_up=lambda: self._monotonic() - self._begun < CATCH_UP_SECONDS,
                may_drain=lambda: self._monotonic() - self._begun < DRAIN_SECONDS,
            ),
            places=self._memory.load(takeover.serving, self._clock() - REMEMBERED),
        )
        if not report.caught_up:
            self._memory.save(takeover.serving, report.places, self._clock())
        return report
