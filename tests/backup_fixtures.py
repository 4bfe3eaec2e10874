"""A played arena with its backups in memory, and an empty database."""

import threading
from collections.abc import Callable, Iterator

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from tests.backup_worlds import BackedUp
from tests.fakes.memory_objects import MemoryObjects
from tests.worlds import World

THREADS = 4


@pytest.fixture
def backed_up(database: Database[Document], world: World, mongo_uri: str) -> Iterator[BackedUp]:
    """A played arena with its backups in memory."""
    people(world)
    fight(world, "before")
    found = BackedUp(mongo_uri, database.name, MemoryObjects())
    yield found
    found.close()


@pytest.fixture
def elsewhere(mongo_client: MongoClient[Document]) -> Iterator[Database[Document]]:
    """An empty database to restore into."""
    name = f"test_restored_{ObjectId()}"
    yield mongo_client[name]
    mongo_client.drop_database(name)


def people(world: World) -> None:
    world.add("gamemodes", key="free", arena="free", cooldownSeconds=0, energyCost=0, enabled=True, league="rookie")
    for number in range(THREADS):
        world.add_player(f"p{number}")
        world.add_broker(f"p{number}")


def fight(world: World, what: str, battles: int = 3, go_on: Callable[[], bool] = lambda: False) -> None:
    """``battles`` by each player, and more while ``go_on``."""

    def play(number: int) -> None:
        broker = world.one("brokers", ownerTelegramId=f"p{number}")
        service, fought = world.battles(), 0
        while fought < battles or go_on():
            service.run(world.command(broker, f"{what}-{number}-{fought}", telegram_id=f"p{number}", mode_key="free"))
            fought += 1

    threads = [threading.Thread(target=play, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
