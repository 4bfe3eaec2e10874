"""What travels on the live queue: names of what changed, never its content, which is read when it is delivered."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from chalicelib.arena.live import Feed

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class ResultReady:
    """A player's battle is decided."""

    telegram_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class BoardChanged:
    """A leaderboard has changed."""

    board: str


@dataclass(frozen=True, slots=True)
class MoreFollowers:
    """The followers of ``feed`` after the connection ``after`` have not been told yet."""

    feed: "Feed"
    after: str


Announcement = ResultReady | BoardChanged | MoreFollowers


class IllegibleAnnouncement(Exception):
    """A message that no version of the arena wrote; trying again changes nothing."""


def to_message(announcement: Announcement, correlation_id: str = "") -> dict[str, Any]:
    """``announcement`` as JSON data, with the id of what it came of, for logs."""
    content = _content(announcement)
    return {**content, "correlationId": correlation_id} if correlation_id else content


def _content(announcement: Announcement) -> dict[str, Any]:
    match announcement:
        case ResultReady(telegram_id, request_id):
            return {"format": FORMAT, "kind": "result", "telegramId": telegram_id, "requestId": request_id}
        case BoardChanged(board):
            return {"format": FORMAT, "kind": "board", "board": board}
        case MoreFollowers(feed, after):
            return {"format": FORMAT, "kind": "board", "board": feed.board, "season": feed.season, "after": after}


def from_message(text: str) -> Announcement:
    """The announcement in a message. Raises ``IllegibleAnnouncement`` saying why it is none."""
    try:
        sent = json.loads(text)
        if sent["format"] != FORMAT:
            raise IllegibleAnnouncement(f"format {sent['format']!r}")
        if sent["kind"] == "result":
            return ResultReady(_text(sent, "telegramId"), _text(sent, "requestId"))
        if sent["kind"] != "board":
            raise IllegibleAnnouncement(f"kind {sent['kind']!r}")
        board = _text(sent, "board")
        if "after" not in sent:
            return BoardChanged(board)
        from chalicelib.arena.live import Feed

        season = None if sent.get("season") is None else _text(sent, "season")
        return MoreFollowers(Feed(board, season), _text(sent, "after"))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise IllegibleAnnouncement(f"{type(error).__name__}: {error}") from error


def correlation_of(text: str) -> object:
    """What a message says its correlation id is; None of one that says nothing."""
    try:
        return json.loads(text).get("correlationId")
    except (ValueError, AttributeError, RecursionError):
        return None


def _text(sent: dict[str, Any], name: str) -> str:
    value = sent[name]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is no text")
    return value
