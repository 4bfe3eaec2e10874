"""Ranks and neighbours from MongoDB and from Redis equal those of a sorted list, on ten thousand random questions."""

import random
import uuid
from collections.abc import Iterator

import pytest
from pymongo import MongoClient

from chalicelib.arena.leaderboard_ports import Neighbours, Ranking, Ranks, StandingsQueries
from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
from chalicelib.arena.ports import Document
from chalicelib.cache.leaderboard import RedisBoards
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.data.leaderboard_upkeep import MongoStandingsPages
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.data.operations import Operations
from tests.rankings import BruteForce, every_ranking, random_players
from tests.redis_doors import door_to, forget
from tests.worlds import NOON, mongo_world

SEED = 20261123
PLAYERS = 3000
QUESTIONS = 10_000


class Paths:
    """The same players, asked through either path."""

    def __init__(self, players: list[Document], mongo: StandingsQueries, boards: RedisBoards) -> None:
        self.rankings = {ranking: BruteForce.of(players, ranking) for ranking in every_ranking()}
        self.by_name: dict[str, StandingsQueries | Ranks] = {"mongo": mongo, "redis": boards}


@pytest.fixture(scope="module")
def paths(mongo_uri: str, mongo_client: MongoClient[Document], valkey_url: str) -> Iterator[Paths]:
    """Thousands of players in MongoDB, their sets loaded into Valkey by the upkeep."""
    database = mongo_client[f"test_{uuid.uuid4().hex[:12]}"]
    world, pools = mongo_world(database, mongo_uri)
    players = random_players(random.Random(SEED), PLAYERS, NOON)
    database["users"].insert_many(players)
    operations = Operations(pools, database.name)
    door = door_to(valkey_url)
    boards = RedisBoards(door, database.name, failed=_refuse)
    sets = RedisRankSets(door, database.name, world.clock)
    upkeep = LeaderboardUpkeep(MongoStandingsPages(operations), world.catalogue, world.clock, sets=sets)
    for board in {(ranking.season, ranking.board) for ranking in every_ranking()}:
        assert upkeep.load(board, lambda: True)
    yield Paths(players, MongoStandings(operations), boards)
    door.close()
    pools.close()
    mongo_client.drop_database(database.name)
    forget(valkey_url, f"{database.name}:")


def _refuse(error: Exception) -> None:
    raise AssertionError(error)


@pytest.mark.parametrize("path", ["mongo", "redis"])
def test_ten_thousand_random_questions(paths: Paths, path: str) -> None:
    """Rank of a value and neighbours of a player, on random boards and metrics, all-time and of a season."""
    print("seed", SEED)
    draw = random.Random(SEED)
    asked = paths.by_name[path]
    rankings = list(paths.rankings.items())
    for number in range(QUESTIONS):
        ranking, expected = draw.choice(rankings)
        place = draw.randrange(len(expected.order))
        value, who = expected.order[place]
        if draw.random() < 0.9:
            assert asked.higher(ranking, value) == expected.higher(value), (number, ranking, who)
        else:
            reach = draw.randrange(1, 9)
            found = asked.around(ranking, who, value, reach)
            assert found is not None
            assert _plain(found) == expected.around(place, reach), (number, ranking, who)


@pytest.mark.parametrize("path", ["mongo", "redis"])
def test_the_top_of_every_ranking(paths: Paths, path: str) -> None:
    """Whatever the limit cuts through: equals stand in their order there, too."""
    draw = random.Random(SEED)
    for ranking, expected in paths.rankings.items():
        for limit in (1, 2, draw.randrange(3, 60), 500):
            found = paths.by_name[path].top(ranking, limit)
            assert found is not None
            assert list(found) == expected.top(limit), (ranking, limit)


def test_the_bottom_and_beyond(paths: Paths) -> None:
    """Values nobody has are ranked as well: a player without battles comes after all who have more than 0."""
    for ranking, expected in paths.rankings.items():
        for value in (0, 2**53 - 1):
            answers = {asked.higher(ranking, value) for asked in paths.by_name.values()}
            assert answers == {expected.higher(value)}


def test_a_player_redis_does_not_know_is_left_to_mongo(paths: Paths) -> None:
    """So is one whose value there is older than what is known."""
    ranking = Ranking(board="all", metric="score")
    _, who = paths.rankings[ranking].order[7]
    value = paths.rankings[ranking].order[7][0]
    boards = paths.by_name["redis"]
    assert boards.around(ranking, "stranger", 5, 3) is None
    assert boards.around(ranking, who, value + 1, 3) is None
    assert boards.around(ranking, who, value, 3) is not None


def _plain(found: Neighbours) -> Neighbours:
    return Neighbours(found.position, list(found.above), list(found.below))
