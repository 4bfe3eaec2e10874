"""Delivering what was announced: results to their player, standings to those who follow them.

Deliveries are at least once: a client may hear of a result twice and knows it by its requestId. Who can't be
reached never holds up the others.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.leaderboard_service import CURRENT
from chalicelib.arena.live import CONNECTIONS_PER_PLAYER, HANDSHAKE, TOP_ROWS, Feed, result_message, standing_message
from chalicelib.arena.live_ports import Boards, ConnectionGateway, Connections, Delivery, FollowersQueue, Outcomes
from chalicelib.arena.ports import Document
from chalicelib.clock import Clock

PAGE: Final = 500
"""Connections told in one go; the next page is announced anew, so one invocation's work is bounded."""

Encode = Callable[[Any], str]
"""JSON text of a message."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of one announcement, by connection."""

    delivered: int = 0
    gone: int = 0
    failed: int = 0


class LivePush:
    """Pushes announcements to connections."""

    def __init__(
        self,
        connections: Connections,
        outcomes: Outcomes,
        boards: Boards,
        gateway: ConnectionGateway,
        queue: FollowersQueue,
        clock: Clock,
    ) -> None:
        self._connections = connections
        self._outcomes = outcomes
        self._boards = boards
        self._gateway = gateway
        self._queue = queue
        self._clock = clock

    def result(self, telegram_id: str, request_id: str, encode: Encode) -> Pushed:
        """Sends the player's decided battle to the player's connections, and to nobody else's.

        Raises ``Unavailable``.
        """
        now = self._clock()
        living = self._connections.of_player(telegram_id, now, 2 * CONNECTIONS_PER_PLAYER)
        wanting = [connection for connection in living if connection["results"]]
        outcome = self._outcomes.of(telegram_id, request_id) if wanting else None
        if outcome is None:
            return Pushed()
        return self._post(wanting, encode(result_message(request_id, outcome)))

    def board(self, board: str, encode: Encode) -> Pushed:
        """Sends the top of ``board``, of all time and of this season, to those who follow it, where it changed.

        Raises ``Unavailable``.
        """
        return _sum(self._changed(feed, encode) for feed in (Feed(board), Feed(board, CURRENT)))

    def page(self, feed: Feed, after: str, encode: Encode) -> Pushed:
        """Sends the top of a leaderboard to those followers whose connection ids come after ``after``.

        Raises ``Unavailable``.
        """
        followers = self._followers(feed, after)
        if not followers:
            return Pushed()
        return self._tell(feed, followers, encode(self._standing(feed)))

    def _changed(self, feed: Feed, encode: Encode) -> Pushed:
        followers = self._followers(feed, "")
        if not followers:
            return Pushed()
        text = encode(self._standing(feed))
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._connections.pushed(feed.key) == digest:
            return Pushed()
        pushed = self._tell(feed, followers, text)
        self._connections.remember_pushed(feed.key, digest, self._clock())
        # Of two that push side by side the one with the older reading may come last. Whoever comes last looks
        # once more, so what followers see is in the end what is.
        if encode(self._standing(feed)) != text:
            self._queue.board(feed.board)
        return pushed

    def _followers(self, feed: Feed, after: str) -> list[Document]:
        return self._connections.subscribers(feed.key, self._clock(), after=after, limit=PAGE)

    def _standing(self, feed: Feed) -> dict[str, Any]:
        top = self._boards.top(feed.board, feed.season, TOP_ROWS)
        return standing_message(feed.board, top.season, top.rows)

    def _tell(self, feed: Feed, followers: list[Document], text: str) -> Pushed:
        if len(followers) == PAGE:
            self._queue.followers(feed.board, feed.season, followers[-1]["_id"])
        return self._post(followers, text)

    def _post(self, connections: list[Document], text: str) -> Pushed:
        now = self._clock()
        outcomes = self._gateway.post(connections, text)
        for connection in connections:
            name = connection["_id"]
            if outcomes[name] is not Delivery.GONE:
                continue
            if now - connection["connectedAt"] < HANDSHAKE:
                outcomes[name] = Delivery.FAILED
            else:
                self._connections.end(name, now)
        return _counted(outcomes)


def _counted(outcomes: Mapping[str, Delivery]) -> Pushed:
    found = list(outcomes.values())
    return Pushed(found.count(Delivery.DELIVERED), found.count(Delivery.GONE), found.count(Delivery.FAILED))


def _sum(pushes: Any) -> Pushed:
    total = Pushed()
    for pushed in pushes:
        total = Pushed(total.delivered + pushed.delivered, total.gone + pushed.gone, total.failed + pushed.failed)
    return total
