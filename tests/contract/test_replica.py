"""What other regions did, applied: the same on the fake database and on a real replica set.

The other region is in memory, its events travel as JSON.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.guild_service import GuildRequest
from chalicelib.arena.operator_actions import By
from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.arena.standings import ALL, path_of
from chalicelib.clock import ManualClock
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.data.replica import MongoReplica
from chalicelib.data.store import MongoStore
from chalicelib.replication.applying import AppliedEvent, decide
from chalicelib.replication.capture import Recorder
from chalicelib.replication.conversion import envelope_of, event_of
from chalicelib.replication.ports import APPLIED, CONFLICTS, Event, ReplicaStore, Wanted
from chalicelib.replication.rules import VERSIONS
from tests.fakes.memory_replica import MemoryReplica
from tests.fakes.memory_store import MemoryStore
from tests.standings import kept, summed
from tests.worlds import NOON, World, memory_world, mongo_world

BY = By("ops@example.org", "o")


def recorder(rank: int) -> Recorder:
    return Recorder(ManualClock(NOON), f"region-{rank}", rank, ["others"], ObjectId)


@pytest.fixture
def there() -> World:
    """Another region."""
    return memory_world(recorder(1))


@pytest.fixture
def replica(world: World) -> ReplicaStore:
    if isinstance(world.store, MongoStore):
        return MongoReplica(world.store)
    assert isinstance(world.store, MemoryStore)
    return MemoryReplica(world.store)


def told(source: World, seen: Sequence[Event] = ()) -> list[Event]:
    """What a region has to tell, besides what was ``seen``, the way it travels."""
    known = {event.event_id for event in seen}
    events = [event for event in source.read("outbox") if event.get("changes") and event["_id"] not in known]
    return [event_of(envelope_of(event, sent_at=NOON, to_json=to_json), from_json) for event in events]


def apply(replica: ReplicaStore, events: Sequence[Event]) -> list[AppliedEvent]:
    return replica.transact(lambda snapshot: decide(events, snapshot, NOON))


def fates(replica: ReplicaStore, events: Sequence[Event]) -> list[str]:
    return [applied.fate for applied in apply(replica, events)]


def change(source: World, *writes: Write) -> None:
    source.store.transact(lambda _: Outcome(None, writes))


def without(document: Document, *names: str) -> Document:
    return {name: value for name, value in document.items() if name not in names}


def test_a_battle_arrives_whole(world: World, there: World, replica: ReplicaStore) -> None:
    """Battle, ledger, balances, broker, standings; into a region that knows neither player nor broker."""
    there.configure(baseRewardNeurPerScore=3)
    there.players.upsert_player("777", {"username": "ann"}, NOON)
    broker = there.brokers().starter("777")
    change(there, Update("brokers", {"_id": broker["_id"]}, {"$set": {"energy": 100}}))
    there.battles().run(there.command(broker, "r1", mode_key="prediction"))
    there.clock.advance(120)
    there.battles().run(there.command(broker, "r2", mode_key="prediction"))
    assert fates(replica, told(there)) == ["applied"] * len(told(there))
    for collection in ("battles", "ledgerentries"):
        assert sorted(world.read(collection), key=str) == sorted(there.read(collection), key=str)
    assert world.one("brokers") == there.one("brokers")
    local = ("_id", "createdAt", "updatedAt", "lastSeenAt", "standingsAt")
    assert without(world.one("users"), *local) == without(there.one("users"), *local)
    assert kept(world.one("users")) == summed(world.read("battles"), "month")["777"]
    assert world.read("outbox") == []


def test_an_event_counts_once(world: World, there: World, replica: ReplicaStore) -> None:
    """Twice in a batch, and again later."""
    guild = there.guilds().create(GuildRequest(telegram_id="777", request_id="g"), "Bulls")
    change(there, Update("guilds", {"_id": guild["_id"]}, {"$inc": {"vaultNeur": 5}}))
    founded, paid = told(there)
    assert fates(replica, [founded, paid, paid]) == ["applied", "applied", "duplicate"]
    assert fates(replica, [paid, founded]) == ["duplicate", "duplicate"]
    assert world.one("guilds")["vaultNeur"] == 5
    (row, _) = sorted(world.read(APPLIED), key=lambda row: str(row["_id"]))
    assert (row["region"], row["expiresAt"]) == ("region-1", NOON + timedelta(days=36))


def test_a_change_of_what_is_not_known_is_early(world: World, there: World, replica: ReplicaStore) -> None:
    """It changes nothing, is not remembered, holds up no other, and comes again."""
    guild = there.guilds().create(GuildRequest(telegram_id="777", request_id="g"), "Bulls")
    there.guilds().join(GuildRequest(telegram_id="778", request_id="g"), str(guild["_id"]))
    founded, joined = told(there)
    before = world.everything()
    assert fates(replica, [joined]) == ["early"]
    assert world.everything() == before
    assert fates(replica, [joined, founded]) == ["applied", "applied"]
    assert [member["telegramId"] for member in world.one("guilds")["members"]] == ["777", "778"]


def test_a_payment_begins_a_player(world: World, there: World, replica: ReplicaStore) -> None:
    """And so does a change of one; with every field a new player has."""
    row = {"telegramId": "1", "currency": "NEUR", "direction": "credit", "amount": 7}
    named = {"sourceType": "t", "sourceId": "s", "reason": "r", "createdAt": NOON}
    change(there, Insert("ledgerentries", ({"_id": ObjectId(), **row, **named},)))
    there.players.upsert_player("2", {}, NOON)
    there.players.set_school("2", "5f0c2a115f0c2a115f0c2a11", NOON)
    change(there, Update("users", {"telegramId": "2"}, {"$unset": {"wallet": ""}}))
    apply(replica, told(there))
    paid, changed = sorted(world.read("users"), key=lambda user: str(user["telegramId"]))
    assert (paid["neurBalance"], paid["aibaBalance"], paid["roles"]) == (7, 0, [])
    assert (changed["schoolId"], "wallet" in changed) == (ObjectId("5f0c2a115f0c2a115f0c2a11"), False)


def test_of_two_guilds_of_one_name_the_first_keeps_it(world: World, there: World, replica: ReplicaStore) -> None:
    """Whichever comes first; the other is called after its id, and it is on record."""
    elsewhere = memory_world(recorder(2))
    first = there.guilds().create(GuildRequest(telegram_id="777", request_id="g"), "Bulls")
    second = elsewhere.guilds().create(GuildRequest(telegram_id="778", request_id="g"), "Bulls")
    apply(replica, told(elsewhere))
    apply(replica, told(there))
    assert world.one("guilds", name="Bulls")["_id"] == first["_id"]
    assert world.one("guilds", name=f"Bulls ({second['_id']})")["_id"] == second["_id"]
    assert world.one(CONFLICTS)["key"] == second["_id"]


def test_two_modes_of_one_key_become_one(world: World, there: World, replica: ReplicaStore) -> None:
    """The same in both orders; each region keeps its own id for it."""
    here = memory_world(recorder(2))
    for source, name in ((there, "a"), (here, "b")):
        source.mode_admin().create({"key": "spring", "name": name, "arena": "arbitrage"}, BY)
    assert fates(replica, told(there)) == ["applied"]
    assert fates(replica, told(here)) == ["applied"]
    assert isinstance(here.store, MemoryStore)
    apply(MemoryReplica(MemoryStore(here.store._database)), told(there))
    mode, other = world.one("gamemodes", key="spring"), here.one("gamemodes", key="spring")
    assert mode["name"] == "b"
    assert without(mode, "_id", "createdAt", "updatedAt") == without(other, "_id", "createdAt", "updatedAt")
    assert {row["field"] for row in world.read(CONFLICTS)} == {"name"}


def test_a_loser_is_on_record_once(world: World, there: World, replica: ReplicaStore) -> None:
    """However many batches find it."""
    elsewhere = memory_world(recorder(2))
    for source, name in ((there, "ann"), (elsewhere, "bea")):
        source.players.upsert_player("777", {"username": name}, NOON)
    for events in (told(there), told(elsewhere), told(there)):
        apply(replica, events)
    assert world.one("users")["username"] == "bea"
    row = world.one(CONFLICTS)
    assert (row["loser"]["value"], row["winner"]["value"], row["detectedAt"]) == ("ann", "bea", NOON)
    assert world.one("users")[VERSIONS] == {"username": f"{row['winner']['version']} {row['loser']['version']}"}


def fact(amount: int, seconds: int, **fields: Any) -> Document:
    row = {"telegramId": "1", "currency": "NEUR", "direction": "credit", "amount": amount}
    named = {"sourceType": "t", "sourceId": "s", "reason": "r", "createdAt": NOON + timedelta(seconds=seconds)}
    return {"_id": ObjectId(), **row, **named, **fields}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("late_first", [True, False])
def test_of_two_facts_of_one_identity_the_earlier_counts(
    world: World, there: World, replica: ReplicaStore, together: bool, late_first: bool
) -> None:
    """It takes two homes to come here: the balance is the sum of the ledger all the same, and both are on record."""
    elsewhere = memory_world(recorder(2))
    change(there, Insert("ledgerentries", (fact(5, 0),)))
    change(elsewhere, Insert("ledgerentries", (fact(9, 1),)))
    batches = [told(there), told(elsewhere)][:: -1 if late_first else 1]
    for batch in [[*batches[0], *batches[1]]] if together else batches:
        apply(replica, batch)
    assert world.one("ledgerentries")["amount"] == 5
    assert world.one("users")["neurBalance"] == 5
    row = world.one(CONFLICTS)
    assert (row["winner"]["value"]["amount"], row["loser"]["value"]["amount"]) == (5, 9)


def test_a_boss_is_struck_whatever_comes_first(world: World, there: World, replica: ReplicaStore) -> None:
    """Damage before the boss is known, and more than it has points left."""
    boss = {"_id": ObjectId(), "name": "Bear", "maxHp": 10, "currentHp": 10, "status": "active"}
    change(there, Insert("globalbosses", (boss,)))
    for damage in (4, 7):
        strike = {"_id": ObjectId(), "bossId": boss["_id"], "battleId": ObjectId(), "telegramId": "1", "damage": damage}
        change(there, Insert("bossdamages", (strike,)))
    begun, first, second = told(there)
    assert fates(replica, [first]) == ["applied"]
    assert fates(replica, [begun]) == ["applied"]
    assert (world.one("globalbosses")["currentHp"], world.one("globalbosses")["status"]) == (6, "active")
    assert fates(replica, [second]) == ["applied"]
    assert (world.one("globalbosses")["currentHp"], world.one("globalbosses")["status"]) == (0, "defeated")


def battle(source: World, number: int, days: int, season: str) -> None:
    """Fought ``days`` after noon, as the source counted it."""
    document = {
        **{"_id": ObjectId(), "requestId": f"r{number}", "ownerTelegramId": "777", "league": "rookie"},
        **{"score": 10 + number, "rewardAiba": 1, "rewardNeur": 0, "createdAt": NOON + timedelta(days=days)},
    }
    counted = {f"seasons.{season}.all.score": 0}
    source.players.upsert_player("777", {}, NOON)
    change(source, Insert("battles", (document,)), Update("users", {"telegramId": "777"}, {"$inc": counted}))


def test_seasons_come_and_go_and_none_comes_back(world: World, there: World, replica: ReplicaStore) -> None:
    """In the source's seasons, whatever length is set here; an old battle, late, counts for all time alone."""
    world.configure(seasonLength="week")
    for number, (days, season) in enumerate(((0, "2026-11"), (14, "2026-12"), (45, "2027-01"))):
        battle(there, number, days, season)
    old, next_one, last = told(there)
    apply(replica, [next_one])
    apply(replica, [last])
    assert set(world.one("users")["seasons"]) == {"2026-12", "2027-01"}
    apply(replica, [old])
    user = world.one("users")
    assert set(user["seasons"]) == {"2026-12", "2027-01"}
    assert user["totals"]["all"] == {"score": 33, "aiba": 3, "neur": 0, "battles": 3}


