"""What happened to a player, over HTTP: the ledger's rows and the battles, in pages."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from chalicelib.arena.ledger import CURRENCIES
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.instants import Instant
from chalicelib.entrypoints.validation import Explained, Integer, Schema, Text

if TYPE_CHECKING:
    from chalicelib.arena.history_service import PageRequest

routes = Routes(__name__)

PAGE_MAX: Final = 100

_LOWER: Final = tuple(currency.lower() for currency in CURRENCIES)
_CURRENCY: Final = Explained(Text(lower=True, choices=_LOWER), {"enum": [*CURRENCIES, *_LOWER, ""]})
_PAGE: Schema = {
    "from": Instant(),
    "to": Instant(),
    "limit": Integer(minimum=1, maximum=PAGE_MAX),
    "cursor": Text(max_length=100),
}
_REFUSALS: Final[Mapping[int, tuple[str, ...]]] = {400: ("invalid_cursor",)}


@routes.route(
    "GET",
    "/api/transactions",
    authenticated=True,
    query={"currency": _CURRENCY, "reason": Text(max_length=100), **_PAGE},
    summary="The player's ledger rows, newest first; `from` inclusive, `to` exclusive",
    answers=(Answer("Transactions"),),
    refusals=_REFUSALS,
)
def transactions(call: Call) -> dict[str, Any]:
    given = {name: call.query[name] for name in ("currency", "reason") if name in call.query}
    if "currency" in given:
        given["currency"] = given["currency"].upper()
    return call.arena.history.transactions(_page(call, given))


@routes.route(
    "GET",
    "/api/battles",
    authenticated=True,
    query={"arena": Text(max_length=50), "league": Text(max_length=50), "modeKey": Text(max_length=100), **_PAGE},
    summary="The player's battles, newest first; `from` inclusive, `to` exclusive",
    answers=(Answer("BattleHistory"),),
    refusals=_REFUSALS,
)
def battle_history(call: Call) -> dict[str, Any]:
    given = {name: call.query[name] for name in ("arena", "league", "modeKey") if name in call.query}
    return call.arena.history.battles(_page(call, given))


def _page(call: Call, equal: Mapping[str, str]) -> "PageRequest":
    from chalicelib.arena.history_service import PAGE_DEFAULT, PageRequest

    return PageRequest(
        telegram_id=call.telegram_id,
        equal=equal,
        since=call.query.get("from"),
        until=call.query.get("to"),
        limit=call.query.get("limit", PAGE_DEFAULT),
        cursor=call.query.get("cursor"),
    )
