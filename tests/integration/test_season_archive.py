"""Seasons end by the clock; what is kept of them is their final standings."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.leaderboard_service import BoardQuery
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.season_archive import GRACE, PAGE, SeasonArchive
from chalicelib.arena.standings import Totals, escaped
from chalicelib.arena.standings_audit import AuditReport, StandingsAudit
from chalicelib.data.leaderboard_upkeep import MongoSeasonRecords, MongoStandingsBooks
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.data.operations import Find, Operations
from chalicelib.data.operations import Update as Write
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.errors import NotFound
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


def fight(world: World, broker: Document, moment: datetime) -> Totals:
    """A battle at ``moment``, as it counts."""
    set_time(world, moment)
    return Totals.of_battle(world.battles().run(world.command(broker, moment.isoformat())).battle)


def held(world: World, who: str = "777") -> set[str]:
    return set(world.one("users", telegramId=who)["seasons"])


def final(world: World, season: str) -> Totals:
    """What the archive says of the only player."""
    return Totals.read(world.one("seasonstandings", season=season, board="all")["totals"])


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


def test_a_season_nobody_looked_after_in_time_is_left_alone(world: World, archive: SeasonArchive) -> None:
    """Players who fought on have dropped it: what the others still hold would be no final standings."""
    brokers = []
    for who in ("1", "2"):
        world.add_player(who)
        brokers.append(world.add_broker(who, energy=100))
    for who, broker in zip(("1", "2"), brokers, strict=True):
        set_time(world, datetime(2026, 12, 5, tzinfo=UTC))
        world.battles().run(world.command(broker, f"december {who}", telegram_id=who))
    assert archive.run(lambda: True).archived == ()
    set_time(world, datetime(2027, 2, 5, tzinfo=UTC))
    world.battles().run(world.command(brokers[0], "february", telegram_id="1"))
    assert (held(world, "1"), held(world, "2")) == ({"2027-02"}, {"2026-12"})
    set_time(world, datetime(2027, 3, 31, 12, tzinfo=UTC))
    report = archive.run(lambda: True)
    assert (report.archived, report.missed) == (("2027-02",), ("2026-12",))
    assert archive.run(lambda: True).archived == ()
    service = world.leaderboards()
    listed = {season["id"]: season["archived"] for season in service.seasons()}
    assert listed == {"2026-12": False, "2027-02": True, "2027-03": False}
    assert [row["telegramId"] for row in service.leaderboard(BoardQuery(season="2027-02"), 9)] == ["1"]
    with pytest.raises(NotFound, match="season not found"):
        service.leaderboard(BoardQuery(season="2026-12"), 9)


def test_a_season_that_runs_out_of_time_while_it_is_copied_is_not_closed(world: World, archive: SeasonArchive) -> None:
    """The season after the next begins, and a battle drops it from a player's document."""
    world.add_player()
    broker = world.add_broker(energy=100)
    fight(world, broker, NOVEMBER_ENDS - timedelta(days=1))
    set_time(world, NOVEMBER_ENDS + timedelta(days=30))

    def meanwhile() -> bool:
        if "2027-01" not in held(world):
            fight(world, broker, datetime(2027, 1, 1, tzinfo=UTC))
        return True

    report = archive.run(meanwhile)
    assert (report.archived, report.unfinished) == ((), ("2026-11",))
    assert archive.run(lambda: True).archived == ()


class Meddled(Operations):
    """A database in which a player drops last month between finding who fought in it and reading their sums."""

    def execute(self, operation: Any, **options: Any) -> Any:
        if isinstance(operation, Find) and operation.where.get("telegramId") == {"$in": ["2", "1"]}:
            super().execute(Write([Update("users", {"telegramId": "2"}, {"$unset": {"seasons.2026-11": ""}})]))
        return super().execute(operation, **options)


def test_a_player_who_drops_the_season_between_two_reads_is_passed_over(
    world: World, operations: Operations, database: Database[Document]
) -> None:
    for who in ("1", "2"):
        world.add_player(who, seasons={"2026-11": {"all": Totals(score=5, battles=1).fields()}})
    records = MongoSeasonRecords(Meddled(operations.pools, database.name))
    found = records.next_players(("2026-11", "all"), None, 10)
    assert [player["telegramId"] for player in found] == ["1"]


