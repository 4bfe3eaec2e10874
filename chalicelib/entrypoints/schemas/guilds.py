"""Shapes of guilds and their pools."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, FLAG, TEXT, list_of, nullable, record, ref, stored

_OK: Final = {"const": True}

SHAPES: Final[Mapping[str, Any]] = {
    "GuildMember": record(
        {"telegramId": ref("TelegramId"), "role": {"enum": ["owner", "member"]}, "joinedAt": ref("Moment")}
    ),
    "PooledBroker": record(
        {"brokerId": ref("ObjectId"), "depositedByTelegramId": ref("TelegramId"), "depositedAt": ref("Moment")},
        description="A broker of a guild's pool, and who put it there.",
    ),
    "Guild": stored(
        {
            "name": TEXT,
            "ownerTelegramId": ref("TelegramId"),
            "members": list_of(ref("GuildMember")),
            "bio": TEXT,
            "active": FLAG,
            "pooledBrokers": list_of(ref("PooledBroker")),
            "vaultNeur": COUNT,
            "vaultAiba": COUNT,
            "paidCreateTxHash": TEXT,
            "boostCount": COUNT,
            "boostedUntil": nullable(ref("Moment")),
            "boostTxHashes": list_of(TEXT),
        }
    ),
    "Guilds": list_of(ref("Guild")),
    "GuildLeft": record({"ok": _OK}),
    "GuildAndBroker": record(
        {"ok": _OK, "guild": ref("Guild"), "broker": ref("Broker")}, description="Both as they now are."
    ),
    "GuildPool": record({"guildId": ref("ObjectId"), "brokers": list_of(ref("Broker"))}),
}
