"""Queued battles as data: the job a player may ask about, and the message a worker fights by. Pure.

A job is ``queued`` until it is ``done`` (fought), ``refused`` (by the game's rules, final as a direct battle's
refusal is) or ``failed`` (given up, our fault). A refused or failed job begins a new round when its player queues
it again; messages name their round, so one that comes late fights nothing its player was told is over.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chalicelib.arena.battle import BattleResult
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_queue_ports import BattleAndJob, JobKey
from chalicelib.arena.jstext import utf16_length
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError

QUEUED: Final = "queued"
DONE: Final = "done"
REFUSED: Final = "refused"
FAILED: Final = "failed"

OTHER: Final = "other"
"""Arena and league of a job whose mode doesn't exist: labels of metrics must not be a client's free text."""

FORMAT: Final = 1
LIFETIME: Final = timedelta(days=7)
"""How long a job can be asked about; the battle itself stays."""

FIRST_LOOK: Final = timedelta(minutes=1)
"""A job queued for so long without progress may have lost its message."""

IN_HANDS: Final = timedelta(minutes=2)
"""A job that a worker took is left alone for so long; longer than its message stays hidden."""

LOOK_MAX: Final = timedelta(minutes=15)

REASON_CHARACTERS_MAX: Final = 300

_BROKER_ID: Final = re.compile(r"^[0-9a-fA-F]{24}$")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")
_TEXT_LIMITS: Final = {"arena": 50, "league": 50, "modeKey": 100}
_KEYS: Final = frozenset(
    {"format", "telegramId", "requestId", "round", "brokerId", "correlationId", "acceptedAt", *_TEXT_LIMITS}
)


class IllegibleMessage(Exception):
    """A message that no version of the arena wrote; trying again changes nothing."""


@dataclass(frozen=True, slots=True)
class QueuedBattle:
    """What a message says."""

    command: BattleCommand
    round: int
    correlation_id: str
    """The X-Request-Id of the request that was accepted; it ties the worker's log to the API's."""
    accepted_at: datetime

    @property
    def key(self) -> JobKey:
        return JobKey(self.command.telegram_id, self.command.request_id, self.round)


def labels(mode: Mapping[str, Any] | None) -> tuple[str, str]:
    """Arena and league a job counts under."""
    arena, league = (mode or {}).get("arena"), (mode or {}).get("league")
    if isinstance(arena, str) and isinstance(league, str) and arena and league:
        return arena, league
    return OTHER, OTHER


def new_job(command: BattleCommand, mode: Mapping[str, Any] | None, correlation_id: str, now: datetime) -> Document:
    """A job in its first round."""
    return {
        "requestId": command.request_id,
        "ownerTelegramId": command.telegram_id,
        "round": 1,
        "createdAt": now,
        **new_round(command, mode, correlation_id, now),
    }


def new_round(command: BattleCommand, mode: Mapping[str, Any] | None, correlation_id: str, now: datetime) -> Document:
    """What a new round replaces."""
    arena, league = labels(mode)
    return {
        "status": QUEUED,
        "arena": arena,
        "league": league,
        "command": {
            "brokerId": command.broker_id,
            "arena": command.arena,
            "league": command.league,
            "modeKey": command.mode_key,
        },
        "correlationId": correlation_id,
        "acceptedAt": now,
        "attempts": 0,
        "resent": 0,
        "updatedAt": now,
        "dueAt": now + FIRST_LOOK,
        "expiresAt": now + LIFETIME,
    }


def key_of(job: Mapping[str, Any]) -> JobKey:
    return JobKey(job["ownerTelegramId"], job["requestId"], job["round"])


def next_look(job: Mapping[str, Any], now: datetime) -> datetime:
    """When a job that is sent again is looked at the next time: the waits double, because a long queue is no loss."""
    doublings = min(int(job["resent"]) + 1, 10)
    return now + min(FIRST_LOOK * (1 << doublings), LOOK_MAX)


def done(result: BattleResult, now: datetime) -> Document:
    """How a fought job ends. What only the answer that fought it tells is kept with the job."""
    fields: Document = {"status": DONE, "updatedAt": now}
    if not result.replayed:
        fields["granted"] = {"starsGranted": result.stars_granted, "firstWinDiamond": result.first_win_diamond}
    return fields


def refused(error: ArenaError, now: datetime) -> Document:
    """How a job ends that the game's rules refuse."""
    told: Document = {"status": error.status, "code": error.code, "message": error.message}
    if error.details is not None:
        told["details"] = error.details
    return {"status": REFUSED, "updatedAt": now, "error": told}


