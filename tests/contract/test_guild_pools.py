"""Guilds' pools of brokers; on both stores."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.arena import engine
from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.guilds import POOLED_MAX
from chalicelib.arena.ports import Document, Update
from chalicelib.errors import ArenaError, Conflict, Forbidden, NotFound
from tests.consistency import assert_guilds_consistent
from tests.guilds import NOWHERE, by, found_guild, pooled, refused
from tests.worlds import NOON, SECRET, World


def test_a_deposit_is_on_the_broker_and_in_the_guild(world: World) -> None:
    """In one transaction; once more changes nothing."""
    guild = found_guild(world)
    broker = world.add_broker()
    world.clock.advance(5)
    later = NOON + timedelta(seconds=5)
    answer = world.guilds().deposit(by("777"), str(guild["_id"]), str(broker["_id"]))
    entry = {"brokerId": broker["_id"], "depositedByTelegramId": "777", "depositedAt": later}
    assert answer == {
        "ok": True,
        "guild": {**guild, "pooledBrokers": [entry], "updatedAt": later},
        "broker": {**broker, "guildId": guild["_id"], "updatedAt": later},
    }
    assert (answer["guild"], answer["broker"]) == (world.one("guilds"), world.one("brokers"))
    moved = {"_id": broker["_id"], "guildId": guild["_id"], "updatedAt": later}
    assert world.read("outbox")[-1]["payload"]["brokers"] == [moved]
    before = world.everything()
    world.clock.advance(5)
    assert world.guilds().deposit(by("777"), str(guild["_id"]), str(broker["_id"])) == answer
    assert world.everything() == before


def test_deposits_refused(world: World) -> None:
    """In the game's order: guild, membership, broker, owner, other pool, room."""
    guild = found_guild(world, "777", "888")
    other = found_guild(world, "777", name="Bears")
    mine, theirs = world.add_broker(), world.add_broker("999")
    dead = world.add_broker(deletedAt=NOON)
    elsewhere = pooled(world, other)
    cases: list[tuple[str, Any, type[ArenaError], str]] = [
        ("999", theirs["_id"], Forbidden, "not a member"),
        ("999", NOWHERE, Forbidden, "not a member"),
        ("777", NOWHERE, NotFound, "broker not found"),
        ("777", dead["_id"], NotFound, "broker not found"),
        ("777", theirs["_id"], Forbidden, "not your broker"),
        ("888", mine["_id"], Forbidden, "not your broker"),
        ("777", elsewhere["_id"], Conflict, "broker already in another guild pool"),
    ]
    for who, broker_id, kind, code in cases:
        error = refused(world, world.guilds().deposit, by(who), str(guild["_id"]), str(broker_id))
        assert (type(error), error.code) == (kind, code)


def test_a_pool_is_full_at_its_bound(world: World) -> None:
    """Living brokers are counted; who is in already is not refused."""
    guild = world.add_guild("777")
    brokers = [world.add_broker(guildId=guild["_id"]) for _ in range(POOLED_MAX)]
    world.add_broker(guildId=guild["_id"], deletedAt=NOON)
    late, guild_id = world.add_broker(), str(guild["_id"])
    error = refused(world, world.guilds().deposit, by("777"), guild_id, str(late["_id"]))
    assert (type(error), error.code, error.details) == (Conflict, "guild pool full", {"pooledMax": POOLED_MAX})
    world.guilds().deposit(by("777"), guild_id, str(brokers[0]["_id"]))
    world.guilds().withdraw(by("777"), guild_id, str(brokers[0]["_id"]))
    world.guilds().deposit(by("777"), guild_id, str(late["_id"]))


@pytest.mark.parametrize("who", ["boss", "777", "new owner"])
def test_guild_owner_depositor_and_broker_owner_may_withdraw(world: World, who: str) -> None:
    """Even where they have left the guild, or never were in it."""
    guild = found_guild(world, "boss", "777")
    broker = pooled(world, guild, "777")
    world.write(Update("brokers", {"_id": broker["_id"]}, {"$set": {"ownerTelegramId": "new owner"}}))
    world.guilds().leave(by("777"), str(guild["_id"]))
    answer = world.guilds().withdraw(by(who), str(guild["_id"]), str(broker["_id"]))
    assert (answer["ok"], answer["guild"], answer["broker"]) == (True, world.one("guilds"), world.one("brokers"))
    assert (answer["guild"]["pooledBrokers"], answer["broker"]["guildId"]) == ([], None)
    assert_guilds_consistent(world)


def test_withdrawals_refused(world: World) -> None:
    """Who may not is told so whether the broker is there or not; having put another there changes nothing."""
    guild = found_guild(world, "boss", "777", "888")
    pooled(world, guild, "888")
    guild_id, broker, loose = str(guild["_id"]), pooled(world, guild, "777"), world.add_broker()
    elsewhere = pooled(world, found_guild(world, "777", name="Bears"))
    cases: list[tuple[str, Any, type[ArenaError], str]] = [
        ("888", NOWHERE, NotFound, "broker not found"),
        ("888", broker["_id"], Forbidden, "not allowed"),
        ("888", loose["_id"], Forbidden, "not allowed"),
        ("777", loose["_id"], Conflict, "broker not in this guild pool"),
        ("777", elsewhere["_id"], Conflict, "broker not in this guild pool"),
        ("boss", elsewhere["_id"], Conflict, "broker not in this guild pool"),
    ]
    for who, broker_id, kind, code in cases:
        error = refused(world, world.guilds().withdraw, by(who), guild_id, str(broker_id))
        assert (type(error), error.code) == (kind, code)
    world.guilds().withdraw(by("777"), guild_id, str(broker["_id"]))
    again = refused(world, world.guilds().withdraw, by("777"), guild_id, str(broker["_id"]))
    assert again.code == "broker not in this guild pool"