def test_a_change_of_length_loses_no_season(world: World, archive: SeasonArchive) -> None:
    """A month that was cut short is archived at its end, the weeks after it at theirs."""
    world.add_player()
    broker = world.add_broker(energy=100)
    month = fight(world, broker, datetime(2026, 12, 3, tzinfo=UTC))
    world.configure(seasonLength="week")
    weeks = []
    for day, archived in ((4, ()), (10, ("2026-W49",)), (17, ("2026-W50",))):
        weeks.append(fight(world, broker, datetime(2026, 12, day, tzinfo=UTC)))
        assert archive.run(lambda: True).archived == archived
    assert held(world) == {"2026-12", "2026-W50", "2026-W51"}
    set_time(world, datetime(2026, 12, 22, tzinfo=UTC))
    assert archive.run(lambda: True).archived == ("2026-W51",)
    set_time(world, datetime(2027, 1, 1, 1, tzinfo=UTC))
    assert archive.run(lambda: True).archived == ("2026-W52", "2026-12")
    assert archive.run(lambda: True).current == "2026-W53"
    assert [final(world, season) for season in ("2026-W49", "2026-W50", "2026-W51", "2026-12")] == [*weeks, month]


def test_a_change_from_weeks_to_months_loses_no_season(world: World, archive: SeasonArchive) -> None:
    """The first battle of the second month finds the first one, which ended a minute ago, and the last week."""
    world.configure(seasonLength="week")
    world.add_player()
    broker = world.add_broker(energy=100)
    fight(world, broker, datetime(2027, 1, 5, tzinfo=UTC))
    world.configure(seasonLength="month")
    first = fight(world, broker, datetime(2027, 1, 6, tzinfo=UTC))
    set_time(world, datetime(2027, 1, 12, tzinfo=UTC))
    assert archive.run(lambda: True).archived == ("2027-W01",)
    fight(world, broker, datetime(2027, 2, 1, 0, 1, tzinfo=UTC))
    assert held(world) == {"2027-01", "2027-02"}
    world.clock.advance(GRACE.total_seconds())
    assert archive.run(lambda: True).archived == ("2027-01",)
    assert final(world, "2027-01") == first


def test_weeks_dropped_before_a_change_to_months_are_not_archived(world: World, archive: SeasonArchive) -> None:
    """Although the month that runs now began before they ended: the weeks after them have taken their place."""
    world.configure(seasonLength="week")
    world.add_player("1")
    world.add_player("2")
    brokers = [world.add_broker(who, energy=100) for who in ("1", "2")]
    for number, (broker, day) in enumerate(((0, 1), (1, 1), (0, 20))):
        set_time(world, datetime(2026, 12, day, tzinfo=UTC))
        world.battles().run(world.command(brokers[broker], str(number), telegram_id=str(broker + 1)))
    world.configure(seasonLength="month")
    assert archive.run(lambda: True).archived == ()


def audited(world: World, operations: Operations) -> AuditReport:
    return StandingsAudit(MongoStandingsBooks(operations), world.catalogue, world.clock).run(mend=True)


def test_recomputing_keeps_the_seasons_battles_would_keep(world: World, operations: Operations) -> None:
    """The current one and the one before it; of the other length, those that overlap."""
    world.add_player()
    broker = world.add_broker(energy=100)
    for month in (9, 10, 11, 12):
        fight(world, broker, datetime(2026, month, 2, tzinfo=UTC))
    broken: Document = {"$set": {"totals.all.score": -1, "seasons.2026-09": {}}}
    world.write(Update("users", {"telegramId": "777"}, broken))
    assert audited(world, operations).mended == 1
    assert held(world) == {"2026-11", "2026-12"}
    world.configure(seasonLength="week")
    fight(world, broker, datetime(2026, 12, 17, tzinfo=UTC))
    before = world.one("users", telegramId="777")
    assert audited(world, operations).wrong == 0
    world.write(Update("users", {"telegramId": "777"}, {"$set": {"totals.all.score": -1}}))
    assert audited(world, operations).mended == 1
    after = world.one("users", telegramId="777")
    assert (after["totals"], after["seasons"]) == (before["totals"], before["seasons"])
    assert held(world) == {"2026-12", "2026-W51"}
    set_time(world, datetime(2027, 6, 1, tzinfo=UTC))
    assert audited(world, operations).wrong == 0, "who is away is not wrong"
    world.write(Update("users", {"telegramId": "777"}, {"$set": {"totals.all.score": -1}}))
    assert audited(world, operations).mended == 1
    assert held(world) == set()
