"""Guilds as players make them, and refusals that change nothing."""

from collections.abc import Callable

import pytest

from chalicelib.arena.guild_service import GuildRequest
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from tests.worlds import World

NOWHERE = "ab" * 12
"""The id of nothing."""


def by(telegram_id: str) -> GuildRequest:
    return GuildRequest(telegram_id=telegram_id, request_id=f"request of {telegram_id}")


def found_guild(world: World, owner: str = "777", *members: str, name: str = "Wolves") -> Document:
    """A guild as players make it."""
    guild = world.guilds().create(by(owner), name)
    for member in members:
        guild = world.guilds().join(by(member), str(guild["_id"]))
    return guild


def pooled(world: World, guild: Document, owner: str = "777") -> Document:
    """A new broker of ``owner`` in the pool."""
    broker = world.add_broker(owner)
    answer: Document = world.guilds().deposit(by(owner), str(guild["_id"]), str(broker["_id"]))["broker"]
    return answer


def refused(world: World, action: Callable[..., object], *arguments: object) -> ArenaError:
    """The error ``action`` ends in; nothing may have changed."""
    before = world.everything()
    with pytest.raises(ArenaError) as caught:
        action(*arguments)
    assert world.everything() == before
    return caught.value
