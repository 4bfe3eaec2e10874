"""Sorted sets that may be lost at any time: never wrong, and whole again after the next run."""

import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.battle_service import BattleResult
from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.leaderboard_service import BoardQuery
from chalicelib.arena.leaderboard_upkeep import PAGE, LeaderboardUpkeep
from chalicelib.arena.leaderboard_upkeep_ports import Board, Loading
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.standings import METRICS, Standing, Totals
from chalicelib.cache.breaker import BreakerRules
from chalicelib.cache.leaderboard import BoardKeys, RedisBoards
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.data.leaderboard_upkeep import MongoStandingsPages
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from tests.fakes.live_queue import MemoryLiveQueue
from tests.rankings import random_players
from tests.redis_doors import client_of, door_to, eventually, forget
from tests.worlds import NOON, World, mongo_world

SCORE = Ranking(board="all", metric="score")
ALL_TIME: Board = (None, "all")
EXPIRY_SECONDS = 3600
"""Shorter than anything a season's end could be taken for, longer than any test."""


class Stage:
    """One arena with sorted sets, its listener and its upkeep."""

    def __init__(self, world: World, operations: Operations, url: str, database: str) -> None:
        self.world = world
        self.operations = operations
        self.redis = client_of(url)
        self.urls = url
        self.database = database
        self.keys = BoardKeys(database)
        self.failures: list[Exception] = []
        self.live = MemoryLiveQueue()
        self.seconds = 0.0
        self.door = door_to(url, now=lambda: self.seconds)
        self.boards = RedisBoards(self.door, database, failed=self.failures.append, live=self.live)
        self.sets = RedisRankSets(self.door, database, world.clock)
        self.pages = MongoStandingsPages(operations)
        self.upkeep = self.with_sets(self.sets)
        self.service = world.leaderboards(self.boards)

    def with_sets(self, sets: RedisRankSets | None) -> LeaderboardUpkeep:
        return LeaderboardUpkeep(self.pages, self.world.catalogue, self.world.clock, sets=sets, live=self.live)

    def run(self) -> Any:
        return self.upkeep.run(lambda: True)

    def fight(self, who: str, request_id: str, *, told: bool = True) -> None:
        """One battle, of which Redis is told or not."""
        self.world.clock.advance(60)
        broker = self.world.one("brokers", ownerTelegramId=who)
        listeners = [self.boards] if told else []
        self.world.battles(listeners=listeners).run(self.world.command(broker, request_id, telegram_id=who))

    def lose(self) -> None:
        """Redis forgets what it held of this arena."""
        forget(self.urls, f"{self.database}:")

    def scores(self, board: str = "all", season: str | None = None, metric: str = "score") -> dict[str, int]:
        """What the set of ``board`` by ``metric`` holds."""
        key = self.keys.ranking(season, board, metric)
        members: Any = self.redis.zrange(key, 0, -1, withscores=True)
        return {who: int(value) for who, value in members if value >= 0}


@pytest.fixture(params=["valkey_url", "valkey_cluster"])
def stage(request: pytest.FixtureRequest, database: Database[Document], mongo_uri: str) -> Iterator[Stage]:
    """On a single node, and on a cluster whose nodes share the boards."""
    urls: str = request.getfixturevalue(request.param)
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS))
    world, _ = mongo_world(database, mongo_uri, pools=pools)
    for who in ("1", "2", "3"):
        world.add_player(who, username=f"player {who}")
        world.add_broker(who, energy=100, intelligence=10 * int(who))
    stage = Stage(world, Operations(pools, database.name), urls, database.name)
    yield stage
    stage.door.close()
    stage.redis.close()
    pools.close()


def truth(world: World, season: str | None = None, board: str = "all", metric: str = "score") -> dict[str, int]:
    """Sums on players' documents."""
    found = {}
    for user in world.read("users"):
        boards = user.get("totals", {}) if season is None else user.get("seasons", {}).get(season, {})
        if board in boards:
            found[user["telegramId"]] = boards[board][metric]
    return found


def fill(stage: Stage) -> None:
    for number in range(6):
        stage.fight(str(1 + number % 3), f"r{number}")


def test_every_battle_raises_its_players_values(stage: Stage) -> None:
    """On every board it counts on, all-time and of the season."""
    fill(stage)
    for metric in METRICS:
        for board in ("all", "league:rookie"):
            for season in (None, "2026-11"):
                expected = truth(stage.world, season, board, metric)
                assert stage.scores(board, season, metric) == expected, (season, board, metric)
    assert not stage.failures


def test_sets_are_not_believed_before_they_are_complete(stage: Stage) -> None:
    """Redis was not told of one battle: the answer comes from MongoDB until the sets are whole."""
    stage.fight("1", "unheard", told=False)
    fill(stage)
    assert stage.boards.top(SCORE, 10) is None
    before = stage.service.leaderboard(BoardQuery(), 10)
    assert {row["telegramId"] for row in before} == {"1", "2", "3"}
    report = stage.run()
    assert report.redis == "ok"
    assert set(report.rebuilt) == set(stage.upkeep.boards())
    assert stage.boards.top(SCORE, 10) == [row["telegramId"] for row in before]
    assert stage.service.leaderboard(BoardQuery(), 10) == before
    assert stage.run().rebuilt == ()


