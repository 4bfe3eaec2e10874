"""Connections and what clients say on them."""

from typing import Any

from chalicelib.arena.live import (
    CONNECTIONS_PER_PLAYER,
    FEEDS_PER_CONNECTION,
    IDLE,
    TOP_ROWS,
    Feed,
    new_connection,
    pong,
    read_message,
    refusal,
    subscription,
)
from chalicelib.arena.live_ports import Boards, ConnectionGateway, Connections
from chalicelib.arena.ports import Document
from chalicelib.clock import Clock
from chalicelib.errors import ArenaError, Conflict, NotFound, Unavailable


class LiveService:
    """Keeps connections. ``endpoint`` is where this region's are held; None where there is nothing to hold them."""

    def __init__(
        self,
        connections: Connections,
        boards: Boards,
        gateway: ConnectionGateway,
        clock: Clock,
        *,
        endpoint: str | None,
    ) -> None:
        self._connections = connections
        self._boards = boards
        self._gateway = gateway
        self._clock = clock
        self._endpoint = endpoint

    def connect(self, connection_id: str, telegram_id: str) -> Document:
        """The stored connection of a player who has signed in.

        Beyond ``CONNECTIONS_PER_PLAYER`` the player's oldest are closed. Raises ``Unavailable``.
        """
        if self._endpoint is None:
            raise Unavailable("live_unavailable", "live results are not configured here", retry_after_seconds=60)
        now = self._clock()
        connection = new_connection(connection_id, telegram_id, self._endpoint, now)
        self._connections.add(connection)
        # One more than may be, again and again: each new connection ends those that are too many.
        living = self._connections.of_player(telegram_id, now, 2 * CONNECTIONS_PER_PLAYER)
        for old in living[CONNECTIONS_PER_PLAYER:]:
            self._connections.end(old["_id"], now)
            self._gateway.close(old)
        return connection

    def disconnect(self, connection_id: str) -> None:
        """Forgets a connection that was closed. Raises ``Unavailable``."""
        self._connections.end(connection_id, self._clock())

    def message(self, connection_id: str, text: str) -> dict[str, Any]:
        """The answer to what a client said. Refusals are answers too: the connection stays."""
        try:
            return self._answer(connection_id, text)
        except ArenaError as error:
            return refusal(error)

    def _answer(self, connection_id: str, text: str) -> dict[str, Any]:
        now = self._clock()
        connection = self._connections.seen(connection_id, now, now + IDLE)
        if connection is None:
            raise _expired()
        message = read_message(text)
        if message.action == "ping":
            return pong(now, connection)
        wanted = message.action == "subscribe"
        if message.feed is None:
            self._connections.want_results(connection_id, wanted, now)
            return subscription("subscribed" if wanted else "unsubscribed", None)
        if not wanted:
            self._connections.unsubscribe(connection_id, message.feed.key, now)
            return subscription("unsubscribed", message.feed, season=message.feed.season)
        return self._follow(connection_id, message.feed)

    def _follow(self, connection_id: str, feed: Feed) -> dict[str, Any]:
        self._boards.require(feed.board)
        now = self._clock()
        if not self._connections.subscribe(connection_id, feed.key, now, most=FEEDS_PER_CONNECTION):
            if self._connections.seen(connection_id, now, now + IDLE) is None:
                raise _expired()
            raise Conflict(
                "too_many_subscriptions", f"a connection follows at most {FEEDS_PER_CONNECTION} leaderboards"
            )
        # Read after subscribing: a change in between is pushed, and so never missed.
        top = self._boards.top(feed.board, feed.season, TOP_ROWS)
        return subscription("subscribed", feed, season=top.season, rows=top.rows)


def _expired() -> NotFound:
    return NotFound("connection_expired", "this connection has expired; connect again")
