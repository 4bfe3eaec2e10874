"""One player's documents, and their history."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bson import ObjectId

from chalicelib.arena.brokers import new_broker
from chalicelib.arena.cursors import Position
from chalicelib.arena.history_ports import HistoryQuery
from chalicelib.data.history import MongoHistory
from chalicelib.data.players import MongoPlayers
from tests.integration.explained.registry import covers
from tests.integration.explained.town import MAIN, Town, moment, oid
from tests.worlds import NOON

HALFWAY = 1500


@covers(MongoPlayers.upsert_player)
def _(town: Town, upsert_player: Callable[..., Any]) -> None:
    upsert_player(MAIN, {"username": "main"}, NOON)
    upsert_player("someone new", {}, NOON)


@covers(MongoPlayers.player)
def _(town: Town, player: Callable[..., Any]) -> None:
    assert player(MAIN) is not None


@covers(MongoPlayers.account)
def _(town: Town, account: Callable[..., Any]) -> None:
    assert account(MAIN).player is not None


@covers(MongoPlayers.brokers_of)
def _(town: Town, brokers_of: Callable[..., Any]) -> None:
    assert len(brokers_of(MAIN)) > 400


@covers(MongoPlayers.add_broker, silent="only inserts")
def _(town: Town, add_broker: Callable[..., Any]) -> None:
    add_broker({"_id": ObjectId(), **new_broker("another", NOON)})


@covers(MongoPlayers.set_school)
def _(town: Town, set_school: Callable[..., Any]) -> None:
    set_school(MAIN, None, NOON)


def pages(collection: str, read: Callable[[HistoryQuery], list[Any]], *filters: dict[str, str]) -> None:
    """The first page and one from the middle, whole and of a span, under each set of filters."""
    middle = Position(moment(HALFWAY), str(oid(collection, HALFWAY)))
    for equal in ({}, *filters):
        for after in (None, middle):
            for span in ((None, None), (NOON - timedelta(seconds=1), NOON)):
                since, until = span
                page = HistoryQuery(telegram_id=MAIN, equal=equal, since=since, until=until, after=after, limit=51)
                assert len(read(page)) > 5


RARE = "a filter that few rows meet passes over the player's other keys, without fetching their documents"


@covers(MongoHistory.ledger_rows, reads_on=RARE)
def _(town: Town, ledger_rows: Callable[..., Any]) -> None:
    both = {"currency": "NEUR", "reason": "train"}
    pages("ledgerentries", ledger_rows, {"currency": "AIBA"}, {"reason": "train"}, both)


@covers(MongoHistory.battles, reads_on=RARE)
def _(town: Town, battles: Callable[..., Any]) -> None:
    pages("battles", battles, {"arena": "arbitrage"}, {"league": "pro"}, {"modeKey": "prediction-rookie"})