def failed(reason: str, now: datetime) -> Document:
    """How a job ends that is given up; ``reason`` is for operators, players get a plain word."""
    told = {"status": 500, "code": "battle_failed", "message": "the battle could not be fought; queue it again"}
    return {"status": FAILED, "updatedAt": now, "error": told, "reason": reason}


def report(request_id: str, found: BattleAndJob, telegram_id: str) -> Document | None:
    """What a player is told of a requestId: ``requestId``, ``status``, then ``battle`` or ``error``.

    A battle that was fought, queued or not, is done, unless a worker has its job in hands. None when there is nothing
    to tell.
    """
    battle, job = found.battle, found.job
    if battle is not None and battle.get("ownerTelegramId") == telegram_id and not in_hands(job):
        granted = (job or {}).get("granted") or {}
        return {"requestId": request_id, "status": DONE, "battle": {**battle, **granted}}
    if job is None:
        return None
    if job["status"] in (REFUSED, FAILED):
        return {"requestId": request_id, "status": job["status"], "error": job["error"]}
    return {"requestId": request_id, "status": QUEUED}


def in_hands(job: Mapping[str, Any] | None) -> bool:
    """Whether a worker took the job and has not ended it: it may know of the battle what nobody can read yet."""
    return job is not None and job["status"] == QUEUED and job["attempts"] > 0


def correlation_of(text: str) -> str:
    """The correlation id of a message, for logs; empty when it is illegible."""
    try:
        return from_message(text).correlation_id
    except IllegibleMessage:
        return ""


def to_message(job: Mapping[str, Any]) -> str:
    """The message by which ``job`` is fought. ASCII: SQS refuses some of Unicode's control characters."""
    return json.dumps(
        {
            "format": FORMAT,
            "telegramId": job["ownerTelegramId"],
            "requestId": job["requestId"],
            "round": job["round"],
            **job["command"],
            "correlationId": job["correlationId"],
            "acceptedAt": round(job["acceptedAt"].timestamp() * 1000),
        },
        separators=(",", ":"),
    )


def from_message(text: str) -> QueuedBattle:
    """What a message says. Raises ``IllegibleMessage`` saying why it says nothing."""
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IllegibleMessage("not JSON") from error
    if not isinstance(sent, dict):
        raise IllegibleMessage("not a JSON object")
    if sent.get("format") != FORMAT:
        raise IllegibleMessage(f"unknown format {sent.get('format')!r}")
    if set(sent) != _KEYS:
        raise IllegibleMessage(f"wrong fields: {', '.join(sorted(set(sent) ^ _KEYS))}")
    request_id = _text(sent, "requestId", 128)
    broker_id = _text(sent, "brokerId", 24)
    if not _BROKER_ID.fullmatch(broker_id):
        raise IllegibleMessage("brokerId is no id")
    optional = {name: None if sent[name] is None else _text(sent, name, most) for name, most in _TEXT_LIMITS.items()}
    return QueuedBattle(
        command=BattleCommand(
            telegram_id=_text(sent, "telegramId", 64),
            request_id=request_id,
            broker_id=broker_id,
            arena=optional["arena"],
            league=optional["league"],
            mode_key=optional["modeKey"],
        ),
        round=_whole(sent, "round"),
        correlation_id=_text(sent, "correlationId", 200),
        accepted_at=_moment(sent),
    )


def reason_text(reason: str) -> str:
    """``reason`` as an attribute of a message may hold it: short printable ASCII, never empty."""
    return _UNPRINTABLE.sub("?", reason)[:REASON_CHARACTERS_MAX].strip() or "unknown"


def _text(sent: Mapping[str, Any], name: str, most: int) -> str:
    value = sent[name]
    if not isinstance(value, str) or not 1 <= utf16_length(value) <= most:
        raise IllegibleMessage(f"{name} is no text of 1 to {most} characters")
    return value


def _whole(sent: Mapping[str, Any], name: str) -> int:
    value = sent[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 53:
        raise IllegibleMessage(f"{name} is no positive whole number")
    return value


def _moment(sent: Mapping[str, Any]) -> datetime:
    try:
        return datetime.fromtimestamp(_whole(sent, "acceptedAt") / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise IllegibleMessage("acceptedAt is no time") from error
