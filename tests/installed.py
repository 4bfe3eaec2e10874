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
from chalicelib.cache.warming import CacheWarming, WarmingReport
from chalicelib.clock import ManualClock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.scaling import MongoScaling
from chalicelib.data.seed import seed_defaults
from chalicelib.locks import Guard
from chalicelib.messaging.sqs import SqsClient
from chalicelib.scaling.controller import Controller
from chalicelib.settings import load
from chalicelib.wiring.operating import Operating
from tests.gateway import Answer
from tests.replicated import SECRET
from tests.scaling_worlds import Region, region
from tests.unhurried import UnhurriedArena
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
        self.dead: dict[str, str] = {}
        """Bodies of dead letters by message id."""
        self.down = False

    @property
    def raw(self) -> "SentMessages":
        return self

    def send_message(self, *, MessageBody: str, **_arguments: Any) -> dict[str, Any]:  # noqa: N803 (SQS's name)
        self._reached()
        self.bodies.append(MessageBody)
        return {}

    def send_message_batch(self, *, Entries: list[dict[str, Any]], **_arguments: Any) -> dict[str, Any]:  # noqa: N803
        for entry in Entries:
            self.send_message(MessageBody=entry["MessageBody"])
        return {}

    def get_queue_attributes(self, *, AttributeNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        self._reached()
        return {"Attributes": dict.fromkeys(AttributeNames, "0")}

    def receive_message(self, *, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:  # noqa: N803
        """Dead letters of any queue."""
        self._reached()
        told = {"reason": {"StringValue": "unhandled: of player 777123456"}, "attempts": {"StringValue": "5"}}
        more = {"MessageAttributes": told, "Attributes": {"SentTimestamp": "1795435200000"}}
        found = list(self.dead.items())[:MaxNumberOfMessages]
        return {"Messages": [{"MessageId": name, "ReceiptHandle": name, "Body": body, **more} for name, body in found]}

    def delete_message(self, *, ReceiptHandle: str, **_: Any) -> None:  # noqa: N803
        self.dead.pop(ReceiptHandle)

    def change_message_visibility_batch(self, **_: Any) -> None:
        self._reached()

    def _reached(self) -> None:
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://queue.test")


class OperatingOn(Operating):
    """Sees and moves ``messages``."""

    def __init__(self, arena: wiring.Arena, messages: SentMessages) -> None:
        super().__init__(arena)
        self._messages = messages

    @cached_property
    def sqs(self) -> SqsClient:
        return cast(SqsClient, self._messages)


class QueueingArena(UnhurriedArena):
    """An arena whose queues are ``messages``, and whose region is scaled on paper."""

    @cached_property
    def messages(self) -> SentMessages:
        return SentMessages()

    @cached_property
    def sqs(self) -> SqsClient:
        return cast(SqsClient, self.messages)

    @cached_property
    def operating(self) -> Operating:
        return OperatingOn(self, self.messages)

    @cached_property
    def region(self) -> Region:
        """What the scaling controller sees and moves."""
        return region(cast(ManualClock, self.clock), MongoScaling(self.operations))

    @cached_property
    def scaling(self) -> Controller:
        return self.region.controller()


class Warm(CacheWarming):
    """What is warm already."""

    def __init__(self) -> None:
        """Of nothing."""

    def run(self, _may_go_on: Callable[[], bool], _guard: Guard | None = None) -> WarmingReport:
        return WarmingReport(cache="ok", kept=7)


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
    named = [f"ARENA_{name}_{kind}_URL" for name in ("BATTLE", "REPLICATION") for kind in ("QUEUE", "DLQ")]
    queue = {key: f"http://queue.test/{key.lower()}" for key in named}
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
