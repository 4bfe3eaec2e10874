"""Killed in mid-battle: never half a battle, and nothing that was answered is lost."""

import contextlib
import os
import random
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest
from pymongo.database import Database

from chalicelib.arena.battle_service import BattleCommand
from chalicelib.arena.emission import STRIPES
from chalicelib.arena.ports import Document
from tests.children import fork_server
from tests.consistency import assert_consistent
from tests.databases import transactions_live
from tests.integration.battle_child import fight_for_ever
from tests.redis_doors import eventually
from tests.worlds import World

KILLS = 50
PATIENCE_SECONDS = 60.0
BATTLES_BEFORE_KILL_MAX = 4
KILL_DELAY_SECONDS_MAX = 0.008
"""About two battles: the kill falls anywhere in one."""


@pytest.fixture(autouse=True)
def short_transactions(database: Database[Document]) -> Iterator[None]:
    """The server gives up a dead client's transaction sooner than it would, so that the test need not wait."""
    with transactions_live(database.client, 2):
        yield


def test_fifty_kills_leave_no_half_battle(world: World, database: Database[Document], mongo_uri: str) -> None:
    """Each child is killed with -9 at a random moment of its n-th battle."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    free = {"cooldownSeconds": 0, "energyCost": 0, "enabled": True, "league": "rookie"}
    world.add("gamemodes", key="free", arena="free", **free)
    context = fork_server()
    started = 0
    brokers: dict[str, Document] = {}
    answered: dict[str, int] = {}
    for kill in range(KILLS):
        who = f"player-{kill}"
        world.add_player(who)
        brokers[who] = world.add_broker(who)
        receiver, sender = context.Pipe(duplex=False)
        arguments = (mongo_uri, database.name, who, str(brokers[who]["_id"]), kill % STRIPES, sender)
        child = context.Process(target=fight_for_ever, args=arguments, daemon=True)
        child.start()
        sender.close()
        for _ in range(moments.randint(1, BATTLES_BEFORE_KILL_MAX)):
            answered[who] = receiver.recv()
        threading.Event().wait(moments.uniform(0, KILL_DELAY_SECONDS_MAX))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        answered[who] = max([answered[who], *_drained(receiver)])
        started += answered[who] + 2

    eventually("nobody's transaction is left", lambda: not open_transactions(database), PATIENCE_SECONDS)
    assert_consistent(world)
    fought = {battle["requestId"] for battle in world.read("battles")}
    assert {f"{who}-{number}" for who, last in answered.items() for number in range(last + 1)} <= fought
    assert len(fought) <= started

    _retry_unanswered(world, brokers, answered)
    assert_consistent(world)


def open_transactions(database: Database[Document]) -> int:
    """Those of the dead that the server has not committed or given up: a commit may still be in its hands."""
    return int(database.client.admin.command("serverStatus")["transactions"]["currentOpen"])


def _drained(receiver: Connection) -> list[int]:
    """What the child still sent before it died."""
    numbers = []
    with contextlib.suppress(EOFError):
        while True:
            numbers.append(receiver.recv())
    return numbers


def _retry_unanswered(world: World, brokers: dict[str, Document], answered: dict[str, int]) -> None:
    """Repeats the request a child died in: fought then or now, there is one battle of it.

    It may have to wait until the server gives up the transaction the child left open.
    """
    for who, last in list(answered.items())[:5]:
        request_id = f"{who}-{last + 1}"
        command = BattleCommand(
            telegram_id=who, request_id=request_id, broker_id=str(brokers[who]["_id"]), mode_key="free"
        )
        world.battles().run(command)
        assert len(world.all("battles", requestId=request_id)) == 1