def test_answers_stay_right_through_a_flush(stage: Stage) -> None:
    """At once from MongoDB, also when battles have begun to fill the sets again; fast again after the next run."""
    fill(stage)
    stage.run()
    stage.lose()
    stage.fight("2", "after the flush")
    assert stage.scores().keys() == {"2"}
    expected = sorted(truth(stage.world).items(), key=lambda item: (item[1], item[0]), reverse=True)
    rows = stage.service.leaderboard(BoardQuery(), 10)
    assert [(row["telegramId"], row["totalScore"]) for row in rows] == expected
    for position, (who, score) in enumerate(expected, 1):
        # Equals share a rank, as two of these players may.
        assert stage.service.my_rank(who, BoardQuery())["rank"] == 1 + sum(other > score for _, other in expected)
        assert stage.service.around_me(who, BoardQuery(), 2)["me"]["rank"] == position
    assert stage.boards.top(SCORE, 10) is None
    stage.run()
    assert stage.boards.top(SCORE, 10) == [who for who, _ in expected]


def test_a_lost_write_heals_with_the_next_run(stage: Stage) -> None:
    """Redis was told of every battle but one."""
    fill(stage)
    stage.run()
    stage.fight("1", "lost", told=False)
    assert stage.scores() != truth(stage.world)
    stage.world.clock.advance(60)
    report = stage.run()
    assert report.reconciled >= 1
    assert stage.scores() == truth(stage.world)
    assert stage.scores("league:rookie", "2026-11") == truth(stage.world, "2026-11", "league:rookie")


def test_a_late_write_changes_nothing(stage: Stage) -> None:
    """The sums of an earlier battle arrive after those of a later one."""
    fill(stage)
    stage.run()
    before = stage.scores()
    earlier = Totals(score=0, battles=1)
    stage.sets.load(ALL_TIME, [("1", earlier)])
    assert stage.scores() == before
    standings = [Standing(*ALL_TIME, earlier)]
    stage.boards.fought(BattleResult(battle={"ownerTelegramId": "1"}, replayed=False, standings=standings))
    assert stage.scores() == before
    assert not stage.failures


def test_an_interrupted_loading_goes_on_where_it_stopped(stage: Stage, database: Database[Document]) -> None:
    """Time for one page a run: nobody is read twice, and the board is complete at the end."""
    players = random_players(random.Random(7), 2 * PAGE + 300, NOON - timedelta(days=30))
    database["users"].insert_many(players)
    read: list[int] = []
    assert not stage.upkeep.load(ALL_TIME, lambda: False, read.append)
    assert not stage.upkeep.load(ALL_TIME, lambda: False, read.append)
    assert stage.boards.higher(SCORE, 0) is None
    assert stage.upkeep.load(ALL_TIME, lambda: False, read.append)
    with_battles = sum(bool(player["totals"]) for player in players)
    assert sum(read) == with_battles == stage.sets.size(ALL_TIME, "score")
    assert stage.boards.higher(SCORE, 0) is not None


def test_a_loading_whose_sets_were_lost_begins_anew(stage: Stage, database: Database[Document]) -> None:
    """Also when a battle has made a new set of the same name meanwhile."""
    database["users"].insert_many(random_players(random.Random(7), PAGE + 100, NOON - timedelta(days=30)))
    assert not stage.upkeep.load(ALL_TIME, lambda: False)
    key = stage.keys.ranking(None, "all", "aiba")
    stage.redis.delete(key)
    stage.fight("1", "meanwhile")
    read: list[int] = []
    assert stage.upkeep.load(ALL_TIME, lambda: True, read.append)
    assert sum(read) == stage.sets.size(ALL_TIME, "aiba") == stage.sets.size(ALL_TIME, "score")


def test_a_loading_that_lost_its_sets_on_the_way_is_not_complete(stage: Stage) -> None:
    """The mark it was begun with is gone with them; another loading's mark is not its own."""
    fill(stage)
    loading = stage.sets.begin(ALL_TIME)
    stage.lose()
    other = stage.sets.begin(ALL_TIME)
    stage.sets.load(ALL_TIME, stage.pages.players(ALL_TIME, "", PAGE))
    assert not stage.sets.complete(ALL_TIME, loading)
    assert stage.boards.top(SCORE, 1) is None
    again = stage.sets.begin(ALL_TIME)
    assert other.token != again.token
    stage.sets.load(ALL_TIME, stage.pages.players(ALL_TIME, "", PAGE))
    assert stage.sets.complete(ALL_TIME, again)
    assert stage.boards.top(SCORE, 10) is not None
    assert not stage.sets.complete(ALL_TIME, Loading("#unknown"))


