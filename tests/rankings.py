"""Players with standings by the thousand, and their rankings by brute force."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from chalicelib.arena.leaderboard_ports import Neighbours, Ranking
from chalicelib.arena.ports import Document
from chalicelib.arena.standings import ALL, METRICS, escaped

SEASON = "2026-11"
BOARDS = (ALL, "league:rookie", "league:el.$te", "realm:desert")


def random_players(draw: random.Random, count: int, now: datetime) -> list[Document]:
    """Documents of ``count`` players with many equal values; some boards are missing from most."""
    numbers = draw.sample(range(1, 10_000_000), count)
    return [_player(draw, str(number), now) for number in numbers]


def _player(draw: random.Random, telegram_id: str, now: datetime) -> Document:
    document: Document = {
        "_id": ObjectId(),
        "telegramId": telegram_id,
        "username": f"player {telegram_id}",
        "badges": [],
        "standingsAt": now,
        "totals": {},
        "seasons": {},
    }
    if draw.random() < 0.97:
        document["totals"] = _boards(draw)
    if draw.random() < 0.5:
        document["seasons"] = {SEASON: _boards(draw), "2026-10": _boards(draw)}
    return document


def _boards(draw: random.Random) -> dict[str, dict[str, int]]:
    others = [board for board in BOARDS[1:] if draw.random() < 0.4]
    return {escaped(board): _sums(draw) for board in (ALL, *others)}


def _sums(draw: random.Random) -> dict[str, int]:
    return {
        "score": draw.randrange(400),
        "aiba": draw.randrange(2**53) if draw.random() < 0.5 else draw.randrange(50),
        "neur": draw.choice([0, 0, 0, draw.randrange(1000)]),
        "battles": draw.randrange(1, 8),
    }


@dataclass(frozen=True)
class BruteForce:
    """A ranking as a sorted list."""

    order: Sequence[tuple[int, str]]
    """(value, telegramId), the first first."""

    @classmethod
    def of(cls, players: Sequence[Document], ranking: Ranking) -> "BruteForce":
        found = []
        for player in players:
            boards: Any = player["totals"] if ranking.season is None else player["seasons"].get(ranking.season, {})
            sums = boards.get(escaped(ranking.board))
            if sums is not None:
                found.append((sums[ranking.metric], player["telegramId"]))
        return cls(sorted(found, reverse=True))

    def top(self, limit: int) -> list[str]:
        return [who for _, who in self.order[:limit]]

    def higher(self, value: int) -> int:
        return bisect_left(self.order, -value, key=lambda row: -row[0])

    def around(self, place: int, reach: int) -> Neighbours:
        names = [who for _, who in self.order[max(0, place - reach) : place + reach + 1]]
        before = min(place, reach)
        return Neighbours(place + 1, names[:before], names[before + 1 :])


def every_ranking() -> list[Ranking]:
    return [
        Ranking(board=board, metric=metric, season=season)
        for board in BOARDS
        for metric in METRICS
        for season in (None, SEASON)
    ]
