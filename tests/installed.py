"""The Chalice app over an arena on a real database, and the credentials its callers need."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from botocore.exceptions import EndpointConnectionError
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.arena.initdata import sign
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.scaling import MongoScaling
from chalicelib.data.seed import seed_defaults
from chalicelib.messaging.sqs import SqsClient
from chalicelib.scaling.controller import Controller
from chalicelib.settings import load
from tests.gateway import Answer
from tests.replicated import SECRET
from tests.scaling_worlds import Region, region
from tests.unit.test_settings import DEVELOPMENT, SECRETS

TOKEN = SECRETS["TELEGRAM_BOT_TOKEN"]
OPERATOR = {"email": SECRETS["ADMIN_EMAIL"], "password": "x"}

SEVERAL_REGIONS = {"ARENA_REGIONS": "us-east-1,eu-west-1,ap-southeast-1", "REPLICATION_SECRET": SECRET}
"""Settings of the first of three regions."""

Caller = Callable[..., Answer]


class SentMessages:
    """Stands where the SQS client does: keeps what is sent, or cannot be reached while ``down``."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.down = False

    @property
    def raw(self) -> "SentMessages":
        return self

    def send_message(self, *, MessageBody: str, **_arguments: Any) -> dict[str, Any]:  # noqa: N803 (SQS's name)
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://queue.test")
        self.bodies.append(MessageBody)
        return {}

    def send_message_batch(self, *, Entries: list[dict[str, Any]], **_arguments: Any) -> dict[str, Any]:  # noqa: N803
        for entry in Entries:
            self.send_message(MessageBody=entry["MessageBody"])
        return {}


class QueueingArena(wiring.Arena):
    """An arena whose queues are ``messages``, and whose region is scaled on paper."""

    @cached_property
    def messages(self) -> SentMessages:
        return SentMessages()

    @cached_property
    def sqs(self) -> SqsClient:
        return cast(SqsClient, self.messages)

    @cached_property
    def region(self) -> Region:
        """What the scaling controller sees and moves."""
        return region(cast(ManualClock, self.clock), MongoScaling(self.operations))

    @cached_property
    def scaling(self) -> Controller:
        return self.region.controller()


class Fixed(wiring.Wiring):
    """A wiring around one given arena."""

    def __init__(self, arena: wiring.Arena) -> None:
        super().__init__({})
        self._given = arena

    def arena(self) -> wiring.Arena:
        return self._given


@contextlib.contextmanager
def installed_arena(
    mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock, **environ: str
) -> Iterator[QueueingArena]:
    """Puts an arena of ``database`` behind the app until the block ends."""
    ensure_indexes(database)
    seed_defaults(database, clock())
    queue = {"ARENA_BATTLE_QUEUE_URL": "http://queue.test/battles"}
    stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": ""}
    arena = QueueingArena(load({**DEVELOPMENT, **stores, **queue, **environ}), clock=clock)
    wiring.install(Fixed(arena))
    try:
        yield arena
    finally:
        wiring.install(None)
        arena.close()


def init_data(user: object, now: datetime, *, age_seconds: int = 0, token: str = TOKEN) -> str:
    """Signed initData of the player ``user``; of nobody for None."""
    fields = {"auth_date": str(int(now.timestamp()) - age_seconds)}
    if user is not None:
        fields["user"] = json.dumps({"id": user, "username": f"u{user}", "first_name": "A"})
    return sign(fields, token)
