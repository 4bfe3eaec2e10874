"""Leaderboards' reads as data. Each is served by one field's part of the wildcard index on ``users``, by
``users.telegramId``, or by an index of the archive (``seasonstandings``); never by a scan.

The wildcard index orders by one field only, so a read by value leaves the order among equals open. Whoever reads
settles it for the last value of a page with ``tied``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.seasons import WEEK
from chalicelib.arena.standings import path_of
from chalicelib.data.operations import Aggregate, Find, FindOne

ARCHIVE: Final = "seasonstandings"
SEASONS_LISTED_MAX: Final = 500
MODES_READ_MAX: Final = 1000
_STANDINGS: Final = {"telegramId": 1, "totals": 1, "seasons": 1, "realmProgress": 1, "_id": 0}
_SHOWN: Final = {"telegramId": 1, "username": 1, "badges": 1}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ranking's values are stored."""

    collection: str
    fixed: Mapping[str, Any]
    """What every document of the ranking has, beside a value."""
    sums: str
    """Path of the four sums."""
    value: str
    """Path of the value the ranking orders by."""


def place_of(ranking: Ranking) -> Place:
    if ranking.archived:
        fixed = {"season": ranking.season, "board": ranking.board}
        return Place(ARCHIVE, fixed, "totals", f"totals.{ranking.metric}")
    sums = path_of(ranking.season, ranking.board)
    return Place("users", {}, sums, f"{sums}.{ranking.metric}")


def by_value(place: Place, condition: Mapping[str, int], direction: int, limit: int) -> Find:
    """Players whose value meets ``condition``, from the highest (-1) or the lowest (1); equals in any order."""
    return Find(
        place.collection,
        {**place.fixed, place.value: dict(condition)},
        sort=((place.value, direction),),
        limit=limit,
        projection={"telegramId": 1, place.value: 1, "_id": 0},
    )


def tied(place: Place, value: int, direction: int, limit: int, beyond: str | None = None) -> Find:
    """Players with exactly ``value``, by telegramId; ``beyond`` one, where given."""
    passed = {} if beyond is None else {"telegramId": {"$gt" if direction > 0 else "$lt": beyond}}
    return Find(
        place.collection,
        {**place.fixed, place.value: value, **passed},
        sort=(("telegramId", direction),),
        limit=limit,
        projection={"telegramId": 1, place.value: 1, "_id": 0},
    )


def count_higher(place: Place, value: int) -> Aggregate:
    """How many have strictly more than ``value``."""
    return _count(place, {place.value: {"$gt": value}})


def count_tied_before(place: Place, value: int, telegram_id: str) -> Aggregate:
    """How many have exactly ``value`` and stand before ``telegram_id``."""
    return _count(place, {place.value: value, "telegramId": {"$gt": telegram_id}})


def _count(place: Place, where: Mapping[str, Any]) -> Aggregate:
    return Aggregate(place.collection, [{"$match": {**place.fixed, **where}}, {"$count": "players"}])


def profiles(telegram_ids: Sequence[str], sums: str | None = None) -> Find:
    """Names and badges, with the map at ``sums`` where given."""
    projection = {**_SHOWN, "_id": 0} if sums is None else {**_SHOWN, sums: 1, "_id": 0}
    return Find("users", {"telegramId": {"$in": list(telegram_ids)}}, projection=projection)


def archived(season: str | None, board: str, telegram_ids: Sequence[str]) -> Find:
    """Final sums of players."""
    return Find(
        ARCHIVE,
        {"season": season, "board": board, "telegramId": {"$in": list(telegram_ids)}},
        projection={"telegramId": 1, "totals": 1, "_id": 0},
    )


def seasons() -> Find:
    """Every season on record, newest first."""
    return Find("seasons", {}, sort=(("startsAt", -1),), limit=SEASONS_LISTED_MAX)


def season(season_id: str) -> FindOne:
    return FindOne("seasons", {"_id": season_id})


def players_of_season(season_id: str) -> Find:
    """Anyone who fought in the season."""
    return Find("users", {f"{path_of(season_id, 'all')}.battles": {"$gte": 1}}, limit=1, projection={"_id": 1})


def modes_of_league(league: str) -> Find:
    """Any mode of the league, enabled or not."""
    return Find("gamemodes", {"enabled": {"$in": [True, False]}, "league": league}, limit=1)


def board_page(sums: str, after: str, limit: int) -> Find:
    """The next players with battles on a board, by telegramId."""
    return Find(
        "users",
        {"telegramId": {"$gt": after}, f"{sums}.battles": {"$gte": 1}},
        sort=(("telegramId", 1),),
        limit=limit,
        projection={"telegramId": 1, sums: 1, "_id": 0},
    )


def changed_since(moment: datetime, limit: int) -> Find:
    """Players by the time their standings last changed."""
    return Find(
        "users",
        {"standingsAt": {"$gte": moment}},
        sort=(("standingsAt", 1),),
        limit=limit,
        projection={"telegramId": 1, "totals": 1, "seasons": 1, "standingsAt": 1, "_id": 0},
    )


def leagues_of_modes() -> Find:
    return Find(
        "gamemodes", {"enabled": {"$in": [True, False]}}, limit=MODES_READ_MAX, projection={"league": 1, "_id": 0}
    )


def sums_of_season(season_id: str, telegram_ids: Sequence[str]) -> Find:
    """Players' sums on every board of a season."""
    return Find(
        "users",
        {"telegramId": {"$in": list(telegram_ids)}},
        projection={"telegramId": 1, f"seasons.{season_id}": 1, "_id": 0},
    )


def last_archived(season_id: str | None, board: str) -> FindOne:
    """The lowest-ranked final standing."""
    return FindOne(ARCHIVE, {"season": season_id, "board": board}, sort=(("rank", -1),))


def all_players_page(after: str, limit: int) -> Find:
    """The next players by telegramId, with their standings."""
    return Find(
        "users",
        {"telegramId": {"$gt": after}},
        sort=(("telegramId", 1),),
        limit=limit,
        projection=_STANDINGS,
    )


def players_named(telegram_ids: Sequence[str]) -> Find:
    return Find("users", {"telegramId": {"$in": list(telegram_ids)}}, projection=_STANDINGS)


def sums_over_battles(telegram_ids: Sequence[str], length: str) -> Aggregate:
    """Sums of players' battles by league and season: {_id: {player, league, season}, score, aiba, neur, battles}."""
    season = {"$dateToString": {"date": "$createdAt", "format": "%G-W%V" if length == WEEK else "%Y-%m"}}
    return Aggregate(
        "battles",
        [
            {"$match": {"ownerTelegramId": {"$in": list(telegram_ids)}}},
            {
                "$group": {
                    "_id": {"player": "$ownerTelegramId", "league": "$league", "season": season},
                    "score": {"$sum": "$score"},
                    "aiba": {"$sum": "$rewardAiba"},
                    "neur": {"$sum": "$rewardNeur"},
                    "battles": {"$sum": 1},
                }
            },
        ],
    )