def test_seasons_are_dropped_within_a_batch(world: World, there: World, replica: ReplicaStore) -> None:
    """What the batch itself had added to them, too."""
    for number, (days, season) in enumerate(((0, "2026-11"), (14, "2026-12"), (45, "2027-01"))):
        battle(there, number, days, season)
    apply(replica, told(there)[:1])
    apply(replica, told(there)[1:])
    assert set(world.one("users")["seasons"]) == {"2026-12", "2027-01"}
    assert world.one("users")["totals"]["all"]["battles"] == 3


def test_realms_follow_all_battles(world: World, there: World, replica: ReplicaStore) -> None:
    """Those before the player came included, as where the battle was fought."""
    world.add_player("777", realmProgress={"core": {}})
    battle(there, 0, 0, "2026-11")
    battle(there, 1, 0, "2026-11")
    apply(replica, told(there))
    user = world.one("users")
    scope, board = path_of(None, "realm:core").split(".")
    assert user[scope][board] == user["totals"][ALL]
    assert user["seasons"]["2026-11"]["realm:core"]["battles"] == 2


def test_documents_are_found_by_lists_of_values(world: World, replica: ReplicaStore) -> None:
    """Of each field one of several; six fields at once; none where one does not match."""
    rows = [fact(number, 0, sourceId=f"s{number}") for number in range(4)]
    for row in rows:
        world.insert("ledgerentries", row)
    where = {
        **{"sourceType": ["t"], "sourceId": ["s1", "s3", "s9"], "telegramId": ["1", "2"], "currency": ["NEUR"]},
        **{"direction": ["credit"], "reason": ["r"]},
    }
    ways: list[Wanted] = [
        ("ledgerentries", where),
        ("ledgerentries", {**where, "reason": ["x"]}),
        ("gamemodes", {"key": []}),
        ("ledgerentries", {"_id": [rows[0]["_id"]]}),
    ]
    found = replica.transact(lambda snapshot: Outcome(snapshot.find_all(ways)))
    assert [sorted(row["amount"] for row in each) for each in found] == [[1, 3], [], [], [0]]
    config = replica.transact(lambda snapshot: Outcome(snapshot.economy_config()))
    assert config == world.one("economyconfigs")


