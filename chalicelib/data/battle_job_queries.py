"""Reads of queued battles as data, each served by an index of ``indexes.py``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import QUEUED
from chalicelib.data.operations import Aggregate, Find
from chalicelib.data.queries import LIVING, lookup, together

COLLECTION: Final = "battlejobs"


def intake(command: BattleCommand, arena: str, league: str) -> Aggregate:
    """Everything an intake is decided on; one result whose fields are lists of at most one document."""
    mode: dict[str, Any] = {"enabled": True, "arena": arena, "league": league}
    if command.mode_key is not None:
        mode = {"key": command.mode_key, **LIVING}
    return _first_of_each(
        job=(COLLECTION, {"ownerTelegramId": command.telegram_id, "requestId": command.request_id}),
        battle=("battles", {"requestId": command.request_id}),
        mode=("gamemodes", mode),
    )


def look(telegram_id: str, request_id: str) -> Aggregate:
    """A battle and the player's job of one requestId, as ``intake`` has them."""
    return _first_of_each(
        job=(COLLECTION, {"ownerTelegramId": telegram_id, "requestId": request_id}),
        battle=("battles", {"requestId": request_id}),
    )


def due(now: datetime, limit: int) -> Find:
    """Jobs to be sent again, the longest overdue first. Only queued ones have ``dueAt``."""
    return Find(COLLECTION, {"dueAt": {"$lte": now}}, sort=[("dueAt", 1)], limit=limit)


def queued() -> Aggregate:
    """Queued jobs by arena and league, their number and the oldest one's time, on the index alone."""
    pair = {"arena": "$arena", "league": "$league"}
    group = {"_id": pair, "jobs": {"$sum": 1}, "since": {"$min": "$acceptedAt"}}
    return Aggregate(COLLECTION, [{"$match": {"status": QUEUED}}, {"$group": group}])


def _first_of_each(**wanted: tuple[str, Mapping[str, Any]]) -> Aggregate:
    """Several reads in one round trip. They share no snapshot: each is later than those before it.

    So a job is read before its battle: of a job that is done then, the battle is there.
    """
    return together(**{name: lookup(collection, where, {"$limit": 1}) for name, (collection, where) in wanted.items()})
