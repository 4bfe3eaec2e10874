"""The live queue on SQS."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Protocol

from chalicelib.arena.live import Feed
from chalicelib.arena.live_announcements import (
    Announcement,
    BoardChanged,
    MoreFollowers,
    ResultReady,
    to_message,
)
from chalicelib.clock import Clock

BOARD_DELAY: Final = timedelta(seconds=2)
"""A board's announcement rests in the queue for so long, and speaks for every change made meanwhile."""

AWAY: Final = timedelta(seconds=5)
"""After a failure boards are not announced for so long: whoever has just fought waits for the announcement of each.
The minute's upkeep announces them again. Results and pages, which nobody would announce again, are always tried."""

BOARDS_REMEMBERED_MAX: Final = 4096


class Send(Protocol):
    """Puts one message on a queue."""

    def __call__(self, body: str, *, delay_seconds: int = 0) -> None: ...


class SqsLiveQueue:
    """``live_ports.FollowersQueue`` over ``send``, and over ``hurried``, which gives up early, for boards.

    What can't be sent is handed to ``failed``, never raised. ``correlation`` tells the id of what is announced.
    """

    def __init__(
        self,
        send: Send,
        hurried: Send,
        clock: Clock,
        failed: Callable[[Exception], None],
        correlation: Callable[[], str] = str,
    ) -> None:
        self._send = send
        self._hurried = hurried
        self._clock = clock
        self._failed = failed
        self._correlation = correlation
        self._announced: dict[str, datetime] = {}
        self._failed_at: datetime | None = None
        self._lock = Lock()

    def result(self, telegram_id: str, request_id: str) -> None:
        self._announce(self._send, ResultReady(telegram_id, request_id))

    def board(self, board: str) -> None:
        if not self._is_away() and self._is_news(board):
            self._announce(self._hurried, BoardChanged(board), delay_seconds=int(BOARD_DELAY.total_seconds()))

    def followers(self, board: str, season: str | None, after: str) -> None:
        self._announce(self._send, MoreFollowers(Feed(board, season), after))

    def _is_away(self) -> bool:
        failed_at = self._failed_at
        return failed_at is not None and timedelta(0) <= self._clock() - failed_at < AWAY

    def _is_news(self, board: str) -> bool:
        """Whether no announcement of this board, made by this process, is still resting."""
        now = self._clock()
        with self._lock:
            announced = self._announced.get(board)
            if announced is not None and timedelta(0) <= now - announced < BOARD_DELAY:
                return False
            if len(self._announced) >= BOARDS_REMEMBERED_MAX:
                self._announced.clear()
            self._announced[board] = now
            return True

    def _announce(self, send: Send, announcement: Announcement, *, delay_seconds: int = 0) -> None:
        try:
            send(json.dumps(to_message(announcement, self._correlation())), delay_seconds=delay_seconds)
        except Exception as error:  # noqa: BLE001 - best effort: whoever announces has done its work already
            self._failed_at = self._clock()
            self._failed(error)
