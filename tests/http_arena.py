"""The arena over HTTP on a real database: the Chalice app is called with the events API Gateway sends."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.arena.initdata import sign
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.settings import load
from tests.gateway import Answer, call
from tests.installed import Fixed
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT, SECRETS
from tests.worlds import NOON

TOKEN = SECRETS["TELEGRAM_BOT_TOKEN"]
SOME_ID = "0123456789abcdef01234567"

SCHEDULED = {
    **{"version": "0", "id": "1", "account": "000000000000", "region": "us-east-1", "time": "2026-11-23T12:00:00Z"},
    **{"detail-type": "Scheduled Event", "source": "aws.events", "resources": [], "detail": {}},
}
"""What a scheduled function is given."""

Caller = Callable[..., Answer]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def arena(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> Iterator[wiring.Arena]:
    ensure_indexes(database)
    seed_defaults(database, clock())
    environ = {**DEVELOPMENT, "MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": ""}
    arena = UnhurriedArena(load(environ), clock=clock)
    wiring.install(Fixed(arena))
    yield arena
    wiring.install(None)
    arena.close()


@pytest.fixture
def api(arena: wiring.Arena) -> Chalice:
    return composition.app


def init_data(user: object = 777, *, age_seconds: int = 0, token: str = TOKEN) -> str:
    fields = {"auth_date": str(int(NOON.timestamp()) - age_seconds)}
    if user is not None:
        fields["user"] = json.dumps({"id": user, "username": f"u{user}", "first_name": "A"})
    return sign(fields, token)


@pytest.fixture
def player(api: Chalice) -> Caller:
    def as_player(method: str, url: str, body: object = None, user: int = 777, **headers: str) -> Answer:
        return call(api, method, url, body, {"x-telegram-init-data": init_data(user), **headers})

    return as_player


def start(player: Caller, user: int = 777) -> str:
    answer = player("POST", "/api/brokers/starter", {}, user)
    assert answer.status == 201
    return str(answer.data["_id"])


def fight(player: Caller, broker: str, user: int = 777, **fields: object) -> Answer:
    return player("POST", "/api/battle/run", {"requestId": str(uuid.uuid4()), "brokerId": broker, **fields}, user)
