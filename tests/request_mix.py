"""A plausible mix of requests, as data: how often what is asked, and of which player."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SHARES: Final = {
    "POST /api/battle/run": 24,
    "GET /api/leaderboard": 18,
    "GET /api/game-modes": 16,
    "GET /api/economy/me": 12,
    "GET /api/leaderboard/my-rank": 7,
    "GET /api/guilds/top": 6,
    "GET /api/brokers/mine": 5,
    "GET /api/leaderboard/around-me": 4,
    "GET /api/comms/config": 3,
    "GET /api/realms": 2,
    "GET /api/guilds/list": 2,
    "GET /api/leaderboard/seasons": 1,
}
"""Percent of requests: a player opens the game (modes, account, brokers), fights, looks at the lists, fights again."""

BOARDS: Final = {
    "": 60,
    "?season=current": 20,
    "?league=rookie": 10,
    "?by=aiba": 5,
    "?by=battles&limit=10": 3,
    "?league=pro&season=current": 2,
}
"""Which list of a leaderboard, percent."""

PLAYERS_SHARE: Final = 1.1
"""Exponent of Zipf's law: how much more the busiest players ask than the others."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, ``at`` so many seconds after the first."""

    at: float
    player: int
    method: str
    url: str


def requests(seed: int, *, per_second: float, seconds: float, players: int) -> Iterator[Asked]:
    """Requests at random times (a Poisson process), of players numbered from 0."""
    draws = random.Random(seed)
    weights = [1 / (rank + 1) ** PLAYERS_SHARE for rank in range(players)]
    at = draws.expovariate(per_second)
    while at < seconds:
        (what,) = draws.choices(list(SHARES), list(SHARES.values()))
        method, _, url = what.partition(" ")
        if url == "/api/leaderboard":
            url += draws.choices(list(BOARDS), list(BOARDS.values()))[0]
        yield Asked(at, draws.choices(range(players), weights)[0], method, url)
        at += draws.expovariate(per_second)
