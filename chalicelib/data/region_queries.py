"""What ``verify`` asks of a region's database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.data.operations import Aggregate, Find, FindOne
from chalicelib.replication.content import (
    BALANCE_FIELDS,
    BALANCES,
    BOSS_FIELDS,
    BOSSES,
    Key,
    place_field,
    unread_fields,
)
from chalicelib.replication.ports import APPLIED
from chalicelib.replication.rules import DOCUMENTS, FACTS, NAMED_BY_ID

_COLLECTIONS: Final = {BALANCES: "users", BOSSES: "globalbosses"}


def page(collection: str, after: Any, *, inclusive: bool, limit: int) -> Find:
    """The next documents of ``after``'s type, in the order of their places."""
    place = place_field(collection)
    if collection in _COLLECTIONS:
        fields = BALANCE_FIELDS if collection == BALANCES else BOSS_FIELDS
        projection = dict.fromkeys((place, *fields), 1)
    else:
        projection = dict.fromkeys(unread_fields(collection), 0)
    return Find(
        _COLLECTIONS.get(collection, collection),
        {place: {"$gte" if inclusive else "$gt": after}},
        sort=((place, 1),),
        limit=limit,
        projection=projection,
    )


def named(collection: str, keys: Sequence[Key]) -> Find:
    """Whole documents by key."""
    if collection in DOCUMENTS:
        return Find(collection, {DOCUMENTS[collection].key: {"$in": [key[0] for key in keys]}})
    rule = FACTS[collection]
    if len(rule.identity) == 1:
        return Find(collection, {rule.identity[0]: {"$in": [key[0] for key in keys]}})
    alternatives = [
        {name: rule.condition(name, "$eq", value) for name, value in zip(rule.identity, key, strict=True)}
        for key in keys
    ]
    return Find(collection, {"$or": alternatives})


def identified(collection: str, ids: Sequence[Any]) -> Find:
    return Find(collection, {"_id": {"$in": list(ids)}})


def stored(collection: str, where: Mapping[str, Any]) -> FindOne:
    rule = FACTS.get(collection, NAMED_BY_ID)
    return FindOne(collection, {name: rule.condition(name, "$eq", value) for name, value in where.items()})


def players(telegram_ids: Sequence[str]) -> Find:
    """Balances."""
    fields = dict.fromkeys(("telegramId", *BALANCE_FIELDS), 1)
    return Find("users", {"telegramId": {"$in": list(telegram_ids)}}, projection=fields)


def ledger_sums(telegram_ids: Sequence[str]) -> Aggregate:
    """Sums of players' ledgers: {_id: {player, currency}, sum}."""
    signed = {"$cond": [{"$eq": ["$direction", "credit"]}, "$amount", {"$multiply": ["$amount", -1]}]}
    return Aggregate(
        "ledgerentries",
        [
            {"$match": {"telegramId": {"$in": list(telegram_ids)}, "currency": {"$in": list(CURRENCIES)}}},
            {"$group": {"_id": {"player": "$telegramId", "currency": "$currency"}, "sum": {"$sum": signed}}},
        ],
    )


def sums_by_player(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """The result of ``ledger_sums`` by player and balance."""
    sums: dict[str, dict[str, int]] = {}
    for one in found:
        sums.setdefault(one["_id"]["player"], {})[balance_field(one["_id"]["currency"])] = int(one["sum"])
    return sums


def damages(boss_id: Any) -> Aggregate:
    return Aggregate(
        "bossdamages",
        [{"$match": {"bossId": boss_id}}, {"$group": {"_id": None, "damage": {"$sum": "$damage"}}}],
    )


_TOLD: Final = {"pending": 1, "changes": 1}


def unsent(regions: Sequence[str], limit: int) -> Find:
    """Events not sent to all of ``regions``."""
    return Find("outbox", {"pending": {"$in": list(regions)}}, limit=limit, projection=_TOLD)


def told_since(since: datetime, limit: int) -> Find:
    """Events by their ids, which begin with the time they were made."""
    return Find("outbox", {"_id": {"$gte": ObjectId.from_datetime(since)}}, limit=limit, projection=_TOLD)


def applied(event_ids: Sequence[Any]) -> Find:
    return Find(APPLIED, {"_id": {"$in": list(event_ids)}}, projection={"_id": 1})
