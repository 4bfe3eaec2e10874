"""Leaderboards of a million players: ``python -m bench.leaderboard``.

Starts a MongoDB and a Valkey of its own, fills them through the arena's own loading, and times what players ask for
beside the bare Redis command on the same server.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import redis
from pymongo import MongoClient

from bench.measure import Budget, Report, ended_by_ctrl_c, json_option, timed
from chalicelib.arena.battle import BattleResult
from chalicelib.arena.leaderboard_ports import Ranking
from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import ALL, Standing, Totals, league_board
from chalicelib.cache.door import PATIENT, RedisDoor
from chalicelib.cache.leaderboard import BoardKeys, RedisBoards
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.clock import ManualClock
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.leaderboard_upkeep import MongoStandingsPages
from chalicelib.data.leaderboards import MongoStandings
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from localcloud.mongod import ReplicaSet
from localcloud.ports import free_ports
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.valkey import Valkey

SEED = 1
DATABASE = "bench"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEASON = "2026-11"
BATCH = 20_000
SCORE = Ranking(board=ALL, metric="score")
BUDGET_SECONDS = 120.0
RANK_BUDGET = Budget(at_most=2.0)


@dataclass(frozen=True)
class Bench:
    """Filled servers, and the arena's own code upon them."""

    players: int
    keys: BoardKeys
    client: Any
    boards: RedisBoards
    mongo: MongoStandings
    service: LeaderboardService
    fallback: LeaderboardService
    draw: random.Random

    def people(self, count: int) -> list[str]:
        return [telegram_id(self.draw.randrange(self.players)) for _ in range(count)]


def telegram_id(number: int) -> str:
    return str(100_000_000 + 7919 * number)


def say(text: str) -> None:
    click.echo(text)


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """A MongoDB's and a Valkey's URIs, both gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as directory:
        state = StateDir(Path(directory))
        with Supervisor(state, log=lambda _: None) as supervisor:
            mongo, valkey = ReplicaSet(free_ports(1)), Valkey(free_ports(1)[0])
            supervisor.start(mongo.servers(state))
            supervisor.start([valkey.server(state)])
            yield mongo.uri, valkey.uri


def sums(draw: random.Random) -> dict[str, int]:
    battles = min(5000, int(draw.paretovariate(0.8)))
    score = battles * draw.randrange(20, 120)
    return {"score": score, "aiba": 2 * score, "neur": 0, "battles": battles}


def fill(uri: str, players: int) -> None:
    """Players with all-time and season standings; few have many battles, many have few."""
    draw = random.Random(SEED)
    with MongoClient[Document](uri, tz_aware=True) as client:
        database = client[DATABASE]
        for start in range(0, players, BATCH):
            documents = [
                {
                    "telegramId": telegram_id(number),
                    "username": f"player{number}",
                    "badges": [],
                    "totals": {ALL: sums(draw)},
                    "seasons": {SEASON: {ALL: sums(draw)}},
                    "standingsAt": NOW,
                }
                for number in range(start, min(start + BATCH, players))
            ]
            database["users"].insert_many(documents, ordered=False)
            progress("players stored", start + len(documents), players)
        say("building the indexes")
        ensure_indexes(database)


def progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{what}: {done:,} of {of:,}", nl=done >= of, err=True)


def load(upkeep: LeaderboardUpkeep, players: int) -> None:
    for season in (None, SEASON):
        seen = 0

        def count(more: int) -> None:
            nonlocal seen
            seen += more
            progress("players loaded into Redis", seen, players)

        started = time.perf_counter()
        upkeep.load((season, ALL), lambda: True, count)
        seconds = time.perf_counter() - started
        say(f"rebuilt {season or 'all-time'} {ALL} (4 sets): {seconds:.1f} s, {seen / seconds:,.0f} players/s")


def battle(bench: Bench, number: int) -> BattleResult:
    """A battle's news: on four boards, all-time and of the season."""
    who = telegram_id(bench.draw.randrange(bench.players))
    totals = Totals(score=10**7 + number, aiba=10**7 + number, neur=0, battles=10**5 + number)
    boards = (ALL, league_board("rookie"))
    standings = [Standing(season, board, totals) for season in (None, SEASON) for board in boards]
    return BattleResult(battle={"ownerTelegramId": who}, replayed=False, standings=standings)