@pytest.fixture
def recorded(database: Database[Document], mongo_uri: str) -> Iterator[World]:
    """A real region that tells."""
    world, pools = mongo_world(database, mongo_uri, recorder=recorder(1))
    yield world
    pools.close()


def test_what_a_real_region_tells_arrives(recorded: World) -> None:
    """Services on MongoDB, recorded in their transactions: documents, facts and versions are the same elsewhere."""
    here = memory_world()
    assert isinstance(here.store, MemoryStore)
    recorded.configure(baseRewardNeurPerScore=9, leaderboardTopFreeCreate=99)
    recorded.players.upsert_player("777", {"username": "ann"}, NOON)
    broker = recorded.brokers().starter("777")
    guild = recorded.guilds().create(GuildRequest(telegram_id="777", request_id="g"), "Bulls")
    recorded.guilds().deposit(GuildRequest(telegram_id="777", request_id="g"), str(guild["_id"]), str(broker["_id"]))
    change(recorded, Update("brokers", {"_id": broker["_id"]}, {"$set": {"energy": 100}}))
    recorded.battles().run(recorded.command(broker, "r1", mode_key="guildWars"))
    (mode, *_) = recorded.mode_admin().modes()
    recorded.mode_admin().change(str(mode["_id"]), {"name": "New"}, frozenset(), BY)
    events = told(recorded)
    assert fates(MemoryReplica(here.store), events) == ["applied"] * len(events)
    for collection in ("battles", "ledgerentries", "brokers", "guilds", "operatoractions"):
        assert sorted(here.read(collection), key=str) == sorted(recorded.read(collection), key=str), collection
    local = ("_id", "createdAt", "updatedAt", "lastSeenAt", "standingsAt")
    assert without(here.one("users"), *local) == without(recorded.one("users"), *local)
    assert here.one("gamemodes", name="New")[VERSIONS] == recorded.one("gamemodes", name="New")[VERSIONS]
