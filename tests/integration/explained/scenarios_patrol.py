"""Where the comparison with other regions stopped."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.data.patrol import COLLECTION, MongoPatrolMemory
from chalicelib.locks import Guard
from chalicelib.replication.patrol import Patrol, Suspect
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits
from tests.worlds import NOON


@inhabits(COLLECTION, 1, small=True)
def _memory(number: int) -> Document:
    return {"_id": f"of another release {number}", "collection": "gone"}


@covers(MongoPatrolMemory.load)
def _(town: Town, load: Callable[..., Any]) -> None:
    assert load() == Patrol()


@covers(MongoPatrolMemory.save)
def _(town: Town, save: Callable[..., Any]) -> None:
    """As it is loaded again."""
    suspect = Suspect("eu-west-1", "ledgerentries", ("battle", "r1", "7", "AIBA", "credit", "x"), "")
    patrol = Patrol(collection="guilds", rounds=3, suspects=(suspect,))
    save(patrol, Guard("schedule:9", 1009), NOON)
    assert MongoPatrolMemory(town.operations).load() == patrol
    assert MongoPatrolMemory(town.operations).last() == (patrol, NOON)


@covers(MongoPatrolMemory.last)
def _(town: Town, last: Callable[..., Any]) -> None:
    assert last() is None