def test_sets_of_a_season_expire(stage: Stage) -> None:
    """Three days after its end; all-time sets stay."""
    fill(stage)
    stage.run()
    left = (datetime(2026, 12, 4, tzinfo=UTC) - stage.world.clock()).total_seconds()
    for metric in ("score", "battles"):
        for board in ("all", "league:rookie", "league:elite"):
            key = stage.keys.ranking("2026-11", board, metric)
            # The server has counted since, by its own clock.
            assert left - EXPIRY_SECONDS < stage.redis.ttl(key) <= left, key
    assert stage.redis.ttl(stage.keys.ranking(None, "all", "score")) == -1


def test_the_last_battles_of_a_season_heal_after_its_end(stage: Stage) -> None:
    """A write lost in its last seconds, found by the first run of the next."""
    stage.world.clock.advance((datetime(2026, 11, 30, 23, 58, tzinfo=UTC) - NOON).total_seconds())
    stage.run()
    stage.fight("1", "last", told=False)
    stage.world.clock.advance(90)
    stage.run()
    assert stage.scores("all", "2026-11") == truth(stage.world, "2026-11") != {}


def test_a_dead_redis_is_asked_once_in_a_while(stage: Stage, database: Database[Document]) -> None:
    """Battles and answers go on without; the upkeep says so."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        dead = Stage(stage.world, stage.operations, url, database.name)
        for number in range(3):
            dead.fight("1", f"r{number}")
        assert len(dead.failures) == 2
        assert dead.service.my_rank("1", BoardQuery())["rank"] == 1
        dead.seconds = BreakerRules().open_seconds * 2
        dead.fight("1", "later")
        assert len(dead.failures) == 3
        assert dead.run().redis == "unavailable"


def test_followed_boards_are_announced_at_most_once_in_two_seconds(stage: Stage) -> None:
    """And boards nobody follows are not; whoever comes right after one of those misses nothing."""
    stage.fight("1", "nobody follows")
    assert stage.live.boards == []
    assert [row["telegramId"] for row in stage.service.top("all", "score", 10)] == ["1"]
    pushed, numbers = stage.keys.pushed("all"), count()

    def announced() -> bool:
        stage.live.boards.clear()
        stage.fight("1", f"first {next(numbers)}")
        assert stage.live.boards == ["all"]
        # The server's seconds, which a busy machine outlasts: nobody may, from here on.
        left = stage.redis.pttl(pushed)
        assert left <= 2000
        return left > 0 and bool(stage.redis.pexpire(pushed, 600_000))

    eventually("it is announced, and for a while", announced)
    assert not stage.redis.exists(stage.keys.pushed("league:rookie"))
    stage.fight("2", "at once again")
    assert stage.live.boards == ["all"]
    stage.redis.delete(pushed)
    stage.fight("3", "later")
    assert stage.live.boards == ["all", "all"]


@pytest.mark.parametrize("with_redis", [True, False])
def test_the_upkeep_announces_what_changed(stage: Stage, with_redis: bool) -> None:
    """With Redis since the last run, without it in the last minute and a half."""
    upkeep = stage.with_sets(stage.sets if with_redis else None)
    upkeep.run(lambda: True)
    stage.live.boards.clear()
    stage.world.clock.advance(120)
    assert upkeep.run(lambda: True).announced == ()
    stage.fight("1", "news")
    assert upkeep.run(lambda: True).announced == ("all", "league:rookie")
    assert stage.live.boards == ["all", "league:rookie"]


def test_realms_have_boards_as_soon_as_they_are_active(stage: Stage) -> None:
    """Their players' sets are loaded by the next run."""
    stage.world.add("realms", key="desert", name="Desert", level=1, order=0, active=True)
    for who in ("1", "2"):
        change: Document = {"$set": {"realmProgress": {"desert": {}}}}
        stage.world.write(Update("users", {"telegramId": who}, change))
    fill(stage)
    stage.run()
    desert = Ranking(board="realm:desert", metric="score")
    assert stage.boards.higher(desert, 0) == sum(
        value > 0 for value in truth(stage.world, None, "realm:desert").values()
    )
    assert {row["telegramId"] for row in stage.service.leaderboard(BoardQuery(realm="desert"), 5)} == {"1", "2"}


def test_runs_side_by_side_do_no_harm(stage: Stage) -> None:
    """Two loadings of one board, interleaved: complete when the first ends, complete when the second does."""
    fill(stage)
    players = stage.pages.players(ALL_TIME, "", PAGE)
    one, two = stage.sets.begin(ALL_TIME), stage.sets.begin(ALL_TIME)
    stage.sets.load(ALL_TIME, players)
    assert stage.sets.complete(ALL_TIME, one)
    expected = stage.boards.top(SCORE, 10)
    assert expected is not None
    stage.sets.load(ALL_TIME, players)
    stage.sets.complete(ALL_TIME, two)
    assert stage.boards.top(SCORE, 10) == expected
