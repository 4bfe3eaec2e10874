"""Guilds and their pools."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.guild_service import GuildRequest, GuildService
from chalicelib.data.guilds import MongoGuilds, MongoGuildSnapshot
from tests.integration.explained.registry import covers
from tests.integration.explained.town import MAIN, Town, oid, player_id

GUILD = oid("guilds", 3)


@covers(MongoGuildSnapshot.guild)
def _(town: Town, guild: Callable[..., Any]) -> None:
    assert guild(str(GUILD))


@covers(MongoGuildSnapshot.guild_named)
def _(town: Town, guild_named: Callable[..., Any]) -> None:
    assert guild_named("guild 3")


@covers(MongoGuildSnapshot.broker)
def _(town: Town, broker: Callable[..., Any]) -> None:
    assert broker(str(oid("brokers", 3)))


@covers(MongoGuildSnapshot.pool)
def _(town: Town, pool: Callable[..., Any]) -> None:
    assert pool(GUILD)


@covers(MongoGuildSnapshot.economy_config)
def _(town: Town, economy_config: Callable[..., Any]) -> None:
    assert economy_config()


@covers(MongoGuilds.new_id, silent="makes an id")
def _(town: Town, new_id: Callable[..., Any]) -> None:
    new_id()


class First:
    """Everyone ranks first, so nobody pays for a guild."""

    def score_rank(self, telegram_id: str) -> int:
        return 1


@covers(MongoGuilds.transact)
def _(town: Town, transact: Callable[..., Any]) -> None:
    guilds: MongoGuilds = transact.__self__  # type: ignore[attr-defined]  # a bound method
    service = GuildService(guilds, guilds, First(), town.world.clock)
    request = GuildRequest(telegram_id=MAIN, request_id="explained")
    own = str(service.create(request, "explained")["_id"])
    broker = str(oid("brokers", 200))
    service.deposit(request, own, broker)
    service.withdraw(request, own, broker)
    service.deposit(request, own, broker)
    service.leave(request, own)
    service.join(GuildRequest(telegram_id=player_id(77), request_id="explained"), own)


@covers(MongoGuilds.ranked)
def _(town: Town, ranked: Callable[..., Any]) -> None:
    assert len(ranked(50)) == 50


@covers(MongoGuilds.of_member)
def _(town: Town, of_member: Callable[..., Any]) -> None:
    assert of_member(player_id(3), 10)


@covers(MongoGuilds.with_pool)
def _(town: Town, with_pool: Callable[..., Any]) -> None:
    assert with_pool(str(GUILD)).brokers
