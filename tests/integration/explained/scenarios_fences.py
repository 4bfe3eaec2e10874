"""Fencing numbers, and what is written under them."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.ports import Document, Update
from chalicelib.data.fences import FencedUpdates, MongoFences
from chalicelib.locks import Guard
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits, player_id


@inhabits("fences", 20, small=True)
def _fence(number: int) -> Document:
    return {"_id": f"schedule:{number}", "fence": 1000 + number, "writes": number}


@covers(MongoFences.draw)
def _(town: Town, draw: Callable[..., Any]) -> None:
    assert draw("schedule:3") == 1004
    assert draw("a new lock") > 1004


@covers(MongoFences.is_newest)
def _(town: Town, is_newest: Callable[..., Any]) -> None:
    assert is_newest(Guard("schedule:5", 1005))


@covers(FencedUpdates.update)
def _(town: Town, update: Callable[..., Any]) -> None:
    changes = [Update("users", {"telegramId": player_id(number)}, {"$inc": {"neurBalance": 1}}) for number in range(3)]
    assert update(Guard("schedule:6", 1006), changes) == 3
    assert update(None, changes) == 3
