"""How fast other regions' events are applied, and in how many round trips: ``python -m bench.receiver``.

Signed messages as a publisher sends them, through the arena's receiver into MongoDB: a call for each event, for each
message of ten, for five messages. Beside them the writes of five messages alone, recorded and sent again by hand, which
verify and decide nothing. Each has a database of its own and gets the same events, in turns.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import click
from bson import ObjectId
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.battle import Database, database
from bench.measure import Report, ended_by_ctrl_c, json_option
from chalicelib.arena import outbox
from chalicelib.arena.battle_service import BattleCommand, BattleService
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.operations import Operations
from chalicelib.data.players import MongoPlayers
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.replica import MongoReplica
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.replication.capture import Recorder as Capture
from chalicelib.replication.conversion import envelope_of
from chalicelib.replication.publisher import MESSAGE_EVENTS
from chalicelib.replication.receiver import Delivery, Receiver
from tests.fakes.memory_queue import MemoryQueue
from tests.recorder import Recorder
from tests.replicated import HERE, KEYRING, WEST

PLAYERS: Final = 200
BATTLE_EVERY: Final = 10
"""One change in so many is a battle, and one the broker that fights it; the others are of names."""
MESSAGES: Final = 5
ALONE_EVENTS: Final = 20
"""Timed of a round's: one by one they take long, and are counted soon."""
SEED: Final = 1
BATTLE_SECRET: Final = "a-secret-of-the-bench"  # noqa: S105 (nobody's)
BUDGET_SECONDS: Final = 30.0
ALONE: Final = "an event a call"
MESSAGE: Final = "a message of ten a call"
BATCH: Final = "five messages of ten a call"
WRITES: Final = "the writes of five messages alone"


@dataclass(slots=True)
class Cost:
    """What one contestant's timed rounds took."""

    rounds: list[list[float]] = field(default_factory=list)
    """Milliseconds an event, call by call."""
    events: int = 0
    commands: int = 0
    own_cpu: float = 0.0
    mongo_cpu: float = 0.0


class Source:
    """A region that has something to tell."""

    def __init__(self, pools: Pools, client: MongoClient[Document]) -> None:
        self._database = client["bench_source"]
        ensure_indexes(self._database)
        seed_defaults(self._database, system_clock())
        operations = Operations(pools, self._database.name, budget_seconds=BUDGET_SECONDS)
        capture = Capture(system_clock, HERE, 15, [WEST], ObjectId)
        store = MongoStore(operations, Transactions(pools, budget_seconds=BUDGET_SECONDS), recorder=capture)
        self._players = MongoPlayers(operations, store)
        self._battles = BattleService(store, system_clock, secret=BATTLE_SECRET, stripe=0)
        self._turn = 0

    def told(self, events: int) -> list[str]:
        """So many new events, each signed, as JSON."""
        self._database[outbox.COLLECTION].delete_many({})
        while self._database[outbox.COLLECTION].count_documents({}) < events:
            self._change(str(1 + self._turn % PLAYERS))
            self._turn += 1
        found = self._database[outbox.COLLECTION].find(sort=[("version", 1)], limit=events)
        signed = (KEYRING.sign(envelope_of(row, sent_at=system_clock(), to_json=to_json)) for row in found)
        return [json.dumps(one.wire(), separators=(",", ":")) for one in signed]

    def is_known(self) -> bool:
        """Whether everybody has done something."""
        return self._turn >= PLAYERS

    def _change(self, player: str) -> None:
        if self._turn % BATTLE_EVERY:
            self._players.upsert_player(player, {"username": f"u{self._turn}"}, system_clock())
            return
        broker = {**new_broker(player, system_clock()), "_id": ObjectId()}
        self._players.add_broker(broker)
        self._battles.run(
            BattleCommand(telegram_id=player, request_id=f"request-{self._turn}", broker_id=str(broker["_id"]))
        )


class Target:
    """A region that applies what it is told, and remembers what its database was asked."""

    def __init__(self, mongo: Database, client: MongoClient[Document], name: str, held: ExitStack) -> None:
        ensure_indexes(client[name])
        seed_defaults(client[name], system_clock())
        self.recorder = Recorder()
        pools = held.enter_context(
            closing(Pools(mongo.uri, without_secondaries(ENVIRONMENT_POOLS), listeners=[self.recorder]))
        )
        operations = Operations(pools, name, budget_seconds=BUDGET_SECONDS)
        store = MongoStore(operations, Transactions(pools, budget_seconds=BUDGET_SECONDS))
        self._receiver = Receiver(MongoReplica(store), KEYRING, (HERE,), system_clock, from_json=from_json)
        self._dead = MemoryQueue()

    def receive(self, bodies: Sequence[str]) -> None:
        """Raises ``RuntimeError`` when anything was not applied."""
        results = self._receiver.delivered([Delivery(body, str(n), 1) for n, body in enumerate(bodies)], self._dead)
        found = {(one.fate, one.reason) for received in results.values() for one in received}
        if found != {("applied", "")}:
            raise RuntimeError(f"not all was applied: {found}")


