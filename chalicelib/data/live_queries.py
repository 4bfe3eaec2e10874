"""Reads of connections as data, each served by an index of ``indexes.py``."""

from datetime import datetime

from chalicelib.data.operations import Aggregate, Find, FindOne


def living_of_player(telegram_id: str, now: datetime, limit: int) -> Find:
    """Newest first."""
    where = {"telegramId": telegram_id, "expiresAt": {"$gt": now}}
    return Find("connections", where, sort=[("connectedAt", -1), ("_id", -1)], limit=limit)


def living_followers(feed: str, now: datetime, after: str, limit: int) -> Find:
    """By id, above ``after``."""
    where = {"boards": feed, "_id": {"$gt": after}, "expiresAt": {"$gt": now}}
    return Find("connections", where, sort=[("_id", 1)], limit=limit)


def living(now: datetime) -> Aggregate:
    """One document with their number, or none."""
    return Aggregate("connections", [{"$match": {"expiresAt": {"$gt": now}}}, {"$count": "connections"}])


def last_pushed(feed: str) -> FindOne:
    return FindOne("liveboards", {"_id": feed})
