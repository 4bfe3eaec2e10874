"""Shard keys on a million documents: ``python -m bench.sharding``.

Starts a MongoDB of its own, fills the four collections that can be sharded, document by document in the order an arena
writes them, and judges the arena's keys, the guide's, and others that look as good (docs/sharding.md).
"""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from bench.leaderboard import progress, servers
from bench.measure import Budget, Report, ended_by_ctrl_c, json_option
from bench.sharding_workload import played
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import ALL, escaped, league_board, realm_board
from chalicelib.clock import ManualClock
from chalicelib.data.sharding import SHARDED, boards_of
from chalicelib.observability import logger
from infra.sharding.report import Judged, judged, table
from infra.sharding.shapes import RECORDED, Shape, as_rows, recorded
from infra.sharding.shell import shown

SEED: Final = 1
DATABASE: Final = "bench_sharding"
BATCH: Final = 5_000
NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEAGUES: Final = ("rookie", "pro", "elite")
LEAGUE_SHARES: Final = (70, 25, 5)
REALMS: Final = ("africa", "antarctica", "asia", "australia", "europe", "north-america", "south-america")
REALM_SHARES: Final = (8, 1, 40, 2, 26, 15, 8)
"""The guide's regions of a board are realms here: seven, as unequal as continents."""
SEASONS: Final = ("2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
PARTS: Final = {"users": 10, "battles": 28, "ledgerentries": 42, "seasonstandings": 20}
"""Percent of the documents: ten a player."""
BUSIEST: Final = 100
"""A player fights at most one of so many of all battles."""
RECORDED_REQUESTS: Final = 4000


class Arena:
    """Makes documents of an arena with so many in all, by a seeded generator."""

    def __init__(self, documents: int, seed: int) -> None:
        self._draw = random.Random(seed)
        self.counts = {name: documents * part // 100 for name, part in PARTS.items()}
        # Telegram gave the ids out long before anybody played here.
        self._ids = [str(self._draw.randrange(10**8, 8 * 10**9)) for _ in range(self.counts["users"])]
        most = max(3, self.counts["battles"] // BUSIEST)
        # Few have many battles, many have few.
        self._weights = [min(most, int(self._draw.paretovariate(0.8))) for _ in self._ids]
        self._step = timedelta(days=90) / max(1, self.counts["battles"])

    def collection(self, name: str) -> Iterator[Document]:
        """Its documents, in the order an arena writes them."""
        makers = {
            "users": self._users,
            "battles": self._battles,
            "ledgerentries": self._rows,
            "seasonstandings": self._standings,
        }
        return makers[name]()

    def _users(self) -> Iterator[Document]:
        for number, telegram_id in enumerate(self._ids):
            yield {"telegramId": telegram_id, "username": f"player{number}", "createdAt": NOW - timedelta(days=400)}

    def _battles(self) -> Iterator[Document]:
        for number, owner in self._fights(self.counts["battles"]):
            yield {
                "requestId": _request_id(number),
                "ownerTelegramId": owner,
                "createdAt": self._moment(number),
                "score": self._draw.randrange(200),
            }

    def _rows(self) -> Iterator[Document]:
        """A battle pays once or twice."""
        per_battle = -(-self.counts["ledgerentries"] // self.counts["battles"])
        left = self.counts["ledgerentries"]
        for number, owner in self._fights(self.counts["battles"]):
            for currency in ("AIBA", "NEUR")[: min(per_battle, left, 1 + number % 2)]:
                left -= 1
                yield {
                    "telegramId": owner,
                    "currency": currency,
                    "direction": "credit",
                    "amount": 1 + number % 90,
                    "reason": "battle_reward",
                    "sourceType": "battle",
                    "sourceId": _request_id(number),
                    "createdAt": self._moment(number),
                }

    def _standings(self) -> Iterator[Document]:
        """Season after season, board after board, from the first to the last."""
        boards = dict(_boards())
        each = self.counts["seasonstandings"] // len(SEASONS)
        for season in SEASONS:
            for board, share in boards.items():
                players = self._draw.sample(self._ids, min(len(self._ids), round(each * share)))
                for rank, telegram_id in enumerate(players, 1):
                    yield {
                        "_id": f"{season}|{escaped(board)}|{telegram_id}",
                        "season": season,
                        "board": board,
                        "telegramId": telegram_id,
                        "rank": rank,
                    }

    def _fights(self, count: int) -> Iterator[tuple[int, str]]:
        """The same battles each time: the ledger's are the battles'."""
        draw = random.Random(f"fights {count}")
        for start in range(0, count, BATCH):
            owners = draw.choices(self._ids, self._weights, k=min(BATCH, count - start))
            yield from enumerate(owners, start)

    def _moment(self, number: int) -> datetime:
        return NOW - timedelta(days=90) + number * self._step


def _boards() -> Iterator[tuple[str, float]]:
    """Boards with their parts of a season's rows: each player is on that of all, of a league, and of a realm."""
    yield ALL, 1 / 3
    for names, shares, board in ((LEAGUES, LEAGUE_SHARES, league_board), (REALMS, REALM_SHARES, realm_board)):
        for name, share in zip(names, shares, strict=True):
            yield board(name), share / 300


def _request_id(number: int) -> str:
    """As clients make them: at random."""
    return f"{random.Random(number).getrandbits(128):032x}"


def fill(database: Database[Document], documents: int, seed: int = SEED) -> None:
    """A batch at a time; ids rise as time does."""
    arena = Arena(documents, seed)
    for one in SHARDED:
        stored, batch = 0, []
        for document in arena.collection(one.collection):
            batch.append({"_id": ObjectId(), **document})
            if len(batch) == BATCH:
                stored = _store(database, one.collection, batch, stored)
                progress(f"{one.collection} stored", stored, arena.counts[one.collection])
                batch = []
        _store(database, one.collection, batch, stored)
    if sys.stderr.isatty():
        click.echo(err=True)


def _store(database: Database[Document], collection: str, batch: list[Document], stored: int) -> int:
    if batch:
        database[collection].insert_many(batch)
    return stored + len(batch)


def judge(database: Database[Document]) -> list[Judged]:
    """Every key that is known, on what ``fill`` has stored."""
    return judged(database, boards=boards_of(LEAGUES, REALMS), progress=progress)


def record(mongo_uri: str, redis_url: str, requests: int, seed: int = SEED) -> dict[Shape, float]:
    """Shapes of players' queries, beside those that are recorded already."""
    logger().setLevel("ERROR")
    with MongoClient[Document](mongo_uri, tz_aware=True) as client:
        # What has expired by the server's clock has not by the workload's.
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})
        database = client[f"{DATABASE}_played"]
        found = played(mongo_uri, database, redis_url, ManualClock(NOW), requests=requests, seed=seed)
        client.drop_database(database.name)
    known = dict.fromkeys(recorded(), 0.0) if RECORDED.is_file() else {}
    return {**known, **found}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--documents", type=click.IntRange(min=10_000), default=1_000_000, show_default=True)
@click.option("--seed", type=int, default=SEED, show_default=True)
@json_option
@click.option("--record-queries", is_flag=True, help=f"Only play requests, and write {RECORDED.name} anew.")
def main(documents: int, seed: int, json_file: Path | None, record_queries: bool) -> None:
    """Judge shard keys on many documents. Exits with 1 when one of the arena's own is refused.

    A million documents take about 1 GB of disk.
    """
    with ended_by_ctrl_c("the servers are stopped"), servers() as (mongo_uri, redis_url):
        if record_queries:
            RECORDED.write_text(as_rows(record(mongo_uri, redis_url, RECORDED_REQUESTS, seed)), encoding="utf-8")
            return
        with MongoClient[Document](mongo_uri, tz_aware=True) as client:
            fill(client[DATABASE], documents, seed)
            found = judge(client[DATABASE])
    report = Report("sharding", {"documents": documents, "seed": seed})
    click.echo("\n".join(table(found)))
    report.section("reasons to refuse a key")
    for one in found:
        name = f"{one.figures.collection} {shown(one.figures.key)}, {one.whose}"
        report.figure(name, len(one.refusals), budget=Budget(at_most=0) if one.whose == "ours" else None)
    report.write(json_file)
    if any(one.whose == "ours" and one.refusals for one in found):
        sys.exit(1)


if __name__ == "__main__":
    main(standalone_mode=True)
