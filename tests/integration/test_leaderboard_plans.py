"""Every read of leaderboards is served by an index, many equal values or few."""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import METRICS
from chalicelib.data import leaderboard_queries as queries
from chalicelib.data.leaderboard_queries import place_of
from chalicelib.data.operations import Aggregate, Find, FindOne
from tests.rankings import SEASON, every_ranking, random_players
from tests.worlds import NOON, World

ARCHIVED = [Ranking(board="all", metric=metric, season="2026-10", archived=True) for metric in METRICS]


def reads() -> Iterator[Find | FindOne | Aggregate]:
    for ranking in [*every_ranking(), *ARCHIVED]:
        place = place_of(ranking)
        yield queries.by_value(place, {"$gte": 0}, -1, 50)
        yield queries.by_value(place, {"$gte": 0, "$lt": 30}, -1, 50)
        yield queries.by_value(place, {"$gt": 30}, 1, 50)
        yield queries.tied(place, 0, -1, 50)
        yield queries.tied(place, 30, 1, 5, beyond="5")
        yield queries.count_higher(place, 30)
        yield queries.count_tied_before(place, 0, "5")
    yield queries.profiles(["1", "2"])
    yield queries.profiles(["1", "2"], "totals.all")
    yield queries.archived("2026-10", "all", ["1", "2"])
    yield queries.seasons()
    yield queries.season(SEASON)
    yield queries.players_of_season(SEASON)
    yield queries.players_of_season("2020-01")
    yield queries.modes_of_league("pro")
    yield queries.leagues_of_modes()
    yield queries.board_page("totals.all", "", 2000)
    yield queries.board_page(f"seasons.{SEASON}.league:rookie", "5", 2000)
    yield queries.changed_since(NOON, 2000)
    yield queries.sums_of_season(SEASON, ["1", "2"])
    yield queries.last_archived("2026-10", "all")
    yield queries.all_players_page("5", 200)
    yield queries.sums_over_battles(["1", "2"], "week")


def test_no_read_scans_a_collection(world: World, database: Database[Document]) -> None:
    """The winning plan of each, on players of many and of few equal values."""
    database["users"].insert_many(random_players(random.Random(1), 500, NOON))
    for number in range(50):
        world.add("battles", requestId=str(number), ownerTelegramId=str(number), score=1)
        totals = dict.fromkeys(METRICS, number)
        world.add("seasonstandings", season="2026-10", board="all", telegramId=str(number), totals=totals, rank=number)
        world.add("seasons", _id=f"2020-{number}", startsAt=NOON)
    for read in reads():
        stages = set(_stages(database.command("explain", _command(read), verbosity="queryPlanner")))
        assert "COLLSCAN" not in stages, (read, stages)
        assert stages & {"IXSCAN", "IDHACK", "COUNT_SCAN"}, (read, stages)


@pytest.mark.parametrize("metric", ["score", "neur"])
def test_a_list_reads_little_more_than_it_shows(world: World, database: Database[Document], metric: str) -> None:
    """Also where most have the same value: their order among themselves is found without reading them all."""
    database["users"].insert_many(random_players(random.Random(1), 3000, NOON))
    ranking = Ranking(board="all", metric=metric)
    place = place_of(ranking)
    last = 0 if metric == "neur" else 399
    for read in (queries.by_value(place, {"$gte": 0}, -1, 50), queries.tied(place, last, -1, 50)):
        explained = database.command("explain", _command(read), verbosity="executionStats")
        assert explained["executionStats"]["totalDocsExamined"] <= 150, read


def _command(read: Find | FindOne | Aggregate) -> Document:
    if isinstance(read, Aggregate):
        return {"aggregate": read.collection, "pipeline": list(read.pipeline), "cursor": {}}
    command: Document = {"find": read.collection, "filter": read.where, "sort": dict(read.sort)}
    if isinstance(read, Find):
        command |= {"limit": read.limit, "projection": read.projection or {}}
    return command


def _stages(plan: Any) -> Iterator[str]:
    """Names of the stages of the winning plan."""
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield plan["stage"]
        for name, value in plan.items():
            if name not in ("rejectedPlans", "command"):
                yield from _stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _stages(value)
