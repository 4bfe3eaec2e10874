"""Several environments of one region behind the Chalice app: each an arena with doors and connections of its own."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.arena.operator_sign_in import issue_token
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.settings import load
from tests.gateway import Answer, call
from tests.installed import Fixed, init_data
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT


@dataclass(frozen=True)
class Environment:
    """One of them."""

    arena: wiring.Arena

    def call(self, method: str, url: str, body: object = None, **headers: str) -> Answer:
        wiring.install(Fixed(self.arena))
        try:
            return call(composition.app, method, url, body, {"x-request-id": "the-same", **headers})
        finally:
            wiring.install(None)

    def as_player(self, method: str, url: str, body: object = None, user: int = 777) -> Answer:
        return self.call(method, url, body, **{"x-telegram-init-data": init_data(user, self.arena.clock())})

    def as_operator(self, method: str, url: str, body: object = None) -> Answer:
        operator = self.arena.settings.operator
        assert operator is not None
        return self.call(method, url, body, authorization=f"Bearer {issue_token(operator, self.arena.clock())}")


class Environments:
    """Makes environments of one database, and closes them."""

    def __init__(self, mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> None:
        ensure_indexes(database)
        seed_defaults(database, clock())
        self._stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name}
        self._clock = clock
        self._opened: list[wiring.Arena] = []

    def open(self, redis_url: str = "", kind: type[wiring.Arena] = UnhurriedArena, **settings: str) -> Environment:
        mode = "cluster" if "," in redis_url else "single"
        environ = {**DEVELOPMENT, **self._stores, "REDIS_URL": redis_url, "ARENA_REDIS_MODE": mode, **settings}
        self._opened.append(kind(load(environ), clock=self._clock))
        return Environment(self._opened[-1])

    def close(self) -> None:
        for arena in self._opened:
            arena.close()


@contextlib.contextmanager
def environments(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> Iterator[Environments]:
    made = Environments(mongo_uri, database, clock)
    try:
        yield made
    finally:
        made.close()
