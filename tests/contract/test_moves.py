"""Players move home between two regions, on both stores: never two homes, nothing spent twice, nothing forgotten."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_service import BattleService
from chalicelib.arena.broker_service import ActionRequest, BrokerService
from chalicelib.arena.homes import FIELD, HomeMoving, Homes, NotHome
from chalicelib.arena.ports import Document, Insert, Outcome
from chalicelib.arena.postings import Postings
from chalicelib.clock import ManualClock
from chalicelib.data.moves import MongoMoves
from chalicelib.data.operations import Operations
from chalicelib.data.players import MongoPlayers
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.replica import MongoReplica
from chalicelib.data.seed import seed_defaults
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.errors import ArenaError, BadRequest, Conflict, TooManyRequests
from chalicelib.replication.applying import decide
from chalicelib.replication.capture import Recorder
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.moves import STAYS, Moves
from chalicelib.replication.ports import Event, ReplicaStore
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_moves import MemoryMoves
from tests.fakes.memory_replica import MemoryReplica
from tests.fakes.memory_store import MemoryPlayers, MemoryStore
from tests.worlds import NOON, SECRET, memory_world

REGIONS = ("us-east-1", "eu-west-1")
FIRST, SECOND = REGIONS


@dataclass(kw_only=True)
class Region:
    """One region's services, and a look at what it holds."""

    name: str
    clock: ManualClock
    battles: BattleService
    brokers: BrokerService
    moves: Moves
    replica: ReplicaStore
    read: Callable[[str], list[Document]]
    write: Callable[..., None]

    def broker(self) -> str:
        return str(self.read("brokers")[0]["_id"])

    def user(self) -> Document:
        (user,) = self.read("users")
        return user

    def fight(self, request_id: str) -> None:
        self.battles.run(BattleCommand(telegram_id="777", request_id=request_id, broker_id=self.broker()))

    def train(self, request_id: str) -> None:
        self.brokers.train(ActionRequest(telegram_id="777", request_id=request_id), self.broker(), "speed")

    def told(self) -> list[Event]:
        return [stored_event(row) for row in self.read("outbox")]

    def hear(self, events: list[Event]) -> None:
        self.replica.transact(lambda snapshot: decide(events, snapshot, self.clock()))


class Pair:
    """Two regions that talk only when told to."""

    def __init__(self, first: Region, second: Region, serving: dict[str, str]) -> None:
        self.first, self.second, self.serving = first, second, serving

    def sync(self) -> None:
        told = {region.name: region.told() for region in (self.first, self.second)}
        self.second.hear(told[self.first.name])
        self.first.hear(told[self.second.name])


def _homes(name: str, serving: Mapping[str, str]) -> Homes:
    return Homes(region=name, first=FIRST, serving=serving)


def _recorder(clock: ManualClock, name: str) -> Recorder:
    others = [region for region in REGIONS if region != name]
    return Recorder(clock, name, 15 - REGIONS.index(name), others, ObjectId)


def memory_region(name: str, clock: ManualClock, serving: Mapping[str, str]) -> Region:
    database = MemoryDatabase()
    for mode in memory_world().read("gamemodes"):
        database.commit([Insert("gamemodes", (mode,))])
    told, silent = MemoryStore(database, _recorder(clock, name)), MemoryStore(database)
    players = MemoryPlayers(database, told)
    return Region(
        name=name,
        clock=clock,
        battles=BattleService(told, clock, secret=SECRET, stripe=0, homes=lambda _: _homes(name, serving)),
        brokers=BrokerService(told, players, clock, stripe=0, homes=lambda _: _homes(name, serving)),
        moves=Moves(MemoryMoves(told), clock, lambda _: _homes(name, serving), stripe=0),
        replica=MemoryReplica(silent),
        read=lambda collection: database.now().find(collection),
        write=lambda *writes: told.transact(lambda _: Outcome(None, writes)),
    )


