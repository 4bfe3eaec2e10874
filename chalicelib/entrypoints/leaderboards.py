"""Leaderboards over HTTP: the game's two routes, and beyond them leagues, realms, seasons and neighbours."""

from typing import TYPE_CHECKING, Any, Final

from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.validation import Integer, Schema, Text

if TYPE_CHECKING:
    from chalicelib.arena.leaderboard_service import BoardQuery

routes = Routes(__name__)

DEFAULT_LIMIT: Final = 50
DEFAULT_REACH: Final = 5

BOARD: Schema = {
    "by": Text(),
    "league": Text(max_length=50),
    "realm": Text(max_length=100),
    "season": Text(max_length=20),
}
BAD_BOARD: Final = ("invalid by", "invalid board", "invalid season")
NO_BOARD: Final = ("league not found", "Realm not found", "season not found")


@routes.route(
    "GET",
    "/api/leaderboard",
    authenticated=True,
    query={**BOARD, "limit": Integer(minimum=1, maximum=500)},
    summary="Players with battles by score, aiba, neur or battles; of a league, a realm or a season where given",
    answers=(Answer("LeaderboardRows"),),
    refusals={400: BAD_BOARD, 404: NO_BOARD},
)
def leaderboard(call: Call) -> list[dict[str, Any]]:
    limit = call.query.get("limit", DEFAULT_LIMIT)
    return call.arena.leaderboards.leaderboard(_board(call), limit, viewer=call.telegram_id)


@routes.route(
    "GET",
    "/api/leaderboard/my-rank",
    authenticated=True,
    query=BOARD,
    summary="One's own rank: 1 + players with strictly more",
    answers=(Answer("MyRank"),),
    refusals={400: BAD_BOARD, 404: NO_BOARD},
)
def my_rank(call: Call) -> dict[str, Any]:
    return call.arena.leaderboards.my_rank(call.telegram_id, _board(call))


@routes.route(
    "GET",
    "/api/leaderboard/around-me",
    authenticated=True,
    query={**BOARD, "range": Integer(minimum=1, maximum=50)},
    summary="One's own row between its neighbours, ranked by position as in the list",
    answers=(Answer("AroundMe"),),
    refusals={400: BAD_BOARD, 404: NO_BOARD},
)
def around_me(call: Call) -> dict[str, Any]:
    reach = call.query.get("range", DEFAULT_REACH)
    return call.arena.leaderboards.around_me(call.telegram_id, _board(call), reach)


@routes.route(
    "GET",
    "/api/leaderboard/seasons",
    authenticated=True,
    summary="Known seasons, newest first",
    answers=(Answer("Seasons"),),
)
def seasons(call: Call) -> dict[str, Any]:
    return {"seasons": call.arena.leaderboards.seasons()}


def _board(call: Call) -> "BoardQuery":
    from chalicelib.arena.leaderboard_service import BoardQuery

    given = {name: call.query[name] for name in BOARD if name in call.query}
    return BoardQuery(**given)
