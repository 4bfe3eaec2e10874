"""From a backup on to a point in time, by what outboxes tell; the state then is what an observer noted at that time."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.guild_service import GuildRequest
from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.ports import Document
from chalicelib.backup.replaying import NothingTold
from chalicelib.backup.restoring import RestoreFailed
from chalicelib.data.event_sources import BackupEvents, DatabaseEvents
from chalicelib.replication.capture import Recorder
from chalicelib.replication.content import rows_of
from chalicelib.replication.rules import DOCUMENTS, FACTS
from tests.backup_worlds import REGION, BackedUp
from tests.fakes.memory_objects import MemoryObjects
from tests.worlds import NOON, World, mongo_world

PLAYERS = 4
BOSS_HP = 10_000_000
LAPSE_SECONDS = 60
State = Mapping[str, Any]


@pytest.fixture
def world(database: Database[Document], mongo_uri: str) -> Iterator[World]:
    """An arena of two regions, seen from one."""
    found: list[World] = []
    recorder = Recorder(lambda: found[0].clock(), REGION, 15, ("eu-west-1",), ObjectId)
    world, pools = mongo_world(database, mongo_uri, recorder=recorder)
    found.append(world)
    _begin(world)
    yield world
    pools.close()


@pytest.fixture
def backed_up(database: Database[Document], mongo_uri: str) -> Iterator[BackedUp]:
    found = BackedUp(mongo_uri, database.name, MemoryObjects())
    yield found
    found.close()


def _begin(world: World) -> None:
    """A boss, a referrer, and players who can spend."""
    world.configure(baseRewardAibaPerScore=20, baseRewardNeurPerScore=10, dailyCapNeur=10**9)
    world.add("gamemodes", key="free", arena="free", enabled=True, league="rookie", energyCost=0, cooldownSeconds=0)
    world.add("globalbosses", name="Bear", maxHp=BOSS_HP, currentHp=BOSS_HP, status="active")
    world.add("referrals", code="c", ownerTelegramId="p0", uses=150, active=True)
    for number in range(PLAYERS):
        world.add_player(f"p{number}", neurBalance=10_000)
        world.add_broker(f"p{number}")
        if number:
            world.add("referraluses", code="c", referrerTelegramId="p0", refereeTelegramId=f"p{number}")


def _play(world: World, what: str) -> None:
    """Everybody at once fights, spends, is called something else, joins a guild; some of what follows is settled."""
    guild = world.guilds().create(GuildRequest(telegram_id="p0", request_id=f"{what}-g"), f"guild {what}")

    def player(number: int) -> None:
        who = f"p{number}"
        broker = world.one("brokers", ownerTelegramId=who)
        for fight in range(3):
            command = world.command(broker, f"{what}-{who}-{fight}", telegram_id=who, mode_key="free")
            world.battles(number).run(command)
        world.brokers().train(ActionRequest(telegram_id=who, request_id=f"{what}-{who}-t"), str(broker["_id"]), "speed")
        world.players.upsert_player(who, {"username": f"{who} in {what}"}, world.clock())
        if number:
            world.guilds().join(GuildRequest(telegram_id=who, request_id=f"{what}-{who}-j"), str(guild["_id"]))

    threads = [threading.Thread(target=player, args=(number,)) for number in range(PLAYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _settle_some(world: World) -> None:
    turns = iter((True, False))
    world.follow_ups(batch_events=5).run(lambda: next(turns))


def state(database: Database[Document]) -> State:
    """What there is, as an observer sees it who knows nothing of backups."""
    found: dict[str, Any] = {}
    for name in (*FACTS, *DOCUMENTS):
        rows, _ = rows_of(name, list(database[name].find()), NOON)
        found[name] = {row.key: row.digest for row in rows}
    users = list(database["users"].find())
    found["balances"] = {one["telegramId"]: [one[balance_field(name)] for name in CURRENCIES] for one in users}
    found["standings"] = {one["telegramId"]: (one.get("totals"), one.get("seasons")) for one in users}
    found["bosses"] = {one["_id"]: (one["currentHp"], one["status"]) for one in database["globalbosses"].find()}
    days: Counter[tuple[str, ...]] = Counter()
    for stripe in database["economydays"].find():
        for name, value in stripe.items():
            if name.startswith(("emitted", "burned", "spent")):
                for scope, amount in value.items() if isinstance(value, dict) else [("", value)]:
                    days[stripe["day"], name, scope] += amount
    found["days"] = days
    found["told"] = {row["_id"] for row in database["outbox"].find()}
    return found


def differences(one: State, other: State) -> dict[str, Any]:
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def ledger_sums(database: Database[Document]) -> dict[str, list[int]]:
    """By player, what each balance must be: what they began with, and the sum of their rows."""
    sums: Counter[tuple[str, str]] = Counter()
    for row in database["ledgerentries"].find():
        sums[row["telegramId"], row["currency"]] += row["amount"] * (1 if row["direction"] == "credit" else -1)
    begun = {"NEUR": 10_000}
    who = [one["telegramId"] for one in database["users"].find()]
    return {one: [begun.get(name, 0) + sums[one, name] for name in CURRENCIES] for one in who}


def test_the_state_at_a_time_is_what_it_was_then(
    world: World,
    backed_up: BackedUp,
    database: Database[Document],
    elsewhere: Database[Document],
    mongo_uri: str,
) -> None:
    _play(world, "before")
    _settle_some(world)
    base = backed_up.take()
    world.clock.advance(LAPSE_SECONDS)
    _play(world, "after")
    _settle_some(world)
    until, then = world.clock(), state(database)
    assert differences(then, {**then, "balances": ledger_sums(database)}) == {}
    world.clock.advance(LAPSE_SECONDS)
    _play(world, "too late")
    world.follow_ups().run()
    later = backed_up.take()

    source = BackupEvents(backed_up.shelf, later)
    report = backed_up.restore(base, elsewhere.name, sources=[source], until=until)
    assert differences(then, state(elsewhere)) == {}
    assert report.at == until
    assert report.replayed is not None
    assert (report.replayed.applied, report.replayed.early) == (len(then["told"]) - report.replayed.known, 0)
    assert report.replayed.later > 0

    # What followed from battles, and was settled later than that, is due again: once, whoever was paid is left out.
    restored, pools = mongo_world(elsewhere, mongo_uri, seeded=False)
    restored.clock.advance(3 * LAPSE_SECONDS)
    restored.follow_ups().run()
    _settle_all(world, elsewhere, restored)
    pools.close()


def _settle_all(world: World, elsewhere: Database[Document], restored: World) -> None:
    damages = restored.read("bossdamages")
    assert (
        len(damages)
        == len({one["battleId"] for one in damages})
        == sum(b["score"] > 0 for b in restored.read("battles"))
    )
    (boss,) = restored.read("globalbosses")
    assert boss["currentHp"] == BOSS_HP - sum(one["damage"] for one in damages)
    paid = {row["sourceId"] for row in restored.read("ledgerentries") if row["reason"] == "creator_earnings"}
    earned = {row["sourceId"] for row in world.read("ledgerentries") if row["reason"] == "creator_earnings"}
    assert paid == {source for source in earned if "too late" not in source}
    assert state(elsewhere)["balances"] == ledger_sums(elsewhere)


def test_after_it_no_cap_can_be_exceeded(
    world: World, backed_up: BackedUp, database: Database[Document], elsewhere: Database[Document], mongo_uri: str
) -> None:
    """What was emitted since the backup counts, though no event tells of the day's allowances."""
    _play(world, "first")
    cap = 3 * _emitted(database)
    world.configure(dailyCapAiba=cap)
    # Shared out under this cap, of which the backup shows a third or so as left.
    _play(world, "before")
    base = backed_up.take()
    world.clock.advance(LAPSE_SECONDS)
    _play(world, "after")
    then = state(database)
    backed_up.restore(
        base, elsewhere.name, sources=[DatabaseEvents(backed_up.pools, database.name, "here")], until=world.clock()
    )
    assert differences(then, state(elsewhere)) == {}
    # Else stripes would spend allowances that others had spent since.
    assert [one["_id"] for one in elsewhere["economydays"].find() if "terms" in one or "rooms" in one] == []
    restored, pools = mongo_world(elsewhere, mongo_uri, seeded=False)
    restored.clock.advance(2 * LAPSE_SECONDS)
    for again in range(2):
        _play(restored, f"capped {again}")
    assert _emitted(elsewhere) <= cap
    pools.close()