def mongo_region(
    name: str, clock: ManualClock, database: Database[Document], uri: str, serving: Mapping[str, str]
) -> tuple[Region, Pools]:
    seed_defaults(database, NOON)
    pools = Pools(uri, without_secondaries(GUIDE_POOLS))
    operations = Operations(pools, database.name, budget_seconds=20.0)
    transactions = Transactions(pools, budget_seconds=20.0)
    told = MongoStore(operations, transactions, recorder=_recorder(clock, name))
    players = MongoPlayers(operations, told)
    region = Region(
        name=name,
        clock=clock,
        battles=BattleService(told, clock, secret=SECRET, stripe=0, homes=lambda _: _homes(name, serving)),
        brokers=BrokerService(told, players, clock, stripe=0, homes=lambda _: _homes(name, serving)),
        moves=Moves(MongoMoves(told), clock, lambda _: _homes(name, serving), stripe=0),
        replica=MongoReplica(MongoStore(operations, transactions)),
        read=lambda collection: list(database[collection].find()),
        write=lambda *writes: told.transact(lambda _: Outcome(None, writes)),
    )
    return region, pools


@pytest.fixture(params=["memory", "mongo"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    clock, serving = ManualClock(NOON), {region: region for region in REGIONS}
    if request.param == "memory":
        pair = Pair(memory_region(FIRST, clock, serving), memory_region(SECOND, clock, serving), serving)
        _begin(pair)
        yield pair
        return
    lender, uri = request.getfixturevalue("lender"), request.getfixturevalue("mongo_uri")
    with lender.lent_to(REGIONS) as databases:
        made = {name: mongo_region(name, clock, database, uri, serving) for name, database in databases.items()}
        pair = Pair(made[FIRST][0], made[SECOND][0], serving)
        _begin(pair)
        yield pair
        for _, pools in made.values():
            pools.close()


def _begin(pair: Pair) -> None:
    """A player of the first region with a broker, and money that the ledger knows of."""
    first = pair.first
    postings = Postings(request_id="gift", now=NOON, stripe=0, new_id=ObjectId)
    postings.credit("777", "NEUR", 1000, "creator_earnings")
    first.brokers.starter("777")
    first.write(postings.player_update("777", None, {}), *postings.ledger_insert())
    pair.sync()


def test_only_the_home_decides(pair: Pair) -> None:
    pair.first.fight("one")
    with pytest.raises(NotHome) as refusal:
        pair.second.train("two")
    assert refusal.value.region == FIRST
    with pytest.raises(NotHome):
        pair.second.fight("one")


def test_a_player_moves_and_is_served_there_once_all_has_arrived(pair: Pair) -> None:
    pair.first.train("spent before")
    moved = pair.first.moves.move("777", SECOND)
    assert (moved.home, moved.epoch, moved.changed) == (SECOND, 1, True)
    with pytest.raises(NotHome):
        pair.first.train("too late")
    with pytest.raises(NotHome):
        pair.first.fight("too late")
    with pytest.raises(NotHome):
        pair.second.train("too early")
    pair.sync()
    with pytest.raises(HomeMoving):
        pair.second.train("not settled")
    assert pair.second.moves.settle("777")
    pair.second.train("spent after")
    pair.sync()
    assert pair.first.user()["neurBalance"] == pair.second.user()["neurBalance"] == 1000 - 2 * cost(pair)


def test_the_new_home_waits_for_every_debit_the_old_one_made(pair: Pair) -> None:
    """Events overtake each other: the move comes before what was spent."""
    pair.first.train("spent")
    pair.first.moves.move("777", SECOND)
    spent, move = pair.first.told()[-2:]
    pair.second.hear([move])
    assert not pair.second.moves.settle("777")
    with pytest.raises(HomeMoving):
        pair.second.train("on money that is gone")
    pair.second.hear([spent])
    assert pair.second.moves.settle("777")
    pair.second.train("on what is left")


def test_refusals(pair: Pair) -> None:
    moves = pair.first.moves
    with pytest.raises(BadRequest, match="no region 'mars'"):
        moves.move("777", "mars")
    assert not moves.move("777", FIRST).changed
    moves.move("777", SECOND)
    with pytest.raises(NotHome):
        moves.move("777", FIRST)
    pair.sync()
    assert pair.second.moves.settle("777")
    with pytest.raises(TooManyRequests, match="moved_recently"):
        pair.second.moves.move("777", FIRST)
    pair.second.clock.advance(STAYS.total_seconds())
    assert pair.second.moves.move("777", FIRST).epoch == 2


def test_a_home_that_serves_nobody_takes_nobody(pair: Pair) -> None:
    fenced = Homes(region=FIRST, first=FIRST, serving={FIRST: FIRST, SECOND: None})
    moves = Moves(pair.first.moves._store, pair.first.clock, lambda _: fenced, stripe=0)
    with pytest.raises(Conflict, match="serves nobody"):
        moves.move("777", SECOND)


def test_who_serves_for_a_failed_home_waits_for_the_mover_too(pair: Pair) -> None:
    """And what it then spends does not lock the player out of the home that comes back."""
    pair.first.moves.move("777", SECOND)
    pair.sync()
    assert pair.second.moves.settle("777")
    pair.second.clock.advance(STAYS.total_seconds())
    pair.second.train("before moving back")
    pair.second.moves.move("777", FIRST)
    spent, move = pair.second.told()[-2:]
    pair.first.hear([move])
    pair.serving[FIRST] = SECOND
    with pytest.raises(NotHome):
        pair.first.train("served elsewhere")
    with pytest.raises(HomeMoving):
        pair.second.train("the mover's arrival is not noted")
    assert pair.second.moves.settle("777")
    pair.second.train("while serving for the home")
    pair.first.hear([spent])
    pair.sync()
    pair.serving[FIRST] = FIRST
    pair.first.train("at home again")


def test_random_stories_never_spend_a_balance_twice(pair: Pair) -> None:
    """Battles, purchases and moves anywhere, events in any order: each is decided by one home, and the sums agree."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    regions = {FIRST: pair.first, SECOND: pair.second}
    unheard: dict[str, list[Event]] = {FIRST: [], SECOND: []}
    told: set[Any] = {event.event_id for region in regions.values() for event in region.told()}
    spent = 0
    for step in range(60):
        region = regions[chance.choice(REGIONS)]
        other = regions[SECOND if region.name == FIRST else FIRST]
        action = chance.choice(("train", "train", "move", "hear", "hear", "settle", "wait"))
        try:
            if action == "train":
                region.train(f"train {step}")
                spent += 1
                assert not _decides(other), "two homes at once"
            elif action == "move":
                region.moves.move("777", other.name)
            elif action == "settle":
                region.moves.settle("777")
            elif action == "wait":
                region.clock.advance(STAYS.total_seconds())
        except (NotHome, HomeMoving, TooManyRequests):
            pass
        for one in regions.values():
            unheard[one.name] += [event for event in one.told() if event.event_id not in told]
            told |= {event.event_id for event in one.told()}
        if action == "hear" and unheard[other.name]:
            region.hear([unheard[other.name].pop(chance.randrange(len(unheard[other.name])))])
    pair.sync()
    assert pair.first.user()["neurBalance"] == pair.second.user()["neurBalance"] == 1000 - spent * cost(pair)
    assert (
        pair.first.user()[FIELD if FIELD in pair.first.user() else "telegramId"]
        == pair.second.user()[FIELD if FIELD in pair.second.user() else "telegramId"]
    )


def _decides(region: Region) -> bool:
    try:
        _homes(region.name, {one: one for one in REGIONS}).require(region.user())
    except ArenaError:
        return False
    return True


def cost(pair: Pair) -> int:
    rows = [row for row in pair.first.read("ledgerentries") if row["reason"] == "train"]
    return int(rows[0]["amount"]) if rows else 0