def test_a_sacrificed_broker_is_in_no_pool_and_the_guild_does_not_list_it(world: World) -> None:
    """In the transaction that gives it up; the base stays where it is, the battle counts what is left."""
    world.add_player(neurBalance=50)
    guild = found_guild(world)
    base, sacrifice = pooled(world, guild), pooled(world, guild)
    request = ActionRequest(telegram_id="777", request_id="merge")
    world.brokers().combine(request, str(base["_id"]), str(sacrifice["_id"]))
    stored = world.one("guilds")
    assert [entry["brokerId"] for entry in stored["pooledBrokers"]] == [base["_id"]]
    assert world.one("brokers", _id=sacrifice["_id"])["guildId"] is None
    (told,) = world.one("outbox", entity="broker_combine")["payload"]["guilds"]
    assert {**told, "vaultNeur": 0, "vaultAiba": 0} == stored
    pool = world.guilds().pool("777", str(guild["_id"]))
    assert [broker["_id"] for broker in pool["brokers"]] == [base["_id"]]
    assert world.one("brokers", _id=base["_id"])["guildId"] == guild["_id"]


def test_other_actions_leave_the_guild_alone(world: World) -> None:
    """A base that is combined, a broker that is trained: no write to the guild."""
    world.add_player(neurBalance=1000)
    guild = found_guild(world)
    base, loose = pooled(world, guild), world.add_broker()
    before = world.one("guilds")
    world.clock.advance(1)
    world.brokers().train(ActionRequest(telegram_id="777", request_id="a"), str(base["_id"]), "risk")
    world.brokers().combine(ActionRequest(telegram_id="777", request_id="b"), str(base["_id"]), str(loose["_id"]))
    assert world.one("guilds") == before
    assert [event["payload"]["guilds"] for event in world.read("outbox")[-2:]] == [[], []]


def test_the_pool_shows_living_brokers_in_the_order_they_came(world: World) -> None:
    """Whatever the guild's entries say: a broker nobody is on record for comes last, one that is gone never."""
    guild = found_guild(world, "777", "888")
    brokers = [world.add_broker() for _ in range(4)]
    for broker in reversed(brokers):
        world.guilds().deposit(by("777"), str(guild["_id"]), str(broker["_id"]))
    unknown = world.add_broker("999", guildId=guild["_id"])
    world.write(Update("brokers", {"_id": brokers[1]["_id"]}, {"$set": {"deletedAt": NOON}}))
    pool = world.guilds().pool("888", str(guild["_id"]))
    assert pool["guildId"] == guild["_id"]
    assert [broker["_id"] for broker in pool["brokers"]] == [
        *(brokers[place]["_id"] for place in (3, 2, 0)),
        unknown["_id"],
    ]
    assert pool["brokers"][0] == world.one("brokers", _id=brokers[3]["_id"])
    with pytest.raises(Forbidden, match="not a member"):
        world.guilds().pool("999", str(guild["_id"]))


@pytest.mark.parametrize("change", ["deposit", "withdraw", "leave"])
def test_the_next_change_of_a_pool_forgets_a_broker_that_went_unnoticed(world: World, change: str) -> None:
    """Written by another program, say, that knows nothing of entries."""
    guild = found_guild(world, "777", "888")
    guild_id = str(guild["_id"])
    ghost, stays, moves = pooled(world, guild), pooled(world, guild), pooled(world, guild, "888")
    world.write(Update("brokers", {"_id": ghost["_id"]}, {"$set": {"guildId": None, "deletedAt": NOON}}))
    if change == "deposit":
        pooled(world, guild)
    elif change == "withdraw":
        world.guilds().withdraw(by("888"), guild_id, str(moves["_id"]))
    else:
        world.guilds().leave(by("888"), guild_id)
    assert_guilds_consistent(world)
    assert stays["_id"] in [entry["brokerId"] for entry in world.one("guilds")["pooledBrokers"]]


def test_a_pool_decides_a_war_as_soon_as_it_changes(world: World) -> None:
    """Deposits on either side move the bonus, fifteen points at most."""
    world.configure(battleAnomalyScoreMax=1000)
    world.add("gamemodes", key="war", enabled=True, arena="guildWars", league="rookie", energyCost=0, cooldownSeconds=0)
    mine = found_guild(world, "777")
    world.clock.advance(60)
    rival = found_guild(world, "888", name="Bears")
    fighter = world.add_broker(intelligence=100, speed=100, risk=0)

    def score(number: int) -> int:
        result: int = world.battles().run(world.command(fighter, f"war-{number}", mode_key="war")).battle["score"]
        return result

    plain = {number: _without_bonus(world, fighter, f"war-{number}", rival["_id"]) for number in range(4)}
    assert score(0) == plain[0]
    for _ in range(2):
        pooled(world, mine)
    assert score(1) == plain[1] + 6
    for _ in range(3):
        pooled(world, rival, "888")
    assert score(2) == plain[2] - 3
    for _ in range(8):
        pooled(world, mine)
    assert score(3) == plain[3] + 15


def _without_bonus(world: World, broker: Document, request_id: str, opponent_id: ObjectId) -> int:

    seed = engine.battle_seed(
        SECRET,
        telegram_id="777",
        broker_id=str(broker["_id"]),
        mode_key="war",
        arena="guildWars",
        league="rookie",
        request_id=request_id,
        opponent_id=str(opponent_id),
    )
    return engine.simulate_battle(broker, seed.value, "guildWars", "rookie")
