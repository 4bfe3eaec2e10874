"""How what players ask for grows with the arena: ``python -m bench.growth``.

The same operations in turns on arenas of one, ten and a hundred times as many documents, on one MongoDB and one Valkey.
What is told of each is its exponent: the slope of the logarithm of its time over the logarithm of the size, by least
squares. 0 means that size does not matter, 1 that it takes ten times as long in an arena ten times as large. Times are
those of the quickest tenth of calls: on a busy machine the rest is other people's work.
"""

import itertools
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import Any, Final

import click
from pymongo import MongoClient

from bench.battle_contestants import Place, settings
from bench.growth_world import BATTLES_EACH, MAIN, MAIN_EVERY, GrowingWorld
from bench.leaderboard import progress, servers
from bench.measure import Budget, Report, Row, ended_by_ctrl_c, json_option
from chalicelib import wiring
from chalicelib.arena.battle_queue_ports import JobKey
from chalicelib.arena.history_service import HistoryService, PageRequest
from chalicelib.arena.leaderboard_service import BoardQuery, LeaderboardService
from chalicelib.clock import system_clock
from chalicelib.data.battle_jobs import MongoBattleJobs
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.leaderboards import MongoStandings

SEED: Final = 1
TIMES: Final = (1, 10, 100)
EXPONENT: Final = 0.2
PAGE: Final = 20
GUILDS: Final = 10
QUICKEST: Final = 0.1
UNCACHED_CALLS: Final = 5
"""Of what counts players one by one, in a round."""

Ask = Callable[[], object]


@dataclass(frozen=True)
class Town:
    """An arena of one size."""

    times: int
    world: GrowingWorld
    database: Any
    arena: wiring.Arena

    def asked(self, calls: int) -> dict[str, Iterator[Ask]]:
        """Each operation's next calls, of players drawn at random; making them is not timed."""
        world, arena = self.world, self.arena
        jobs, boards = MongoBattleJobs(arena.operations), BoardQuery()
        bare = LeaderboardService(MongoStandings(arena.operations), MongoCatalogue(arena.operations), system_clock)
        battles = world.players * BATTLES_EACH
        now = system_clock()

        def each(count: int, of: int, call: Callable[[int], object]) -> Iterator[Ask]:
            return (partial(call, number) for number in world.numbers(count, of))

        def rank(service: LeaderboardService) -> Callable[[int], object]:
            return lambda number: service.my_rank(world.player(number), boards)

        def around(service: LeaderboardService) -> Callable[[int], object]:
            return lambda number: service.around_me(world.player(number), boards, 5)

        def fight(number: int) -> object:
            return arena.battles.run(world.command(number, f"{time.monotonic_ns()}"))

        def status(number: int) -> object:
            return arena.battle_queue.status(world.owner(number), world.fought(number))

        def claim(number: int) -> object:
            return jobs.claim(JobKey(world.player(number), world.queued(number), 1), now, now)

        few = min(calls, UNCACHED_CALLS)
        return {
            "battle": each(calls, world.players, fight),
            "my-rank": each(calls, world.players, rank(arena.leaderboards)),
            "neighbours": each(calls, world.players, around(arena.leaderboards)),
            "battle history, a page from its middle": self._pages(calls, lambda history: history.battles),
            "ledger, a page from its middle": self._pages(calls, lambda history: history.transactions),
            "guild list": each(calls, world.players, lambda _: arena.guild_documents.ranked(GUILDS)),
            "battle status": each(calls, battles, status),
            "queue claim": each(calls, world.players, claim),
            "my-rank without a cache": each(few, world.players, rank(bare)),
            "neighbours without a cache": each(few, world.players, around(bare)),
        }

    def _pages(self, calls: int, of: Callable[[HistoryService], Callable[[PageRequest], Any]]) -> Iterator[Ask]:
        page = of(self.arena.history)
        cursor = None
        for _ in range(self.world.players * BATTLES_EACH // MAIN_EVERY // PAGE // 2):
            cursor = page(PageRequest(telegram_id=MAIN, limit=PAGE, cursor=cursor))["nextCursor"]
        return itertools.repeat(lambda: page(PageRequest(telegram_id=MAIN, limit=PAGE, cursor=cursor)), calls)


@contextmanager
def towns(players: int) -> Iterator[tuple[str, list[Town]]]:
    """mongod's version, and an arena of each size, its leaderboards loaded."""
    with servers() as (mongo_uri, redis_url), ExitStack() as stack:
        client = stack.enter_context(MongoClient[Any](mongo_uri, tz_aware=True))
        made = []
        for times in TIMES:
            world, database = GrowingWorld(players * times, SEED), client[f"growth_{times}"]
            world.fill(database, progress)
            arena = wiring.Arena(settings(Place(0, mongo_uri, database.name, redis_url)))
            stack.enter_context(closing(arena))
            for board in arena.leaderboard_upkeep.boards():
                arena.leaderboard_upkeep.load(board, lambda: True)
            made.append(Town(times, world, database, arena))
        yield str(client.server_info()["version"]), made


def measure(found: Sequence[Town], rounds: int, calls: int) -> dict[str, dict[int, list[list[float]]]]:
    """Milliseconds by operation and size, round by round; the first round is thrown away."""
    draw = random.Random(SEED)
    taken: dict[str, dict[int, list[list[float]]]] = {}
    for number in range(rounds + 1):
        prepared = {town.times: town.asked(calls) for town in found}
        for town in found:
            town.world.rest(town.database)
        for name in prepared[TIMES[0]]:
            for times in draw.sample(TIMES, len(TIMES)):
                each = [_milliseconds(ask) for ask in prepared[times][name]]
                if number:
                    taken.setdefault(name, {}).setdefault(times, []).append(each)
        progress("rounds", number, rounds)
    return taken


def _milliseconds(ask: Ask) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def exponent(milliseconds: dict[int, float]) -> float:
    """The slope of log time over log size."""
    return linear_regression([math.log(times) for times in milliseconds], [math.log(v) for v in milliseconds.values()])[
        0
    ]


def tell(report: Report, taken: dict[str, dict[int, list[list[float]]]]) -> None:
    for name, sizes in taken.items():
        report.section(name)
        first: Row | None = None
        quickest = {}
        for times in sorted(sizes):
            row = report.row(f"{name}, {times} x", sizes[times], beside=first)
            first = first or row
            rising = sorted(value for each in sizes[times] for value in each)
            quickest[times] = rising[int(len(rising) * QUICKEST)]
        told = ", ".join(f"{times} x {milliseconds:.2f} ms" for times, milliseconds in quickest.items())
        report.figure(f"{name}: exponent", exponent(quickest), f"({told})", budget=Budget(at_most=EXPONENT))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--players", type=click.IntRange(min=100), default=100, show_default=True, help="Of the smallest arena.")
@click.option("--rounds", type=click.IntRange(min=2), default=6, show_default=True)
@click.option("--calls", type=click.IntRange(min=5, max=50), default=40, show_default=True, help="Of each, a round.")
@json_option
def main(players: int, rounds: int, calls: int, json_file: Path | None) -> None:
    """Time players' operations on arenas of one, ten and a hundred times the size.

    A hundred times 100 players are 10,000 players with 100,000 battles: about 330,000 documents.
    """
    with ended_by_ctrl_c("the servers are stopped"), towns(players) as (version, found):
        conditions = {"mongod": version, "seed": SEED, "players": [town.world.players for town in found]}
        report = Report("growth", {**conditions, "rounds": rounds, "calls a round": calls})
        tell(report, measure(found, rounds, calls))
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