def _emitted(database: Database[Document]) -> int:
    found = database["ledgerentries"].find({"currency": "AIBA", "direction": "credit", "reason": "battle_reward"})
    return sum(row["amount"] for row in found)


def test_an_arena_of_one_region_tells_nobody_and_can_not_be_replayed(
    database: Database[Document], backed_up: BackedUp, elsewhere: Database[Document], mongo_uri: str
) -> None:
    alone, pools = mongo_world(database, mongo_uri)
    _begin(alone)
    base = backed_up.take()
    _play(alone, "after")
    with pytest.raises(NothingTold, match="does not say what was changed"):
        backed_up.restore(
            base, elsewhere.name, sources=[DatabaseEvents(backed_up.pools, database.name, "here")], until=alone.clock()
        )
    assert "users" not in elsewhere.list_collection_names()
    pools.close()


def test_events_that_do_not_reach_back_are_refused(
    world: World, backed_up: BackedUp, database: Database[Document], elsewhere: Database[Document]
) -> None:
    """One is missing that founded the guild others have joined."""
    base = backed_up.take()
    world.clock.advance(LAPSE_SECONDS)
    _play(world, "after")
    assert database["outbox"].delete_one({"changes.collection": "guilds", "changes.new": True}).deleted_count == 1
    with pytest.raises(RestoreFailed, match="3 events change documents that nobody has told of"):
        backed_up.restore(
            base, elsewhere.name, sources=[DatabaseEvents(backed_up.pools, database.name, "here")], until=world.clock()
        )
    assert "users" not in elsewhere.list_collection_names()
