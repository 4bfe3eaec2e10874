"""The arena's reads as data: filters and pipelines, each served by an index of ``indexes.py``.

A battle or an action is decided on up to ten documents of as many collections. They are read in one round
trip: a pipeline over a single empty document with one ``$lookup`` per collection (``$unionWith`` would say
the same, but is not allowed in transactions). Each lookup is a query of its own on its own index.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bson import MinKey, ObjectId

from chalicelib.arena.bosses import BOSS_ACTIVE
from chalicelib.arena.ports import ActionQuery, BattleQuery
from chalicelib.data.operations import Aggregate, Find, FindOne

Stage = Mapping[str, Any]

_FIRST_BY_ID: Mapping[str, Any] = {"_id": {"$gte": MinKey()}}
"""For the collection of one document: found by its index, and the same one should there ever be two."""

BROKERS_LISTED_MAX: Final = 1000
"""Starters are free and unlimited; this many stay well below Lambda's 6 MB answer."""

LIVING: Mapping[str, Any] = {"deletedAt": None}
"""Brokers and game modes are never removed, only marked: reads of them say this."""


def battle(query: BattleQuery) -> Aggregate:
    """Everything a battle is decided on; one result whose fields are lists of at most one document."""
    # The planner has several indexes to try for a guild: of all these reads it is the dearest.
    guild = {"guild": lookup("guilds", *_membership_stages(query.telegram_id))} if query.with_guild else {}
    roles = {"roles": _ROLES} if query.with_roles else {}
    return together(
        existing=lookup("battles", {"requestId": query.request_id}),
        user=lookup("users", {"telegramId": query.telegram_id}),
        broker=lookup("brokers", {"_id": ObjectId(query.broker_id), **LIVING}),
        mode=_mode(query),
        config=lookup("economyconfigs", _FIRST_BY_ID, {"$sort": {"_id": 1}}, {"$limit": 1}),
        boost=lookup(
            "boosts",
            {"telegramId": query.telegram_id, "expiresAt": {"$gt": query.now}},
            {"$sort": {"expiresAt": -1}},
            {"$limit": 1},
        ),
        referral=lookup(
            "referrals",
            {"ownerTelegramId": query.telegram_id, "active": {"$ne": False}},
            {"$sort": {"_id": 1}},
            {"$limit": 1},
        ),
        stripe=lookup("economydays", {"_id": query.stripe_id}),
        referrer=lookup(
            "referraluses",
            {"refereeTelegramId": query.telegram_id},
            {"$lookup": {"from": "referrals", "localField": "code", "foreignField": "code", "as": "referral"}},
        ),
        boss=lookup("globalbosses", {"status": BOSS_ACTIVE}, {"$sort": {"createdAt": -1}}, {"$limit": 1}),
        **guild,
        **roles,
    )


def _mode(query: BattleQuery) -> Stage:
    if query.mode_key is not None:
        # A deleted mode keeps its key.
        return lookup("gamemodes", {"key": query.mode_key, **LIVING})
    return lookup(
        "gamemodes",
        {"enabled": True, "arena": query.arena, "league": query.league},
        {"$sort": {"key": 1}},
        {"$limit": 1},
    )


def action(query: ActionQuery) -> Aggregate:
    """Everything a broker action is decided on."""
    ids = [ObjectId(broker_id) for broker_id in query.broker_ids]
    guild = {"$lookup": {"from": "guilds", "localField": "guildId", "foreignField": "_id", "as": "guild"}}
    roles = {"roles": _ROLES} if query.with_roles else {}
    return together(
        user=lookup("users", {"telegramId": query.telegram_id}),
        finished=lookup(
            "actionrunkeys",
            {
                "scope": query.scope,
                "requestId": query.request_id,
                "ownerTelegramId": query.telegram_id,
                "status": "completed",
            },
        ),
        brokers=lookup("brokers", {"_id": {"$in": ids}, **LIVING}, *([guild] if query.with_guilds else [])),
        config=lookup("economyconfigs", _FIRST_BY_ID, {"$sort": {"_id": 1}}, {"$limit": 1}),
        **roles,
    )


def membership(telegram_id: str) -> Aggregate:
    """A player's guild, for when it was not read together with the battle."""
    where, *stages = _membership_stages(telegram_id)
    return Aggregate("guilds", [{"$match": where}, *stages])


def _membership_stages(telegram_id: str) -> tuple[Stage, ...]:
    """The player's active guild with ``ownPool`` and ``rival`` (the newest other active guild, with its ``pool``)."""
    newest_other = [
        {"$match": {"active": True, "$expr": {"$ne": ["$_id", "$$own"]}}},
        {"$sort": {"createdAt": -1, "_id": -1}},
        {"$limit": 1},
        _pool_size("pool"),
    ]
    return (
        {"members.telegramId": telegram_id, "active": True},
        {"$sort": {"_id": 1}},
        {"$limit": 1},
        _pool_size("ownPool"),
        {"$lookup": {"from": "guilds", "let": {"own": "$_id"}, "pipeline": newest_other, "as": "rival"}},
    )


def _pool_size(name: str) -> Stage:
    return {
        "$lookup": {
            "from": "brokers",
            "localField": "_id",
            "foreignField": "guildId",
            "pipeline": [{"$match": LIVING}, {"$count": "brokers"}],
            "as": name,
        }
    }


def stripes(day: str) -> Find:
    """All emission stripes of a UTC day."""
    return Find("economydays", {"day": day})


def brokers_of(telegram_id: str) -> Find:
    """A player's newest living brokers, newest first."""
    return Find(
        "brokers", {"ownerTelegramId": telegram_id, **LIVING}, sort=(("createdAt", -1),), limit=BROKERS_LISTED_MAX
    )


def player(telegram_id: str) -> FindOne:
    return FindOne("users", {"telegramId": telegram_id})


def account(telegram_id: str) -> Aggregate:
    """A player and the economy's settings."""
    return together(
        user=lookup("users", {"telegramId": telegram_id}),
        config=lookup("economyconfigs", _FIRST_BY_ID, {"$sort": {"_id": 1}}, {"$limit": 1}),
    )


def enabled_modes(arena: str | None, league: str | None) -> Find:
    """Enabled modes, of one arena or league where given."""
    given = {name: value for name, value in (("arena", arena), ("league", league)) if value is not None}
    return Find("gamemodes", {"enabled": True, **given}, sort=(("arena", 1), ("league", 1), ("key", 1)))


def economy_config() -> FindOne:
    return FindOne("economyconfigs", _FIRST_BY_ID, sort=(("_id", 1),))


def active_realms() -> Find:
    return Find("realms", {"active": True}, sort=(("level", 1), ("order", 1)))


def realm(key: str) -> FindOne:
    return FindOne("realms", {"key": key, "active": True})


def together(**lookups: Stage) -> Aggregate:
    """One result whose fields are lists of what each of ``lookups`` found. Each is read later than those before it."""
    named = [{"$lookup": {**stage["$lookup"], "as": name}} for name, stage in lookups.items()]
    return Aggregate(None, [{"$documents": [{}]}, *named])


def lookup(collection: str, where: Mapping[str, Any], *stages: Stage) -> Stage:
    """For ``together``: documents of ``collection``, on which ``stages`` follow."""
    pipeline: Sequence[Stage] = ({"$match": where}, *stages)
    return {"$lookup": {"from": collection, "pipeline": list(pipeline)}}


EVERY_ROLE: Final = {"_id": {"$gt": ""}}
"""Of ``regions``: a few documents."""
_ROLES: Final = lookup("regions", EVERY_ROLE)
