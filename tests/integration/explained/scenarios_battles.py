"""Battles and broker actions: everything they read and write in their transactions."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.arena.battle_service import BattleService
from chalicelib.arena.broker_service import ActionRequest, BrokerService
from chalicelib.arena.ports import ActionQuery, BattleQuery, Outcome
from chalicelib.data.store import MongoSnapshot, MongoStore
from tests.integration.explained.registry import covers
from tests.integration.explained.town import MAIN, Town, document_of, oid, player_id
from tests.worlds import NOON, SECRET

DAY = "2021-01-01"


def query(**fields: Any) -> BattleQuery:
    usual = {
        "request_id": "battle-3",
        "telegram_id": MAIN,
        "broker_id": str(oid("brokers", 7)),
        "mode_key": None,
        "arena": "prediction",
        "league": "rookie",
        "now": NOON,
        "stripe_id": f"{DAY}#1",
        "with_guild": True,
        "with_roles": True,
    }
    return BattleQuery(**{**usual, **fields})


@covers(MongoSnapshot.battle)
def _(town: Town, battle: Callable[..., Any]) -> None:
    for found in (battle(query()), battle(query(mode_key="mode-4", with_guild=False))):
        parts = (found.user, found.existing_battle, found.broker, found.mode, found.boost, found.referral, found.boss)
        assert None not in (*parts, found.stripe, found.referrer)
    assert battle(query()).membership is not None
    assert battle(query()).roles
    assert not battle(query(with_roles=False)).roles
    # Who comes first in a collection may be found by walking it; this one is in the middle of each.
    battle(query(telegram_id=player_id(700)))


@covers(MongoSnapshot.membership)
def _(town: Town, membership: Callable[..., Any]) -> None:
    assert membership(MAIN).rivalry.opponent is not None


@covers(MongoSnapshot.stripes)
def _(town: Town, stripes: Callable[..., Any]) -> None:
    assert len(stripes(DAY)) == 8


@covers(MongoSnapshot.action)
def _(town: Town, action: Callable[..., Any]) -> None:
    brokers = (str(oid("brokers", 6)), str(oid("brokers", 8)))
    query = ActionQuery(scope="broker_train", request_id="action-0", telegram_id=MAIN, broker_ids=brokers)
    found = action(replace(query, with_guilds=True, with_roles=True))
    assert found.guilds
    assert found.roles
    assert not action(query).guilds
    assert not action(query).roles
    assert found.user is not None
    assert len(found.brokers) == 2
    assert found.finished is not None


@covers(MongoStore.new_id, silent="makes an id")
def _(town: Town, new_id: Callable[..., Any]) -> None:
    new_id()


@covers(MongoStore.transact_on)
def _(town: Town, transact_on: Callable[..., Any]) -> None:
    transact_on(MongoSnapshot, lambda snapshot: Outcome(snapshot.stripes(DAY)))


@covers(MongoStore.transact)
def _(town: Town, transact: Callable[..., Any]) -> None:
    """Each kind of battle and of action, for the filters of their updates."""
    store: MongoStore = transact.__self__  # type: ignore[attr-defined]  # a bound method
    world = town.world
    world.configure(baseRewardNeurPerScore=10)
    world.add("gamemodes", key="paid", enabled=True, arena="p", league="rookie", entryNeurCost=1, entryAibaCost=1)
    battles = BattleService(store, world.clock, secret=SECRET, stripe=0)
    for number, wish in enumerate(({"arena": "guildWars"}, {"mode_key": "paid"}, {"arena": "prediction"})):
        broker = document_of(town, "brokers", _id=oid("brokers", number + 20))
        battles.run(world.command(broker, f"explained-{number}", telegram_id=MAIN, **wish))
    ids = [str(oid("brokers", number)) for number in range(100, 105)]
    brokers = BrokerService(store, world.players, world.clock, stripe=0, public_base_url="")
    request = ActionRequest(telegram_id=MAIN, request_id="explained")
    brokers.train(request, ids[0], "risk")
    brokers.repair(request, ids[1])
    brokers.upgrade(request, ids[2], "risk")
    brokers.combine(request, ids[3], ids[4])