class BareWriter:
    """Sends again what a ``Target`` wrote."""

    def __init__(self, mongo: Database, name: str, held: ExitStack) -> None:
        self.recorder = Recorder()
        self._client: MongoClient[Document] = held.enter_context(
            MongoClient(mongo.uri, tz_aware=True, event_listeners=[self.recorder])
        )
        self._database = self._client[name]
        ensure_indexes(self._database)
        seed_defaults(self._database, system_clock())

    def write(self, commands: Sequence[Document]) -> None:
        def work(session: ClientSession) -> None:
            for command in commands:
                self._database.command(command, session=session)

        with self._client.start_session() as session:
            session.with_transaction(work, ReadConcern("snapshot"), WriteConcern("majority", j=True))


def writes_of(commands: Sequence[Document]) -> list[Document]:
    """The inserts and updates among them, without what belongs to a session."""
    kept = ("insert", "update", "documents", "updates", "ordered")
    return [
        {name: command[name] for name in kept if name in command}
        for command in commands
        if "insert" in command or "update" in command
    ]


def messages(events: Sequence[str], size: int) -> Iterator[str]:
    for start in range(0, len(events), size):
        yield f'{{"events":[{",".join(events[start : start + size])}]}}'


class Contest:
    """All contestants, and what they took so far."""

    def __init__(self, mongo: Database, client: MongoClient[Document], held: ExitStack) -> None:
        self._mongo = mongo
        names = (ALONE, MESSAGE, BATCH)
        self._targets = {name: Target(mongo, client, f"bench_{n}", held) for n, name in enumerate(names)}
        self._recorded = Target(mongo, client, "bench_recorded", held)
        self._bare = BareWriter(mongo, "bench_bare", held)
        self.costs = {name: Cost() for name in (WRITES, *names)}

    def forget(self) -> None:
        """What they took was to get warm."""
        self.costs = {name: Cost() for name in self.costs}

    def play(self, events: Sequence[str], draw: random.Random) -> None:
        """One round of each, in an order of its own."""
        whole = list(messages(events, MESSAGE_EVENTS))
        deliveries = {
            ALONE: [[event] for event in events[:ALONE_EVENTS]],
            MESSAGE: [[message] for message in whole],
            BATCH: [whole[start : start + MESSAGES] for start in range(0, len(whole), MESSAGES)],
        }
        written = [self._written(bodies) for bodies in deliveries[BATCH]]
        for name in draw.sample(list(self.costs), len(self.costs)):
            if name == WRITES:
                self._time(name, self._bare.recorder, [partial(self._bare.write, one) for one in written], len(events))
                continue
            target, bodies = self._targets[name], deliveries[name]
            timed = ALONE_EVENTS if name == ALONE else len(events)
            self._time(name, target.recorder, [partial(target.receive, one) for one in bodies], timed)
        # Later events rest on them.
        self._targets[ALONE].receive(list(messages(events[ALONE_EVENTS:], MESSAGE_EVENTS)))

    def _time(self, name: str, recorder: Recorder, calls: Sequence[Callable[[], None]], events: int) -> None:
        cost, samples = self.costs[name], []
        recorder.taken()
        mongo_cpu, own_cpu = self._mongo.cpu_seconds(), time.process_time()
        for call in calls:
            started = time.perf_counter()
            call()
            samples.append((time.perf_counter() - started) * 1000 * len(calls) / events)
        cost.own_cpu += time.process_time() - own_cpu
        cost.mongo_cpu += self._mongo.cpu_seconds() - mongo_cpu
        cost.commands += len(recorder.taken())
        cost.events += events
        cost.rounds.append(samples)

    def _written(self, bodies: Sequence[str]) -> list[Document]:
        self._recorded.recorder.taken()
        self._recorded.receive(bodies)
        return writes_of(self._recorded.recorder.taken())


def tell(report: Report, costs: dict[str, Cost]) -> None:
    """Rows, and figures by contestant."""
    report.section("time of an event")
    floor = report.row(WRITES, costs[WRITES].rounds)
    for name in (BATCH, MESSAGE, ALONE):
        report.row(name, costs[name].rounds, beside=floor)
    for name, cost in costs.items():
        report.section(name)
        report.figure("MongoDB round trips an event", cost.commands / cost.events)
        report.figure("CPU of this process an event", cost.own_cpu / cost.events * 1000, "ms")
        report.figure("CPU of MongoDB an event", cost.mongo_cpu / cost.events * 1000, "ms")
        report.figure("events a second of processor", cost.events / (cost.own_cpu + cost.mongo_cpu))


def measure(report: Report, mongo: Database, events: int, rounds: int) -> None:
    with ExitStack() as held:
        client = held.enter_context(MongoClient[Document](mongo.uri, tz_aware=True))
        pools = held.enter_context(closing(Pools(mongo.uri, without_secondaries(ENVIRONMENT_POOLS))))
        source, contest, draw = Source(pools, client), Contest(mongo, client, held), random.Random(SEED)
        # Until every player is known: beginnings are rare.
        while not source.is_known():
            contest.play(source.told(events), draw)
        contest.forget()
        for _ in range(rounds):
            contest.play(source.told(events), draw)
        tell(report, contest.costs)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", type=click.IntRange(min=50), default=500, show_default=True, help="Of each round.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@json_option
def main(events: int, rounds: int, json_file: Path | None) -> None:
    """Apply events of another region in transactions of 1, of 10 and of 50, in turns."""
    with ended_by_ctrl_c("the servers are stopped"), database(1) as mongo:
        report = Report("receiver", {"mongod": mongo.version, "seed": SEED, "events a round": events, "rounds": rounds})
        measure(report, mongo, events, rounds)
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
