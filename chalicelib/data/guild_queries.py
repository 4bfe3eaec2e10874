"""Guilds' reads, each served by an index of ``indexes.py``."""

from typing import Any

from bson import ObjectId

from chalicelib.data.operations import Aggregate, Find, FindOne
from chalicelib.data.queries import LIVING


def guild(guild_id: str) -> FindOne:
    return FindOne("guilds", {"_id": ObjectId(guild_id)})


def guild_named(name: str) -> FindOne:
    return FindOne("guilds", {"name": name})


def broker(broker_id: str) -> FindOne:
    return FindOne("brokers", {"_id": ObjectId(broker_id), **LIVING})


def pool(guild_id: Any) -> Find:
    """Living brokers of a guild's pool."""
    return Find("brokers", {"guildId": guild_id, **LIVING})


def ranked(limit: int) -> Find:
    """Active guilds by boosts, then newest."""
    order = (("boostCount", -1), ("createdAt", -1), ("_id", -1))
    return Find("guilds", {"active": True}, sort=order, limit=limit)


def of_member(telegram_id: str, limit: int) -> Find:
    """Active guilds of a member, newest first."""
    where = {"members.telegramId": telegram_id, "active": True}
    return Find("guilds", where, sort=(("createdAt", -1), ("_id", -1)), limit=limit)


def with_pool(guild_id: str) -> Aggregate:
    """A guild with its pool's brokers as ``brokers``."""
    brokers = {
        "$lookup": {
            "from": "brokers",
            "localField": "_id",
            "foreignField": "guildId",
            "pipeline": [{"$match": LIVING}],
            "as": "brokers",
        }
    }
    return Aggregate("guilds", [{"$match": {"_id": ObjectId(guild_id)}}, brokers])
