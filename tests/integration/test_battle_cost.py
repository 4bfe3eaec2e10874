"""What a battle costs the database: round trips, and the indexes that serve every read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.ports import ActionQuery, BattleQuery, Document
from chalicelib.data import queries
from chalicelib.data.operations import Aggregate, Find, FindOne
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from tests.worlds import NOON, World, mongo_world

ROUND_TRIPS_MAX = 8


class Listener(CommandListener):
    """Remembers every command sent."""

    def __init__(self) -> None:
        self.commands: list[Document] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing more to learn."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing more to learn."""


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def listened(database: Database[Document], mongo_uri: str, listener: Listener) -> Iterator[World]:
    """A seeded arena whose commands are remembered."""
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS), listeners=[listener])
    world, _ = mongo_world(database, mongo_uri, pools=pools)
    yield world
    pools.close()


def commands_of(listener: Listener, run: Callable[[], object]) -> list[str]:
    """Names of the commands ``run`` sends."""
    listener.commands.clear()
    run()
    return [next(iter(command)) for command in listener.commands]


def test_a_battle_takes_eight_round_trips(listened: World, listener: Listener) -> None:
    """One read, six writes, one commit; the day's first battle alone reads and shares out the stripes."""
    listened.add_player()
    broker = listened.add_broker(energy=100)
    listened.battles().run(listened.command(broker, "first-of-the-day"))
    listened.clock.advance(30)
    commands = commands_of(listener, lambda: listened.battles().run(listened.command(broker, "next")))
    assert commands == ["aggregate", "update", "insert", *["update"] * 2, *["insert"] * 2, "commitTransaction"]
    assert len(commands) == ROUND_TRIPS_MAX


def test_a_battle_between_guilds_takes_no_more(listened: World, listener: Listener) -> None:
    """The rivalry is part of the one read; a share for the vault is one write more."""
    listened.add_player()
    broker = listened.add_broker(energy=100)
    listened.add_guild("boss", ("777",))
    listened.add_guild("rival")
    listened.battles().run(listened.command(broker, "first-of-the-day"))
    run = listened.battles().run
    assert (
        len(commands_of(listener, lambda: run(listened.command(broker, "war", arena="guildWars")))) == ROUND_TRIPS_MAX
    )
    listened.clock.advance(60)
    listened.configure(baseRewardNeurPerScore=10)
    paid = commands_of(listener, lambda: run(listened.command(broker, "war-2", arena="guildWars")))
    assert len(paid) == ROUND_TRIPS_MAX + 1


def test_entry_costs_and_replays_take_no_more(listened: World, listener: Listener) -> None:
    """Day counters of spending travel with the emission's; a replay only reads."""
    listened.add_player(neurBalance=10, aibaBalance=10)
    broker = listened.add_broker(energy=100)
    listened.battles().run(listened.command(broker, "first-of-the-day"))
    listened.add("gamemodes", key="paid", enabled=True, arena="p", league="rookie", entryNeurCost=1, entryAibaCost=1)
    command = listened.command(broker, "paid", mode_key="paid")
    assert len(commands_of(listener, lambda: listened.battles().run(command))) == ROUND_TRIPS_MAX
    assert commands_of(listener, lambda: listened.battles().run(command)) == ["aggregate", "commitTransaction"]


BATTLE = BattleQuery(
    request_id="r",
    telegram_id="777",
    broker_id="ab" * 12,
    mode_key=None,
    arena="prediction",
    league="rookie",
    now=NOON,
    stripe_id="2026-11-23#1",
    with_rivalry=True,
)
GUILD_ID = ObjectId("ef" * 12)
ACTION = ActionQuery(scope="broker_train", request_id="r", telegram_id="777", broker_ids=("ab" * 12, "cd" * 12))