def measure(report: Report, bench: Bench, calls: int) -> None:
    """Everything, on random players."""
    client, boards = bench.client, bench.boards
    key = bench.keys.ranking(None, ALL, "score")
    people = bench.people(calls)
    values = {who: int(client.zscore(key, who)) for who in people}
    scores = list(values.values())

    def window(who: str) -> object:
        place = client.zrevrank(key, who)
        return client.zrevrange(key, max(0, place - 5), place + 5)

    bare_rank = timed(lambda value: client.zcount(key, f"({value}", "+inf"), scores)
    bare_place = timed(lambda who: client.zrevrank(key, who), people)
    bare_window = timed(window, people)
    bare_top = timed(lambda _: client.zrevrange(key, 0, 49), people)
    report.section("bare commands")
    rank = report.row("ZCOUNT", [bare_rank])
    report.row("ZREVRANK", [bare_place])
    window_of = report.row("ZREVRANK, ZREVRANGE of 11", [bare_window])
    top = report.row("ZREVRANGE of 50", [bare_top])
    report.section("from Redis, through the arena's code")
    ours = report.row("rank", [timed(lambda value: boards.higher(SCORE, value), scores)], beside=rank)
    report.figure("rank, in the middle", ours.median, "ms", budget=RANK_BUDGET)
    around = timed(lambda who: boards.around(SCORE, who, values[who], 5), people)
    report.row("neighbours (5 and 5)", [around], beside=window_of)
    report.row("top 50", [timed(lambda _: boards.top(SCORE, 50), people)], beside=top)
    report.section("the whole answer, rows from MongoDB included")
    service_figures(report, bench.service, people)
    report.section("a battle's update (16 values in one round trip)")
    news = [battle(bench, number) for number in range(calls)]

    def bare_update(number: int) -> object:
        pipeline = client.pipeline(transaction=False)
        for place in range(16):
            pipeline.zadd(f"bare:{place}", {str(number): number}, gt=True)
        return pipeline.execute()

    bare_zadds = timed(bare_update, range(calls))
    zadds = report.row("16 bare ZADD GT, pipelined", [bare_zadds])
    report.row("fought()", [timed(lambda result: boards.fought(result), news)], beside=zadds)
    report.section("without Redis, from MongoDB's indexes")
    few = people[: max(20, calls // 50)]
    service_figures(report, bench.fallback, few)


def service_figures(report: Report, service: LeaderboardService, people: list[str]) -> None:
    query = BoardQuery()
    report.row("GET my-rank", [timed(lambda who: service.my_rank(who, query), people)])
    report.row("GET around-me (5 and 5)", [timed(lambda who: service.around_me(who, query, 5), people)])
    report.row("GET leaderboard (50)", [timed(lambda _: service.leaderboard(query, 50), people)])


def memory(report: Report, client: Any, keys: BoardKeys) -> None:
    """What the sets take."""
    total = 0
    for metric in ("score", "aiba", "neur", "battles"):
        key = keys.ranking(None, ALL, metric)
        size = int(client.memory_usage(key, samples=0))
        total += size
        report.figure(f"all-time {ALL} by {metric}", size / 2**20, "MiB")
        report.figure("  of a player", size / client.zcard(key), "bytes")
    used: Mapping[str, Any] = client.info("memory")
    report.figure("one board", total / 2**20, "MiB")
    report.figure("the server in all", used["used_memory"] / 2**20, "MiB")


def run(players: int, calls: int, json_file: Path | None) -> None:
    """The whole benchmark."""
    report = Report("leaderboard", {"players": players, "calls": calls, "seed": SEED})
    with servers() as (mongo_uri, redis_url):
        fill(mongo_uri, players)
        pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS))
        operations = Operations(pools, DATABASE, budget_seconds=BUDGET_SECONDS)
        clock, catalogue, mongo = ManualClock(NOW), MongoCatalogue(operations), MongoStandings(operations)
        bare = redis.Redis.from_url(redis_url, decode_responses=True, max_connections=1)
        quick, patient = RedisDoor.from_urls([redis_url]), RedisDoor.from_urls([redis_url], limits=PATIENT)
        boards = RedisBoards(quick, DATABASE, failed=lambda error: say(f"Redis failed: {error!r}"))
        with closing(pools), closing(patient), closing(quick), closing(bare):
            sets = RedisRankSets(patient, DATABASE, clock)
            load(LeaderboardUpkeep(MongoStandingsPages(operations), catalogue, clock, sets=sets), players)
            bench = Bench(
                players=players,
                keys=BoardKeys(DATABASE),
                client=bare,
                boards=boards,
                mongo=mongo,
                service=LeaderboardService(mongo, catalogue, clock, ranks=boards),
                fallback=LeaderboardService(mongo, catalogue, clock),
                draw=random.Random(SEED),
            )
            measure(report, bench, calls)
            report.section("memory of the sorted sets")
            memory(report, bare, bench.keys)
    report.write(json_file)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--players", type=click.IntRange(min=100), default=1_000_000, show_default=True)
@click.option("--calls", type=click.IntRange(min=100), default=3000, show_default=True, help="Of each kind.")
@json_option
def main(players: int, calls: int, json_file: Path | None) -> None:
    """Time leaderboards of many players beside bare Redis commands, and without Redis.

    Needs about 2 GB of memory and 2 GB of disk for a million players.
    """
    with ended_by_ctrl_c("the servers are stopped"):
        run(players, calls, json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
