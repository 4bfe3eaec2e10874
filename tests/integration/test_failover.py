"""A region is lost under load, another takes over, the first comes back: nothing acknowledged is lost or doubled."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandListener

from chalicelib.arena.broker_service import ActionRequest, BrokerService
from chalicelib.arena.homes import Homes, HomesOf, NotHome
from chalicelib.arena.ports import Document, Outcome, Write
from chalicelib.arena.postings import Postings
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.operations import Operations
from chalicelib.data.outbox import MongoOutbox
from chalicelib.data.players import MongoPlayers
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.region_hands import MongoRegionHand
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.errors import Unavailable
from chalicelib.replication.capture import Recorder
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.failover import Report, carry_out, plan_failover, plan_return
from chalicelib.replication.regions import homes_of, roles_of
from tests.ending import set_at_the_end
from tests.redis_doors import eventually

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
FIRST, SECOND, THIRD = REGIONS
PLAYERS = 6
PHASE = 50
"""Requests answered before, while another region serves, and after the return."""
WEALTH = 1_000_000
THINKING_SECONDS = 0.03
"""Of a client between requests: the three publishers of this process keep up with them."""
TRANSACTION_SECONDS = 2.0
UNHURRIED_SECONDS = 20.0
"""Of transactions that nobody has to wait for."""
PATIENCE_SECONDS = 120.0


@dataclass(kw_only=True)
class Region:
    """One region: its API, and what tells the others. ``down``: neither does anything, the database stands."""

    name: str
    database: Database[Document]
    operations: Operations
    store: MongoStore
    homes: HomesOf
    brokers: BrokerService
    hand: MongoRegionHand
    down: threading.Event = field(default_factory=threading.Event)

    def train(self, player: str, request_id: str) -> None:
        if self.down.is_set():
            raise Unavailable("region_down")
        broker = self.database.brokers.find_one({"ownerTelegramId": player})
        if broker is None:
            raise Unavailable("not_here_yet")
        self.brokers.train(ActionRequest(telegram_id=player, request_id=request_id), str(broker["_id"]), "speed")
        if self.down.is_set():
            raise Unavailable("answer_lost")

    def publish(self, others: Mapping[str, "Region"]) -> int:
        """What a publisher and the receivers do, without queues: what comes too early waits, and is told again."""
        outbox, told = MongoOutbox(self.operations), 0
        for name, other in others.items():
            rows = outbox.claim(name, system_clock(), 50)
            events = [stored_event(row) for row in rows]
            if events:
                early = set(other.hand.apply(events))
                outbox.sent(name, [row["_id"] for row in rows if row["_id"] not in early], system_clock())
            told += len(events)
        return told


def region(
    name: str,
    database: Database[Document],
    uri: str,
    opened: list[Pools],
    *,
    restored: bool = False,
    transaction_seconds: float = UNHURRIED_SECONDS,
    listeners: Sequence[CommandListener] = (),
) -> Region:
    """A ``restored`` one has everything already."""
    if not restored:
        ensure_indexes(database)
        seed_defaults(database, system_clock())
    pools = Pools(uri, without_secondaries(GUIDE_POOLS), listeners=listeners)
    opened.append(pools)
    operations = Operations(pools, database.name, budget_seconds=10.0)
    others = [other for other in REGIONS if other != name]
    recorder = Recorder(system_clock, name, 15 - REGIONS.index(name), others, ObjectId)
    told = MongoStore(operations, Transactions(pools, budget_seconds=transaction_seconds), recorder=recorder)
    unhurried = Transactions(pools, budget_seconds=UNHURRIED_SECONDS)

    def homes(documents: Sequence[Mapping[str, Any]]) -> Homes:
        return homes_of(name, roles_of(REGIONS, documents))

    silent = MongoStore(operations, unhurried)
    players = MongoPlayers(operations, told)
    found = Region(
        name=name,
        database=database,
        operations=operations,
        store=told,
        homes=homes,
        brokers=BrokerService(told, players, system_clock, stripe=0, homes=homes),
        hand=MongoRegionHand(operations, silent, system_clock, name=name),
    )
    if name == FIRST and not restored:
        _enrich(operations, MongoStore(operations, unhurried, recorder=recorder))
    return found


def _enrich(operations: Operations, store: MongoStore) -> None:
    """Players with brokers, and money the ledger knows of."""
    brokers = BrokerService(store, MongoPlayers(operations, store), system_clock, stripe=0)
    for number in range(PLAYERS):
        postings = Postings(request_id=f"gift {number}", now=system_clock(), stripe=0, new_id=ObjectId)
        postings.credit(str(number), "NEUR", WEALTH, "creator_earnings")
        writes: tuple[Write, ...] = (postings.player_update(str(number), None, {}), *postings.ledger_insert())
        store.transact(partial(_written, writes))
        brokers.starter(str(number))


def _written(writes: tuple[Write, ...], _: object) -> Outcome[None]:
    return Outcome(None, writes)


@pytest.fixture
def regions(mongo_client: MongoClient[Document], mongo_uri: str, opened: list[Pools]) -> Iterator[dict[str, Region]]:
    databases = {name: mongo_client[f"test_{ObjectId()}"] for name in REGIONS}
    yield {
        name: region(name, database, mongo_uri, opened, transaction_seconds=TRANSACTION_SECONDS)
        for name, database in databases.items()
    }
    for database in databases.values():
        mongo_client.drop_database(database.name)


@dataclass
class Load:
    """Clients that repeat each request until it is answered, and go where they are sent."""

    regions: Mapping[str, Region]
    stop: threading.Event = field(default_factory=threading.Event)
    numbers: Any = field(default_factory=itertools.count)
    acknowledged: list[tuple[str, str]] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)

    def run(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.stop.is_set():
            player, request_id = str(chance.randrange(PLAYERS)), f"r{next(self.numbers)}"
            target = chance.choice(REGIONS)
            while not self.stop.is_set():
                try:
                    self.regions[target].train(player, request_id)
                except NotHome as elsewhere:
                    target = elsewhere.region
                    self.troubles["sent on"] += 1
                except Unavailable as trouble:
                    self.troubles[trouble.code] += 1
                    target = chance.choice(REGIONS)
                    time.sleep(0.05)
                else:
                    self.acknowledged.append((player, request_id))
                    time.sleep(THINKING_SECONDS)
                    break


def publishing(regions: Mapping[str, Region], source: Region, stop: threading.Event) -> None:
    others = {name: other for name, other in regions.items() if name != source.name}
    while not stop.is_set():
        if source.down.is_set() or not source.publish(others):
            time.sleep(0.02)


def tell(regions: Mapping[str, Region]) -> None:
    """Until nobody has anything left to tell the others."""
    for name, one in regions.items():
        others = {other: found for other, found in regions.items() if other != name}
        while one.publish(others):
            pass


def asked(load: Load) -> float:
    """Wait until clients have been answered :data:`PHASE` times more; seconds that took."""
    start, had = time.monotonic(), len(load.acknowledged)
    eventually(f"{PHASE} more are acknowledged", lambda: len(load.acknowledged) >= had + PHASE, PATIENCE_SECONDS)
    return time.monotonic() - start


def takeover(regions: Mapping[str, Region], plan: Callable[[dict[str, list[Document]]], Any]) -> Report:
    hands = {name: found.hand for name, found in regions.items()}
    planned = plan({name: hand.roles() for name, hand in hands.items()})
    return carry_out(
        planned,
        hands,
        run=str(ObjectId()),
        clock=system_clock,
        sleep=time.sleep,
        tell=lambda _: None,
    )


def test_failover_and_return_under_load(regions: dict[str, Region]) -> None:
    """What ends at the fence are transactions of real databases."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    load, quiet = Load(regions), threading.Event()
    with ThreadPoolExecutor(7) as pool, set_at_the_end(load.stop, quiet):
        clients = [pool.submit(load.run, seed + number) for number in range(4)]
        publishers = [pool.submit(publishing, regions, source, quiet) for source in regions.values()]
        before = asked(load)
        regions[FIRST].down.set()
        over = takeover(regions, lambda found: plan_failover(REGIONS, found, failed=FIRST))
        during = asked(load)
        regions[FIRST].down.clear()
        back = takeover(regions, lambda found: plan_return(REGIONS, found, region=FIRST))
        after = asked(load)
        load.stop.set()
        ended(clients)
        settled(regions)
        quiet.set()
        ended(publishers)
    print(
        f"acknowledged {len(load.acknowledged)}: {before:.1f} s for the first {PHASE}, {during:.1f} s for as many "
        f"while {SECOND} served, {after:.1f} s after the return; nobody served for {over.unserved_seconds:.1f} s and "
        f"{back.unserved_seconds:.1f} s; drained {over.drained} and {back.drained}; {dict(load.troubles)}"
    )
    for found in regions.values():
        assert_exact(found, load.acknowledged)


def ended(threads: Sequence[Future[None]]) -> None:
    for one in threads:
        one.result()


def settled(regions: Mapping[str, Region]) -> None:
    def all_told() -> bool:
        return not any(found.database.outbox.count_documents({"pending": {"$ne": []}}) for found in regions.values())

    eventually("all is told", all_told, PATIENCE_SECONDS)


def assert_exact(found: Region, acknowledged: list[tuple[str, str]]) -> None:
    """Every acknowledged purchase is there once, and every balance is the ledger's sum."""
    debits = Counter(
        (row["telegramId"], row["requestId"]) for row in found.database.ledgerentries.find({"direction": "debit"})
    )
    assert set(acknowledged) <= set(debits), f"{found.name} lost something"
    assert set(debits.values()) == {1}
    sums: Counter[str] = Counter()
    for row in found.database.ledgerentries.find():
        sums[row["telegramId"]] += row["amount"] if row["direction"] == "credit" else -row["amount"]
    balances = {user["telegramId"]: user["neurBalance"] for user in found.database.users.find()}
    assert balances == dict(sums)
    assert min(balances.values()) >= 0