READS: Mapping[str, Find | FindOne | Aggregate] = {
    "battle": queries.battle(BATTLE),
    "battle by mode key": queries.battle(replace(BATTLE, mode_key="prediction")),
    "action": queries.action(ACTION),
    "guild rivalry": queries.guild_rivalry(GUILD_ID),
    "stripes": queries.stripes("2026-11-23"),
    "account": queries.account("777"),
    "brokers of a player": queries.brokers_of("777"),
    "all modes": queries.enabled_modes(None, None),
    "modes of an arena": queries.enabled_modes("prediction", None),
    "modes of a league": queries.enabled_modes(None, "pro"),
    "economy config": queries.economy_config(),
    "realms": queries.active_realms(),
    "realm": queries.realm("r"),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_read_is_served_by_an_index(
    world: World, database: Database[Document], read: Find | FindOne | Aggregate
) -> None:
    """No plan scans a collection, nor does any lookup inside a pipeline."""
    _populate(world)
    plan = database.command("explain", _command(read), verbosity="executionStats")
    # The plan repeats the command it explains; only what was carried out says how.
    stages = plan.get("stages", [])
    plans = {part.get("stage") for part in _walk([stages, plan.get("queryPlanner")])}
    assert "COLLSCAN" not in plans
    # A lookup's figures include those of the lookups inside it.
    lookups = [stage for stage in stages if "$lookup" in stage]
    assert all(stage["collectionScans"] == 0 and stage["indexesUsed"] for stage in lookups), lookups
    assert lookups or plans & {"IXSCAN", "IDHACK"}


def test_every_write_finds_its_document_by_an_index(
    listened: World, listener: Listener, database: Database[Document]
) -> None:
    """The filters of a battle's and of an action's updates, as they were sent."""
    _populate(listened)
    broker = listened.one("brokers", ownerTelegramId="777")
    listened.credit("777", "neurBalance", 100)
    listener.commands.clear()
    listened.battles().run(listened.command(broker, "first", arena="guildWars"))
    listened.brokers().train(ActionRequest(telegram_id="777", request_id="a"), str(broker["_id"]), "risk")
    updates = [command for command in listener.commands if "update" in command]
    assert {command["update"] for command in updates} == {"brokers", "users", "economydays", "guilds"}
    for command in updates:
        for statement in command["updates"]:
            find = {"find": command["update"], "filter": statement["q"]}
            stages = list(_walk(database.command("explain", find)))
            assert not [stage for stage in stages if stage.get("stage") == "COLLSCAN"], statement


def _populate(world: World) -> None:
    """Something in every collection, or an empty one would be scanned at no cost and prove nothing."""
    world.configure(baseRewardNeurPerScore=10)
    for number in range(20):
        who = str(770 + number)
        world.add_player(who)
        guild = world.add_guild(who, _id=GUILD_ID if who == "777" else ObjectId())
        world.add_broker(who, guildId=guild["_id"], energy=100)
        world.add("boosts", telegramId=who, multiplier=2, expiresAt=NOON)
        world.add("referrals", code=who, ownerTelegramId=who, uses=1, active=True)
        world.add("realms", key=who, level=number, order=0, active=True)
        world.add("economydays", day=f"2026-10-{number + 1:02d}", stripe=0)
        world.add("battles", requestId=who, ownerTelegramId=who)
        world.add("actionrunkeys", scope="x", requestId=who, ownerTelegramId=who)


def _command(read: Find | FindOne | Aggregate) -> Document:
    if isinstance(read, Aggregate):
        return {"aggregate": read.collection or 1, "pipeline": list(read.pipeline), "cursor": {}}
    # Deliberately without the limit of findOne: with one, a scan of a small collection could look cheap.
    return {"find": read.collection, "filter": read.where, "sort": dict(read.sort)}


def _walk(plan: Any) -> Iterator[Document]:
    """Every object within a plan."""
    if isinstance(plan, Mapping):
        yield dict(plan)
        for value in plan.values():
            yield from _walk(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _walk(value)
