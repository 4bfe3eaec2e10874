"""What a battle costs the database: round trips. What each of them reads is explained in ``explained/``."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.replication.capture import Recorder as EventRecorder
from chalicelib.replication.regions import homes_of, roles_of
from tests.recorder import Recorder
from tests.worlds import NOON, World, mongo_world

ROUND_TRIPS_MAX = 8


@pytest.fixture
def listener() -> Recorder:
    return Recorder()


@pytest.fixture(params=["one region", "three"])
def listened(
    request: pytest.FixtureRequest, database: Database[Document], mongo_uri: str, listener: Recorder
) -> Iterator[World]:
    """A seeded arena whose commands are remembered; where there are other regions it takes no more of them."""
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS), listeners=[listener])
    others = ["eu-west-1", "ap-southeast-1"]
    told = EventRecorder(ManualClock(NOON), "us-east-1", 15, others, ObjectId) if request.param == "three" else None
    world, _ = mongo_world(database, mongo_uri, pools=pools, recorder=told)
    if told is not None:
        regions = ["us-east-1", *others]
        world = replace(world, homes=lambda roles: homes_of("us-east-1", roles_of(regions, roles)))
    yield world
    pools.close()


def commands_of(listener: Recorder, run: Callable[[], object]) -> list[str]:
    """Names of the commands ``run`` sends."""
    listener.taken()
    run()
    return [next(iter(command)) for command in listener.taken()]


def test_a_battle_takes_eight_round_trips(listened: World, listener: Recorder) -> None:
    """One read, six writes, one commit; the day's first battle alone reads and shares out the stripes."""
    listened.add_player()
    broker = listened.add_broker(energy=100)
    listened.battles().run(listened.command(broker, "first-of-the-day"))
    listened.clock.advance(30)
    commands = commands_of(listener, lambda: listened.battles().run(listened.command(broker, "next")))
    assert commands == ["aggregate", "update", "insert", *["update"] * 2, *["insert"] * 2, "commitTransaction"]
    assert len(commands) == ROUND_TRIPS_MAX


def test_a_battle_between_guilds_takes_no_more(listened: World, listener: Recorder) -> None:
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


def test_only_combining_reads_the_guilds_of_pools(listened: World, listener: Recorder) -> None:
    """A guild may be large, and the other actions leave its pool alone."""
    listened.add_player(neurBalance=1000)
    guild = listened.add_guild("boss", ("777",))["_id"]
    first, second = (str(listened.add_broker(guildId=guild)["_id"]) for _ in range(2))
    brokers = listened.brokers()

    def asks_for_guilds(number: int, act: Callable[..., object], *given: str) -> bool:
        listener.taken()
        act(ActionRequest(telegram_id="777", request_id=str(number)), *given)
        return "'from': 'guilds'" in str([command for command in listener.taken() if "aggregate" in command])

    assert not asks_for_guilds(1, brokers.train, first, "speed")
    assert not asks_for_guilds(2, brokers.repair, first)
    assert asks_for_guilds(3, brokers.combine, first, second)


def test_entry_costs_and_replays_take_no_more(listened: World, listener: Recorder) -> None:
    """Day counters of spending travel with the emission's; a replay only reads."""
    listened.add_player(neurBalance=10, aibaBalance=10)
    broker = listened.add_broker(energy=100)
    listened.battles().run(listened.command(broker, "first-of-the-day"))
    listened.add("gamemodes", key="paid", enabled=True, arena="p", league="rookie", entryNeurCost=1, entryAibaCost=1)
    command = listened.command(broker, "paid", mode_key="paid")
    assert len(commands_of(listener, lambda: listened.battles().run(command))) == ROUND_TRIPS_MAX
    assert commands_of(listener, lambda: listened.battles().run(command)) == ["aggregate", "commitTransaction"]
