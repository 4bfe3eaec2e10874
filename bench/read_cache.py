"""What reading through the cache saves: ``python -m bench.read_cache``.

The same questions go in turns to the arena's services with the cache and without it, on the same MongoDB and Valkey;
without it the order of a leaderboard still comes from Redis' sorted sets. Values end by the real clock, so that loads
are among what is timed.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from pymongo import MongoClient

from bench.leaderboard import BUDGET_SECONDS, DATABASE, fill, load, say, servers
from bench.measure import Report, ended_by_ctrl_c, json_option, timed
from chalicelib.arena.catalogue_service import CatalogueService
from chalicelib.arena.guild_ports import GuildQueries
from chalicelib.arena.guilds import new_guild
from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
from chalicelib.arena.ports import Document
from chalicelib.cache.door import PATIENT, RedisDoor
from chalicelib.cache.leaderboard import RedisBoards
from chalicelib.cache.leaderboard_sets import RedisRankSets
from chalicelib.clock import system_clock
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.guilds import MongoGuilds
from chalicelib.data.leaderboard_upkeep import MongoStandingsPages
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.monitoring.registry import Registry
from chalicelib.wiring.caching import Caching

GUILDS = 200
MEMBERS = 10
TURNS = 10
"""Calls are timed in so many turns of either side, so that neither has the quieter machine."""


@dataclass(frozen=True)
class Side:
    """The services players' reads go to."""

    catalogue: CatalogueService
    leaderboards: LeaderboardService
    guilds: GuildQueries

    def questions(self) -> dict[str, Callable[[object], object]]:
        board = BoardQuery()
        return {
            "GET game-modes": lambda _: self.catalogue.game_modes(),
            "GET comms/config": lambda _: self.catalogue.comms_config(),
            "GET leaderboard (50)": lambda _: self.leaderboards.leaderboard(board, 50, "777"),
            "GET leaderboard (500)": lambda _: self.leaderboards.leaderboard(board, 500, "777"),
            f"GET guilds/list ({GUILDS} of {MEMBERS} members)": lambda _: self.guilds.ranked(GUILDS),
        }


@contextmanager
def sides(players: int) -> Iterator[tuple[Side, Side]]:
    """With the cache, and without."""
    with servers() as (mongo_uri, redis_url):
        fill(mongo_uri, players)
        _found_guilds(mongo_uri)
        pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS))
        operations = Operations(pools, DATABASE, budget_seconds=BUDGET_SECONDS)
        door, patient = RedisDoor.from_urls([redis_url]), RedisDoor.from_urls([redis_url], limits=PATIENT)
        with closing(pools), closing(patient), closing(door):
            sets, pages = RedisRankSets(patient, DATABASE, system_clock), MongoStandingsPages(operations)
            load(LeaderboardUpkeep(pages, MongoCatalogue(operations), system_clock, sets=sets), players)
            boards = RedisBoards(door, DATABASE, failed=lambda error: say(f"Redis failed: {error!r}"))
            guilds = MongoGuilds(MongoStore(operations, Transactions(pools)), operations)

            def side(redis: RedisDoor | None) -> Side:
                caching = Caching(redis, DATABASE, lambda: operations, system_clock, Registry())
                return Side(
                    CatalogueService(caching.catalogue(caching.reads), system_clock),
                    caching.leaderboards(boards, caching.reads),
                    caching.guilds(guilds),
                )

            yield side(door), side(None)


def _found_guilds(mongo_uri: str) -> None:
    with MongoClient[Document](mongo_uri, tz_aware=True) as client:
        database, now = client[DATABASE], system_clock()
        seed_defaults(database, now)
        for number in range(GUILDS):
            guild = new_guild(str(number), f"guild {number}", "", now, guild_id=number)
            people = [
                {"telegramId": str(number + other), "role": "member", "joinedAt": now} for other in range(MEMBERS)
            ]
            database["guilds"].insert_one({**guild, "members": people})


def compare(report: Report, cached: Side, uncached: Side, calls: int) -> None:
    without = uncached.questions()
    for name, ask in cached.questions().items():
        ask(None)
        without[name](None)
        turns = [(timed(ask, range(calls // TURNS)), timed(without[name], range(calls // TURNS))) for _ in range(TURNS)]
        report.section(name)
        plain = report.row("uncached", [theirs for _, theirs in turns])
        report.row("cached", [ours for ours, _ in turns], beside=plain)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--players", type=click.IntRange(min=100), default=20_000, show_default=True)
@click.option("--calls", type=click.IntRange(min=100), default=1000, show_default=True, help="Of each kind and side.")
@json_option
def main(players: int, calls: int, json_file: Path | None) -> None:
    """Time players' reads with the cache and without it, side by side."""
    with ended_by_ctrl_c("the servers are stopped"):
        report = Report("read_cache", {"players": players, "calls": calls, "turns": TURNS})
        with sides(players) as (cached, uncached):
            compare(report, cached, uncached, calls)
        report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
