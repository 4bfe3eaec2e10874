"""Wakes the publisher after a commit."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from chalicelib.arena import outbox
from chalicelib.arena.ports import Insert, Write
from chalicelib.clock import Clock

QUIET: Final = timedelta(milliseconds=800)
"""For so long after a nudge an environment sends no other: the publisher it woke is still there (it stays for a second
after the last event)."""
AWAY: Final = timedelta(seconds=5)
"""After a failure nobody is nudged for so long: a player waits for it, and the sweep comes each minute."""


class OutboxNudge:
    """``ports.CommitWatch``: best effort, over a ``send`` that gives up early. ``failed`` hears of failures.

    ``correlation`` tells whose commit it is; the nudge says so, for logs.
    """

    def __init__(
        self,
        send: Callable[[str], None],
        clock: Clock,
        failed: Callable[[Exception], None],
        correlation: Callable[[], str] = str,
    ) -> None:
        self._correlation = correlation
        self._send = send
        self._clock = clock
        self._failed = failed
        self._not_before: datetime | None = None
        self._lock = Lock()

    def beside(self, writes: Sequence[Write]) -> Sequence[Write]:  # noqa: ARG002 (the protocol's)
        return ()

    def committed(self, writes: Sequence[Write]) -> None:
        if any(isinstance(write, Insert) and write.collection == outbox.COLLECTION for write in writes):
            self.nudge()

    def nudge(self) -> None:
        """Says that there is something to send, unless that was said a moment ago."""
        if not self._is_due():
            return
        try:
            correlation_id = self._correlation()
            self._send(json.dumps({"correlationId": correlation_id} if correlation_id else {}))
        except Exception as error:  # noqa: BLE001 - best effort: what was committed is committed
            self._not_before = self._clock() + AWAY
            self._failed(error)

    def _is_due(self) -> bool:
        now = self._clock()
        with self._lock:
            # A clock that was put back by more than a pause must not silence anybody for longer.
            if self._not_before is not None and timedelta(0) < self._not_before - now <= max(QUIET, AWAY):
                return False
            self._not_before = now + QUIET
            return True
