"""Guilds: what one looks like, who is in it, and what lies in its pool. Pure.

A broker is in a guild's pool when its ``guildId`` says so, and that is what battles count. ``pooledBrokers`` of the
guild says who put it there and when; both change in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.economy_config import config_value
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.ports import Document
from chalicelib.errors import BadRequest, Conflict

MEMBERS_MAX: Final = 100
POOLED_MAX: Final = 50
"""With these, 300 guilds at their largest (16 kB each) fit into one answer of a Lambda function (6 MB).

A pool that size is beyond use: the bonus is the same from five brokers more than the opponent's on.
"""

OWNER: Final = "owner"
MEMBER: Final = "member"

_VAULTS: Final = frozenset({"vaultNeur", "vaultAiba"})


def new_guild(owner: str, name: str, bio: str, now: datetime, *, guild_id: Any) -> Document:
    """A guild whose owner is its only member."""
    return {
        "_id": guild_id,
        "name": name,
        "ownerTelegramId": owner,
        **_defaults(),
        "members": [_member(owner, OWNER, now)],
        "bio": bio,
        "createdAt": now,
        "updatedAt": now,
        "__v": 0,
    }


def complete(guild: Mapping[str, Any]) -> Document:
    """``guild`` with every field a guild has, for documents older than some of them."""
    return {**_defaults(), **guild}


def without_vaults(guild: Mapping[str, Any]) -> Document:
    """What other regions are told of a guild: vaults are sums of what battles add, never set."""
    return {name: value for name, value in guild.items() if name not in _VAULTS}


def refuse_unpaid(rank: int, config: Mapping[str, Any], tx_hash: str) -> None:
    """Raises ``BadRequest`` unless a guild is free for a player of ``rank`` by score.

    Others would pay in TON, and nothing here can verify such a payment.
    """
    free_ranks = whole_amount(config_value(config, "leaderboardTopFreeCreate"))
    if rank <= free_ranks:
        return
    details = {"rank": rank, "freeUpToRank": free_ranks, "costTonNano": config_value(config, "createGroupCostTonNano")}
    free = f"creating a guild is free for the first {free_ranks} players by score"
    if tx_hash:
        raise BadRequest("payment not verifiable", f"{free}; payments in TON can't be verified here", details=details)
    raise BadRequest("payment required", f"{free}; others pay in TON, which is not offered here", details=details)


def is_member(guild: Mapping[str, Any], telegram_id: str) -> bool:
    return any(member["telegramId"] == telegram_id for member in guild["members"])


def members_with(guild: Mapping[str, Any], telegram_id: str, now: datetime) -> list[Document]:
    """The members and a new one; an owner who left comes back as the owner.

    Raises ``Conflict("guild full")``.
    """
    if len(guild["members"]) >= MEMBERS_MAX:
        raise Conflict("guild full", details={"membersMax": MEMBERS_MAX})
    role = OWNER if telegram_id == guild["ownerTelegramId"] else MEMBER
    return [*guild["members"], _member(telegram_id, role, now)]


def members_without(guild: Mapping[str, Any], telegram_id: str) -> list[Document]:
    return [member for member in guild["members"] if member["telegramId"] != telegram_id]


def pooled(guild: Mapping[str, Any], brokers: Iterable[Mapping[str, Any]]) -> list[Document]:
    """The entries of ``brokers``; those of any other, gone ones included, are left out."""
    kept = {broker["_id"] for broker in brokers}
    return [entry for entry in guild["pooledBrokers"] if entry["brokerId"] in kept]


def pooled_with(
    guild: Mapping[str, Any], pool: Sequence[Mapping[str, Any]], broker: Mapping[str, Any], who: str, now: datetime
) -> list[Document]:
    """The entries of ``pool`` and one for ``broker``. Raises ``Conflict("guild pool full")``."""
    if len(pool) >= POOLED_MAX:
        raise Conflict("guild pool full", details={"pooledMax": POOLED_MAX})
    entry = {"brokerId": broker["_id"], "depositedByTelegramId": who, "depositedAt": now}
    return [*pooled(guild, pool), entry]


def after_losing(guild: Mapping[str, Any], broker: Mapping[str, Any], now: datetime) -> Document:
    """What changes ($set) in the guild of a broker that is no more."""
    return {
        "pooledBrokers": [entry for entry in complete(guild)["pooledBrokers"] if entry["brokerId"] != broker["_id"]],
        "updatedAt": now,
    }


def may_withdraw(guild: Mapping[str, Any], broker: Mapping[str, Any], telegram_id: str) -> bool:
    """Whether the player owns the guild or the broker, or put the broker there."""
    if telegram_id in (guild["ownerTelegramId"], broker["ownerTelegramId"]):
        return True
    return any(
        entry["brokerId"] == broker["_id"] and entry["depositedByTelegramId"] == telegram_id
        for entry in guild["pooledBrokers"]
    )


def in_pool_order(guild: Mapping[str, Any], brokers: Iterable[Document]) -> list[Document]:
    """``brokers`` as they came into the pool; one nobody is on record for comes last."""
    order = {entry["brokerId"]: place for place, entry in enumerate(guild["pooledBrokers"])}
    return sorted(brokers, key=lambda broker: (order.get(broker["_id"], len(order)), str(broker["_id"])))


def _defaults() -> Document:
    return {
        "members": [],
        "bio": "",
        "active": True,
        "pooledBrokers": [],
        "vaultNeur": 0,
        "vaultAiba": 0,
        "paidCreateTxHash": "",
        "boostCount": 0,
        "boostedUntil": None,
        "boostTxHashes": [],
    }


def _member(telegram_id: str, role: str, now: datetime) -> Document:
    return {"telegramId": telegram_id, "role": role, "joinedAt": now}
