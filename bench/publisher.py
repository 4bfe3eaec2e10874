"""How fast committed events leave for another region, and in how many calls: ``python -m bench.publisher``.

The arena's publisher beside a loop that sends each event by itself, as one would write it first; in turns, from the
same outbox in MongoDB to a queue of moto's in this process. A call of SQS takes longer than moto's, so calls count more
there than here.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from bson import ObjectId
from moto import mock_aws
from pymongo import MongoClient

from bench.measure import Budget, Report, ended_by_ctrl_c, json_option
from chalicelib.arena import outbox
from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.extended_json import to_json
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.operations import Operations
from chalicelib.data.outbox import MongoOutbox
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.messaging.sqs import SqsClient, SqsQueue
from chalicelib.replication.conversion import envelope_of
from chalicelib.replication.publisher import BATCH_MESSAGES, CLAIM_EVENTS, MESSAGE_EVENTS, Publisher
from tests.replicated import KEYRING, WEST, Source
from tests.servers import replica_set

DATABASE: Final = "bench"
BUDGET_SECONDS: Final = 30.0
CALLS: Final = Budget(at_most=2 / (BATCH_MESSAGES * MESSAGE_EVENTS))
"""Twice what full batches take."""


@dataclass(frozen=True)
class Run:
    """What sending all events took."""

    seconds: float
    calls: int
    messages: int


class Counted:
    """A queue of moto's, and what was sent to it."""

    def __init__(self, name: str) -> None:
        client = SqsClient("eu-west-1")
        self.raw = client.raw
        self.queue = SqsQueue(client, self.raw.create_queue(QueueName=name)["QueueUrl"])
        self.calls = self.messages = 0
        self.raw.meta.events.register("provide-client-params.sqs", self._count)

    def _count(self, params: dict[str, Any], **_: Any) -> None:
        self.calls += 1
        self.messages += len(params.get("Entries", [None]))

    def timed(self, send: Callable[[], object]) -> Run:
        self.calls = self.messages = 0
        started = time.perf_counter()
        send()
        return Run(time.perf_counter() - started, self.calls, self.messages)


def committed(events: int) -> list[Document]:
    """Events as transactions leave them: players who change their names."""
    source = Source()
    source.change()
    (event,) = source.events()
    return [{**event, "_id": ObjectId(), "key": str(number), "pending": [WEST]} for number in range(events)]


def in_batches(events: MongoOutbox, queue: SqsQueue) -> None:
    publisher = Publisher(
        events,
        {WEST: queue},
        KEYRING,
        system_clock,
        to_json=to_json,
        monotonic=time.monotonic,
        pause=time.sleep,
    )
    publisher.run(lambda: True, linger_seconds=0.0)


def one_by_one(events: MongoOutbox, queue: SqsQueue) -> None:
    while claimed := events.claim(WEST, system_clock(), CLAIM_EVENTS):
        for event in claimed:
            signed = KEYRING.sign(envelope_of(event, sent_at=system_clock(), to_json=to_json))
            queue.send(json.dumps(signed.wire(), separators=(",", ":")))
            events.sent(WEST, [event["_id"]], system_clock())


@contextmanager
def refilled(database: Any, events: int) -> Iterator[None]:
    """So many events that wait; all of them sent when the block ends, or RuntimeError."""
    database[outbox.COLLECTION].delete_many({})
    database[outbox.COLLECTION].insert_many(committed(events))
    yield
    if left := database[outbox.COLLECTION].count_documents({"pending": WEST}):
        raise RuntimeError(f"{left} events were not sent")


def measure(report: Report, mongo_uri: str, events: int, rounds: int) -> None:
    with ExitStack() as held:
        client = held.enter_context(MongoClient[Document](mongo_uri, tz_aware=True))
        pools = held.enter_context(closing(Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS))))
        ensure_indexes(client[DATABASE])
        stored = MongoOutbox(Operations(pools, DATABASE, budget_seconds=BUDGET_SECONDS))
        ways = {"one by one": one_by_one, "in batches": in_batches}
        queues = {name: Counted(name.replace(" ", "-")) for name in ways}
        runs: dict[str, list[Run]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, send in ways.items():
                with refilled(client[DATABASE], events):
                    run = queues[name].timed(lambda send=send, name=name: send(stored, queues[name].queue))  # type: ignore[misc]
                if number:
                    runs[name].append(run)
        report.section("time of an event")
        alone = report.row("one by one", [[run.seconds / events * 1000] for run in runs["one by one"]])
        report.row("in batches", [[run.seconds / events * 1000] for run in runs["in batches"]], beside=alone)
        for name, found in runs.items():
            report.section(name)
            fastest = min(run.seconds for run in found)
            report.figure("events a second, at best", events / fastest)
            report.figure("events in a message", events / found[0].messages)
            budget = CALLS if name == "in batches" else None
            report.figure("SQS calls an event", found[0].calls / events, budget=budget)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", type=click.IntRange(min=100), default=500, show_default=True, help="Of each round.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@json_option
def main(events: int, rounds: int, json_file: Path | None) -> None:
    """Publish committed events in batches and one by one, in turns."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    report = Report("publisher", {"events": events, "rounds": rounds, "SQS": "moto"})
    with ended_by_ctrl_c("the servers are stopped"), replica_set(1) as mongo_uri, mock_aws():
        measure(report, mongo_uri, events, rounds)
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
