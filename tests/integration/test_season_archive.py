"""Seasons end by the clock; what is kept of them is their final standings."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database

from chalicelib.arena.leaderboard_service import BoardQuery
from chalicelib.arena.ports import Document
from chalicelib.arena.season_archive import GRACE, PAGE, SeasonArchive
from chalicelib.arena.standings import escaped
from chalicelib.data.leaderboard_upkeep import MongoSeasonRecords
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from tests.rankings import random_players
from tests.worlds import World, mongo_world

NOVEMBER_ENDS = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def operations(database: Database[Document], mongo_uri: str) -> Iterator[Operations]:
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS))
    yield Operations(pools, database.name)
    pools.close()


@pytest.fixture
def world(database: Database[Document], mongo_uri: str, operations: Operations) -> World:
    world, _ = mongo_world(database, mongo_uri, pools=operations.pools)
    return world


@pytest.fixture
def archive(world: World, operations: Operations) -> SeasonArchive:
    return SeasonArchive(MongoStandings(operations), MongoSeasonRecords(operations), world.catalogue, world.clock)


def set_time(world: World, moment: datetime) -> None:
    world.clock.advance((moment - world.clock()).total_seconds())


def pages(count: int) -> Callable[[], bool]:
    """Time for ``count`` pages."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def test_a_month_is_archived_a_few_minutes_after_its_end(
    world: World, archive: SeasonArchive, database: Database[Document]
) -> None:
    """In several interrupted runs, once: every board, in the order of rank, read the same before and after."""
    print("seed 3")
    players = random_players(random.Random(3), 2 * PAGE + 300, world.clock())
    database["users"].insert_many(players)
    assert archive.run(lambda: True).current == "2026-11"
    set_time(world, NOVEMBER_ENDS + GRACE - timedelta(milliseconds=1))
    assert "2026-11" not in archive.run(lambda: True).archived
    query = BoardQuery(season="2026-11", by="aiba")
    live = world.leaderboards().leaderboard(query, 500)
    someone = live[100]["telegramId"]
    around = world.leaderboards().around_me(someone, query, 7)

    world.clock.advance(1)
    runs = 0
    while "2026-11" not in archive.run(pages(1)).archived:
        runs += 1
        assert world.leaderboards().leaderboard(query, 500) == live
    assert runs >= 3
    assert world.leaderboards().leaderboard(query, 500) == live
    assert world.leaderboards().around_me(someone, query, 7) == around
    for board in ("all", "league:el.$te", "realm:desert"):
        expected = sorted(
            (
                (boards[escaped(board)]["score"], player["telegramId"])
                for player in players
                if escaped(board) in (boards := player["seasons"].get("2026-11", {}))
            ),
            reverse=True,
        )
        finals = sorted(world.all("seasonstandings", season="2026-11", board=board), key=lambda final: final["rank"])
        assert [(final["totals"]["score"], final["telegramId"]) for final in finals] == expected
        assert [final["rank"] for final in finals] == list(range(1, len(expected) + 1))
    before = world.everything()
    assert archive.run(lambda: True).written == 0
    assert {**world.everything(), "seasons": []} == {**before, "seasons": []}
    record = world.one("seasons", _id="2026-11")
    assert (record["startsAt"], record["endsAt"]) == (datetime(2026, 11, 1, tzinfo=UTC), NOVEMBER_ENDS)
    assert record["archivedAt"] >= NOVEMBER_ENDS + GRACE


def test_battles_around_midnight_count_where_their_time_lies(world: World, archive: SeasonArchive) -> None:
    """Although the reset runs hours late, and the player has begun the new season long before it."""
    world.configure(seasonLength="week")
    world.add_player()
    brokers = [world.add_broker(energy=100, intelligence=90, speed=90) for _ in range(2)]
    monday = datetime(2027, 1, 4, tzinfo=UTC)
    set_time(world, monday - timedelta(milliseconds=1))
    last = world.battles().run(world.command(brokers[0], "last")).battle
    set_time(world, monday)
    first = world.battles().run(world.command(brokers[1], "first")).battle
    world.clock.advance(5 * 3600)
    assert archive.run(lambda: True).archived == ("2026-W53",)
    service = world.leaderboards()
    (old,) = service.leaderboard(BoardQuery(season="2026-W53"), 10)
    (new,) = service.leaderboard(BoardQuery(season="2027-W01"), 10)
    assert (old["totalScore"], old["battles"]) == (last["score"], 1)
    assert (new["totalScore"], new["battles"]) == (first["score"], 1)
    assert service.my_rank("777", BoardQuery(season="current"))["totalScore"] == first["score"]


def test_seasons_nobody_looked_after_are_found_later(world: World, archive: SeasonArchive) -> None:
    """Months without a run, with a battle now and then; a season nobody fought in leaves no trace."""
    world.add_player()
    broker = world.add_broker(energy=100)
    for moment in (datetime(2026, 12, 5, tzinfo=UTC), datetime(2027, 2, 5, tzinfo=UTC)):
        set_time(world, moment)
        world.battles().run(world.command(broker, f"in-{moment.month}"))
    set_time(world, datetime(2027, 6, 1, 12, tzinfo=UTC))
    assert archive.run(lambda: True).archived == ("2026-12", "2027-02")
    assert archive.run(lambda: True).archived == ()
    listed = {season["id"]: season["archived"] for season in world.leaderboards().seasons()}
    assert listed == {"2026-12": True, "2027-02": True, "2027-06": False}


def test_a_change_of_length_loses_no_season(world: World, archive: SeasonArchive) -> None:
    """A month that was cut short is archived at its end, the weeks after it at theirs."""
    world.add_player()
    broker = world.add_broker(energy=100)
    world.battles().run(world.command(broker, "in the month"))
    world.configure(seasonLength="week")
    world.clock.advance(3600)
    world.battles().run(world.command(broker, "in the week"))
    set_time(world, NOVEMBER_ENDS + timedelta(days=1))
    assert archive.run(lambda: True).archived == ("2026-W48", "2026-11")
    assert archive.run(lambda: True).current == "2026-W49"
