"""Writes in one region of a running local cloud, as its functions make them, and what became of them elsewhere."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena import outbox
from chalicelib.arena.battle_service import BattleCommand, BattleService
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.operations import Operations
from chalicelib.data.players import MongoPlayers
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.messaging.outbox_nudge import OutboxNudge
from chalicelib.messaging.sqs import SqsClient, SqsQueue
from chalicelib.replication.capture import Recorder
from chalicelib.replication.ports import APPLIED
from chalicelib.replication.rules import VERSIONS
from infra.cloud import Cloud
from infra.template.stage import STAGES

BATTLE_EVERY = 10
"""One write in so many is a battle, and one the broker that fights it; the others change profiles."""
FIRST_RANK = 15
LOCAL_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
MONEY = ("neurBalance", "aibaBalance", "starsBalance", "diamondsBalance")


def queue_urls(region: str, localstack: str) -> dict[str, str]:
    """Of the stack's queues, by logical id."""
    stack = Cloud(region, localstack).client("cloudformation").describe_stacks(StackName=STAGES["dev"].stack_name)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Stacks"][0]["Outputs"]}
    return {name.removesuffix("Url"): value for name, value in outputs.items() if name.endswith("QueueUrl")}


@contextmanager
def local_endpoint(localstack: str) -> Iterator[None]:
    """What clients are built inside goes to the local cloud."""
    wanted = {"AWS_ENDPOINT_URL": localstack, **LOCAL_CREDENTIALS}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass
class Written:
    """What a load came to."""

    seconds: float = 0.0
    writes: int = 0
    failures: int = 0
    nudges: int = 0
    players: set[str] = field(default_factory=set)


class Writers:
    """Writes in the first of ``regions``, whatever they are asked for in a second, as far as the machine goes."""

    def __init__(self, status: Mapping[str, Any], threads: int = 8) -> None:
        self._regions = tuple(status["regions"])
        home = status["regions"][self._regions[0]]
        self._pools = Pools(home["mongo"], without_secondaries(GUIDE_POOLS))
        operations = Operations(self._pools, home["database"], budget_seconds=20)
        queue = SqsQueue(SqsClient(self._regions[0]), queue_urls(self._regions[0], status["localstack"])["OutboxQueue"])
        self._written = Written()
        with local_endpoint(status["localstack"]):
            # Built now, with the endpoint of now.
            self._send = queue.send
            _ = queue._client.raw
        recorder = Recorder(system_clock, self._regions[0], FIRST_RANK, self._regions[1:], ObjectId)
        nudge = OutboxNudge(self._nudge, system_clock, lambda _: None)
        store = MongoStore(operations, Transactions(self._pools, budget_seconds=20), nudge, recorder)
        self._players = MongoPlayers(operations, store)
        self._battles = BattleService(store, system_clock, secret="a-secret-of-the-load", stripe=0)
        self._threads = threads
        self._run = uuid.uuid4().hex[:8]
        self._turns = 0
        self._lock = threading.Lock()

    def _nudge(self, body: str) -> None:
        self._written.nudges += 1
        self._send(body)

    def write(self, rate: float, seconds: float, *, within: float = 0.0) -> Written:
        """``rate`` writes a second for so long, on schedule whether or not the former are done; what came of it.

        A machine that falls behind gets half as much time again, or ``within`` seconds, and then leaves out the rest.
        """
        longest = max(seconds * 1.5, within)
        self._written = Written()
        began = time.monotonic()
        first, self._turns = self._turns, self._turns + int(rate * seconds)
        turns = iter(range(first, self._turns))

        def go_on() -> None:
            while True:
                with self._lock:
                    turn = next(turns, None)
                if turn is None or time.monotonic() - began > longest:
                    return
                time.sleep(max(0.0, began + (turn - first) / rate - time.monotonic()))
                self._one(turn)

        with ThreadPoolExecutor(self._threads) as pool:
            for done in [pool.submit(go_on) for _ in range(self._threads)]:
                done.result()
        self._written.seconds = time.monotonic() - began
        return self._written

    def _one(self, turn: int) -> None:
        player = f"8{int(self._run, 16)}{turn:07d}"
        try:
            if turn % BATTLE_EVERY == 0:
                broker = {**new_broker(player, system_clock()), "_id": ObjectId()}
                self._players.add_broker(broker)
                command = BattleCommand(
                    telegram_id=player, request_id=f"{self._run}-{turn}", broker_id=str(broker["_id"])
                )
                self._battles.run(command)
                written = 2
            else:
                profile = {"username": f"u{turn}"}
                self._players.upsert_player(player, profile, system_clock())
                written = 1
        except Exception:  # noqa: BLE001 - counted: whatever fails was not acknowledged
            with self._lock:
                self._written.failures += 1
            return
        with self._lock:
            self._written.writes += written
            self._written.players.add(player)

    def close(self) -> None:
        self._pools.close()


