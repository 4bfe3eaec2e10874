"""Settling what battles left to be done: by schedule, in batches, a bounded time per run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.arena.follow_up_ports import FollowUpSnapshot, FollowUpStore
from chalicelib.arena.follow_ups import Settled, settle
from chalicelib.arena.ports import Outcome
from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.locks import Guard

BATCH_EVENTS: Final = 100
"""Events per transaction: few enough that a popular referrer's own battle seldom meets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What one run did; amounts over all its batches."""

    batches: int = 0
    events: int = 0
    earnings: int = 0
    strikes: int = 0
    defeated: int = 0
    set_aside: int = 0
    complete: bool = False
    """Whether nothing was left due at the end."""

    def plus(self, settled: Settled) -> "RunReport":
        return RunReport(
            batches=self.batches + 1,
            events=self.events + settled.events,
            earnings=self.earnings + settled.earnings,
            strikes=self.strikes + settled.strikes,
            defeated=self.defeated + settled.defeated,
            set_aside=self.set_aside + settled.set_aside,
        )


class FollowUpService:
    """Settles due follow-ups. Any number of runs may overlap, but they get into each other's way: hence the lock."""

    def __init__(self, store: FollowUpStore, clock: Clock, *, batch_events: int = BATCH_EVENTS) -> None:
        self._store = store
        self._clock = clock
        self._batch_events = batch_events

    def run(self, go_on: Callable[[], bool] = lambda: True, guard: Guard | None = None) -> RunReport:
        """Settles until nothing is due, or ``go_on`` says no.

        A batch that can't commit in its time (its players are busy) is tried again in halves. Raises ``Unavailable``
        when not even a single event can be settled, ``FencedOut`` when ``guard``'s lock has a newer holder.
        """
        report, size = RunReport(), self._batch_events
        while go_on():
            try:
                settled = self._store.transact(self._work(size, self._clock()), guard)
            except Unavailable:
                if size == 1:
                    raise
                size = max(1, size // 2)
                continue
            report = report.plus(settled)
            if settled.events < size:
                return replace(report, complete=True)
        return report

    def _work(self, size: int, now: datetime) -> Callable[[FollowUpSnapshot], Outcome[Settled]]:
        def work(snapshot: FollowUpSnapshot) -> Outcome[Settled]:
            return settle(snapshot.due(now, size), now=now, new_id=self._store.new_id)

        return work
