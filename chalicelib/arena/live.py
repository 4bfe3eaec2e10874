"""The live protocol: what clients may say on a WebSocket, what they hear, and how long a connection lives.

Pure: messages in, values out. ``live_service`` acts on them, ``live_push`` delivers results and standings.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from chalicelib.arena.jstext import js_trim, utf16_length, well_formed
from chalicelib.arena.leaderboard_service import CURRENT
from chalicelib.arena.standings import ALL, league_board, realm_board
from chalicelib.errors import ArenaError, BadRequest, PayloadTooLarge, ValidationFailed

IDLE: Final = timedelta(minutes=10)
"""A connection that says nothing for so long has expired; API Gateway closes idle ones after the same time."""

HANDSHAKE: Final = timedelta(seconds=30)
"""A connection so young may still be shaking hands: until the connecting function has returned (API Gateway waits 29
seconds), whoever posts to it is told that it is gone."""

CONNECTIONS_PER_PLAYER: Final = 5
FEEDS_PER_CONNECTION: Final = 10
MESSAGE_CHARACTERS_MAX: Final = 4096
BOARD_NAME_MAX: Final = 50
TOP_ROWS: Final = 10

Action = Literal["subscribe", "unsubscribe", "ping"]
_ALL_TIME: Final = "all"
_CHANNELS: Final = ("results", "leaderboard")


@dataclass(frozen=True, slots=True)
class Feed:
    """One leaderboard to follow: ``all``, ``league:<league>`` or ``realm:<key>``."""

    board: str = ALL
    season: str | None = None
    """``current``, or None for all time."""

    @property
    def key(self) -> str:
        """As connections store it."""
        return f"{self.season or _ALL_TIME}/{self.board}"


@dataclass(frozen=True, slots=True)
class Message:
    """What a client asked for. ``feed`` is None for the results channel and for pings."""

    action: Action
    feed: Feed | None = None


def read_message(text: str) -> Message:
    """The client's message. Raises ``BadRequest``, ``ValidationFailed`` or ``PayloadTooLarge``."""
    if len(text) > MESSAGE_CHARACTERS_MAX:
        raise PayloadTooLarge("payload_too_large", f"a message has at most {MESSAGE_CHARACTERS_MAX} characters")
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest("invalid_json", "the message is not valid JSON") from error
    if not isinstance(sent, dict):
        raise BadRequest("invalid_json", "the message must be a JSON object")
    match sent.get("action"):
        case "ping":
            return Message("ping")
        case "subscribe" | "unsubscribe" as action:
            return Message(action, _feed(sent))
    raise BadRequest("unknown_action", "action must be subscribe, unsubscribe or ping")


def _feed(sent: Mapping[str, Any]) -> Feed | None:
    channel = sent.get("channel")
    if channel not in _CHANNELS:
        raise ValidationFailed({"channel": "required" if channel is None else "enum"})
    if channel == "results":
        return None
    season = sent.get("season")
    if season not in (None, CURRENT):
        raise ValidationFailed({"season": "enum"})
    league, realm = _name(sent, "league"), _name(sent, "realm")
    if league is not None and realm is not None:
        raise ValidationFailed({"realm": "exclusive"})
    if league is not None:
        return Feed(league_board(league), season)
    return Feed(ALL if realm is None else realm_board(realm), season)


def _name(sent: Mapping[str, Any], field: str) -> str | None:
    value = sent.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValidationFailed({field: "string"})
    name = js_trim(well_formed(value))
    if utf16_length(name) > BOARD_NAME_MAX:
        raise ValidationFailed({field: f"maxLength:{BOARD_NAME_MAX}"})
    return name or None


def new_connection(connection_id: str, telegram_id: str, endpoint: str, now: datetime) -> dict[str, Any]:
    """A connection as stored. It gets its player's results from the start: that is what players connect for."""
    return {
        "_id": connection_id,
        "telegramId": telegram_id,
        "results": True,
        "boards": [],
        "endpoint": endpoint,
        "connectedAt": now,
        "lastSeenAt": now,
        "expiresAt": now + IDLE,
    }


def pong(now: datetime, connection: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a ping: the time, and until when the connection lives if nothing more is said."""
    return {"type": "pong", "now": now, "expiresAt": connection["expiresAt"]}


def subscription(kind: Literal["subscribed", "unsubscribed"], feed: Feed | None, **more: Any) -> dict[str, Any]:
    """The answer to a change of subscriptions."""
    if feed is None:
        return {"type": kind, "channel": "results"}
    return {"type": kind, "channel": "leaderboard", "board": feed.board, **more}


def refusal(error: ArenaError) -> dict[str, Any]:
    """A refusal as a message; the connection stays."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details is not None:
        body["details"] = error.details
    return {"type": "error", "error": body}


def result_message(request_id: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """A decided battle: ``outcome`` has ``status`` and, by it, ``battle`` or ``error``."""
    return {"type": "battle.result", "requestId": request_id, **outcome}


def standing_message(board: str, season: str | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The top of a leaderboard; ``season`` is the season's id, or None for all time."""
    return {"type": "leaderboard", "board": board, "season": season, "rows": rows}
