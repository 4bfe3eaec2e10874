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

BOARDS_REMEMBERED_MAX: Final = 4096


class Send(Protocol):
    """Puts one message on a queue."""

    def __call__(self, body: str, *, delay_seconds: int = 0) -> None: ...


class SqsLiveQueue:
    """``live_ports.FollowersQueue`` over ``send``. What can't be sent is handed to ``failed``, never raised."""

    def __init__(self, send: Send, clock: Clock, failed: Callable[[Exception], None]) -> None:
        self._send = send
        self._clock = clock
        self._failed = failed
        self._announced: dict[str, datetime] = {}
        self._lock = Lock()

    def result(self, telegram_id: str, request_id: str) -> None:
        self._announce(ResultReady(telegram_id, request_id))

    def board(self, board: str) -> None:
        if self._is_news(board):
            self._announce(BoardChanged(board), delay_seconds=int(BOARD_DELAY.total_seconds()))

    def followers(self, board: str, season: str | None, after: str) -> None:
        self._announce(MoreFollowers(Feed(board, season), after))

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

    def _announce(self, announcement: Announcement, *, delay_seconds: int = 0) -> None:
        try:
            self._send(json.dumps(to_message(announcement)), delay_seconds=delay_seconds)
        except Exception as error:  # noqa: BLE001 - best effort: whoever announces has done its work already
            self._failed(error)