@dataclass
class Convergence:
    """What the regions hold of the events one of them committed since ``since``."""

    status: Mapping[str, Any]
    since: datetime
    _clients: dict[str, MongoClient[Document]] = field(default_factory=dict)

    def database(self, region: str) -> Database[Document]:
        found = self.status["regions"][region]
        if region not in self._clients:
            self._clients[region] = MongoClient(found["mongo"], tz_aware=True)
        return self._clients[region][found["database"]]

    def committed(self, region: str) -> set[Any]:
        events = self.database(region)[outbox.COLLECTION].find({"occurredAt": {"$gte": self.since}}, {"_id": 1})
        return {event["_id"] for event in events}

    def missing(self, source: str) -> dict[str, int]:
        """Events of ``source`` that another region has not applied."""
        ids = self.committed(source)
        return {
            region: len(ids - {row["_id"] for row in self.database(region)[APPLIED].find({}, {"_id": 1})})
            for region in self.status["regions"]
            if region != source
        }

    def lags(self, source: str, target: str) -> list[float]:
        """Seconds from commit to application, rising."""
        rows = self.database(target)[APPLIED].find({"region": source, "occurredAt": {"$gte": self.since}})
        return sorted((row["appliedAt"] - row["occurredAt"]).total_seconds() for row in rows)

    def transactions(self, source: str, target: str) -> int:
        """In which ``target`` applied them: those of one transaction have one moment."""
        where = {"region": source, "occurredAt": {"$gte": self.since}}
        return len(self.database(target)[APPLIED].distinct("appliedAt", where))

    def books(self, region: str, players: Collection[str]) -> dict[str, Any]:
        """What must be the same everywhere of these players: battles, ledger, balances, standings and brokers."""
        database, owned = self.database(region), {"ownerTelegramId": {"$in": list(players)}}
        own = {"telegramId": {"$in": list(players)}}
        return {
            "battles": {row["requestId"]: (row["score"], row["rewardAiba"]) for row in database.battles.find(owned)},
            "ledger": {
                (row["sourceId"], row["telegramId"], row["currency"], row["direction"], row["reason"]): row["amount"]
                for row in database.ledgerentries.find(own)
            },
            "players": {
                row["telegramId"]: {name: row.get(name) for name in (*MONEY, "totals", "seasons", "username")}
                for row in database.users.find(own)
            },
            "brokers": {
                row["_id"]: {name: value for name, value in row.items() if name != VERSIONS}
                for row in database.brokers.find(owned)
            },
        }

    def drained(self, source: str, seconds: float, look: Callable[[float], None] = time.sleep) -> float | None:
        """Seconds until nothing of ``source`` is missing anywhere; None when it takes longer."""
        began = time.monotonic()
        while any(self.missing(source).values()):
            if time.monotonic() - began > seconds:
                return None
            look(0.5)
        return time.monotonic() - began

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
