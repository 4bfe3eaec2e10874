"""The epochs of what is cached."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.cache_epochs import COLLECTION
from chalicelib.arena.ports import Document
from chalicelib.data.cache_epochs import MongoCacheEpochs
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits


@inhabits(COLLECTION, 10, small=True)
def _epoch(number: int) -> Document:
    return {"_id": f"entity-{number}", "epoch": str(number)}


@covers(MongoCacheEpochs.current)
def _(town: Town, current: Callable[..., Any]) -> None:
    assert current("entity-7")
    assert current("no entity") == ""


@covers(MongoCacheEpochs.renew)
def _(town: Town, renew: Callable[..., Any]) -> None:
    renew("entity-7")
    renew("a new entity")
