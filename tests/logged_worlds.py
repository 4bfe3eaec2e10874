"""Two regions in one process, with queues as moto plays them, and hands that carry messages between them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto import mock_aws
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.clock import ManualClock
from chalicelib.data.seed import seed_defaults
from chalicelib.settings import load
from chalicelib.wiring import Wiring
from tests.databases import Lender
from tests.gateway import Answer, call
from tests.installed import Fixed, init_data
from tests.replicated import SECRET
from tests.unhurried import UnhurriedArena
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import NOON

HERE, THERE = REGIONS = ("us-east-1", "eu-west-1")
QUEUES = ("battles", "dead", "live", "outbox", "replication", "replication-dead")
TAKEN_FOR_GOOD = {"VisibilityTimeout": "43200"}
"""Nobody deletes what was taken, and after half a minute of the machine's clock it would be there again."""


@dataclass
class Regions:
    """Both. Whatever is called is called in the region named."""

    arenas: dict[str, wiring.Arena]
    sqs: dict[str, Any]
    databases: dict[str, Database[dict[str, Any]]]
    urls: dict[tuple[str, str], str] = field(default_factory=dict)
    wiring: Wiring | None = None
    """In place of all arenas."""

    def at(self, region: str) -> None:
        wiring.install(self.wiring or Fixed(self.arenas[region]))

    def call(
        self, method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        self.at(HERE)
        return call(composition.app, method, url, body, headers, **more)

    def deliver(self, region: str, queue: str, *bodies: str, context: object = None) -> dict[str, Any]:
        """One batch of what is in a queue, or of ``bodies``, given to its consumer."""
        consumer = {
            "battles": "battle_worker",
            "live": "live_push",
            "outbox": "outbox_publisher",
            "replication": "replication_receiver",
        }[queue]
        found = [(body, "r") for body in bodies] or self.taken(region, queue)
        self.at(region)
        records = [
            {
                "messageId": f"m{number}",
                "receiptHandle": receipt,
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{region}:123456789012:{queue}",
                "awsRegion": region,
            }
            for number, (body, receipt) in enumerate(found)
        ]
        answer: dict[str, Any] = composition.app.handler_map[consumer]({"Records": records}, context)
        return answer

    def taken(self, region: str, queue: str) -> list[tuple[str, str]]:
        """Bodies and receipts of up to ten messages."""
        received = self.sqs[region].receive_message(QueueUrl=self.urls[region, queue], MaxNumberOfMessages=10)
        messages = received.get("Messages", [])
        assert messages, f"nothing in {queue} of {region}"
        return [(message["Body"], message["ReceiptHandle"]) for message in messages]


@contextmanager
def two_regions(mongo_uri: str, lender: Lender) -> Iterator[Regions]:
    """Until the block ends."""
    clock = ManualClock(NOON)
    with mock_aws(), lender.lent_to(REGIONS) as databases:
        clients = {region: boto3.client("sqs", region_name=region) for region in REGIONS}
        regions = Regions({}, clients, databases)
        for region, database in databases.items():
            seed_defaults(database, NOON)
            for queue in QUEUES:
                made = regions.sqs[region].create_queue(QueueName=queue, Attributes=TAKEN_FOR_GOOD)
                regions.urls[region, queue] = made["QueueUrl"]
            environ = {
                **DEVELOPMENT,
                "AWS_REGION": region,
                "MONGO_URI": mongo_uri,
                "MONGO_DATABASE": database.name,
                "REDIS_URL": "",
                "ARENA_REGIONS": ",".join(REGIONS),
                "REPLICATION_SECRET": SECRET,
                "ARENA_BATTLE_QUEUE_URL": regions.urls[region, "battles"],
                "ARENA_BATTLE_DLQ_URL": regions.urls[region, "dead"],
                "ARENA_LIVE_QUEUE_URL": regions.urls[region, "live"],
                "ARENA_OUTBOX_QUEUE_URL": regions.urls[region, "outbox"],
                "ARENA_REPLICATION_QUEUE": "replication",
                "ARENA_REPLICATION_DLQ_URL": regions.urls[region, "replication-dead"],
            }
            regions.arenas[region] = UnhurriedArena(load(environ), clock=clock)
        try:
            yield regions
        finally:
            wiring.install(None)
            for arena in regions.arenas.values():
                arena.close()


def signed(user: int, **headers: str) -> dict[str, str]:
    return {"x-telegram-init-data": init_data(user, NOON), **headers}


def queued(regions: Regions, user: int, request_id: str, correlation_id: str) -> Answer:
    """A battle of a player, queued by a request of this id."""
    broker = regions.call("POST", "/api/brokers/starter", {}, signed(user)).data["_id"]
    body = {"requestId": request_id, "brokerId": broker}
    return regions.call("POST", "/api/battle/queue", body, signed(user, **{"x-request-id": correlation_id}))
