"""Requests of players through the real app, and the shapes of the queries they cause on collections to be sharded.

What the app asks is heard where it is asked: by a listener of its MongoDB client. Two months are played, the first of
them archived in between, so that its boards are read, too. Redis is there, as it is in every tier that is sharded.
"""

import random
from collections import Counter
from functools import cached_property
from typing import Any, Final

from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from chalicelib import wiring
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from infra.sharding.shapes import Shape, shapes
from tests.environments import Environment, Environments
from tests.request_mix import BOARDS, PLAYERS_SHARE, SHARES
from tests.unhurried import UnhurriedArena

PAST: Final = "{past}"
HISTORIES: Final = {
    "GET /api/battles?limit=20": 4,
    "GET /api/transactions?limit=20": 4,
    "GET /api/battle/{requestId}": 6,
    f"GET /api/leaderboard?season={PAST}": 2,
    f"GET /api/leaderboard?season={PAST}&league=rookie": 1,
    f"GET /api/leaderboard/my-rank?season={PAST}": 1,
}
"""What the mix of the cache's tests leaves out, for a hundred requests of it: histories, a battle asked for again (its
answer was lost, or it was queued), last month's boards."""

MIX: Final = {**SHARES, **HISTORIES}
MONTH_SECONDS: Final = 31 * 24 * 3600
SECONDS_BETWEEN: Final = 8


class Shapes(CommandListener):
    """Counts shapes while ``on``."""

    def __init__(self) -> None:
        self.on = False
        self.counted: Counter[Shape] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        if self.on:
            self.counted.update(shapes(dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more to learn."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more to learn."""


def _listened(listener: CommandListener) -> type[wiring.Arena]:
    class Listened(UnhurriedArena):
        @cached_property
        def pools(self) -> Pools:
            specs = without_secondaries(ENVIRONMENT_POOLS)
            return Pools(self.settings.mongo_uri, specs, listeners=[listener])

    return Listened


def played(
    mongo_uri: str, database: Database[Document], redis_url: str, clock: ManualClock, *, requests: int, seed: int
) -> dict[Shape, float]:
    """Shapes by how often they come in a thousand requests. Raises ``RuntimeError`` when a request fails."""
    heard = Shapes()
    places = Environments(mongo_uri, database, clock)
    try:
        place = places.open(redis_url, _listened(heard))
        players = _Players(place, clock, random.Random(seed))
        season = f"{clock():%Y-%m}"
        for _ in range(requests // 4):
            players.ask("POST /api/battle/run", season)
        clock.advance(MONTH_SECONDS)
        place.arena.season_archive.run(_always)
        place.arena.leaderboard_upkeep.run(_always)
        heard.on = True
        for _ in range(requests):
            (what,) = players.draws.choices(list(MIX), list(MIX.values()))
            players.ask(what, season)
        heard.on = False
    finally:
        places.close()
    return {shape: count * 1000 / requests for shape, count in heard.counted.items()}


def _always() -> bool:
    return True


class _Players:
    """Some ask more than others, by Zipf's law."""

    def __init__(self, place: Environment, clock: ManualClock, draws: random.Random, players: int = 100) -> None:
        self._place = place
        self._clock = clock
        self.draws = draws
        self._brokers: dict[int, str] = {}
        self._fought: dict[int, str] = {}
        self._number = 0
        self._weights = [1 / (rank + 1) ** PLAYERS_SHARE for rank in range(players)]

    def ask(self, what: str, past: str) -> None:
        """One request of some player; ``past`` is a season on record."""
        (player,) = self.draws.choices(range(len(self._weights)), self._weights)
        self._clock.advance(SECONDS_BETWEEN)
        method, _, url = what.partition(" ")
        if url == "/api/leaderboard":
            url += self.draws.choices(list(BOARDS), list(BOARDS.values()))[0]
        url = url.replace(PAST, past).replace("{requestId}", self._fought.get(player, "none-yet"))
        body = self._battle(player) if method == "POST" else None
        answer = self._place.as_player(method, url, body, _telegram_id(player))
        if answer.status >= 500:
            raise RuntimeError(f"{what}: {answer.text}")
        if answer.status == 200 and body is not None:
            self._fought[player] = body["requestId"]

    def _battle(self, player: int) -> dict[str, Any]:
        if player not in self._brokers:
            made = self._place.as_player("POST", "/api/brokers/starter", {}, _telegram_id(player))
            self._brokers[player] = made.data["_id"]
        self._number += 1
        return {"requestId": f"sharded-{self._number}", "brokerId": self._brokers[player]}


def _telegram_id(player: int) -> int:
    return 10_000 + player
