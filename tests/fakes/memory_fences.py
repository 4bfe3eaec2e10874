"""Fencing numbers in memory."""

from chalicelib.arena.moments import epoch_ms
from chalicelib.arena.ports import Update
from chalicelib.clock import Clock
from chalicelib.locks import FencedOut, Guard
from tests.fakes.memory_database import MemoryDatabase, StaleError

_COLLECTION = "fences"


class MemoryFences:
    """``locks.Fences``."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def draw(self, lock: str) -> int:
        while True:
            moment = self._database.now()
            found = moment.find(_COLLECTION, {"_id": lock})
            change = {"$inc": {"fence": 1}} if found else {"$set": {"fence": epoch_ms(self._clock()), "writes": 0}}
            try:
                self._database.commit([Update(_COLLECTION, {"_id": lock}, change, upsert=True)], seen=moment)
            except StaleError:
                continue
            return int(found[0]["fence"]) + 1 if found else int(change["$set"]["fence"])

    def is_newest(self, guard: Guard) -> bool:
        return is_newest(self._database, guard)


def is_newest(database: MemoryDatabase, guard: Guard) -> bool:
    return bool(database.now().find(_COLLECTION, {"_id": guard.lock, "fence": guard.fence}))


def counted(guard: Guard) -> Update:
    """What a protected write does besides; it goes stale with the guard."""
    return Update(_COLLECTION, {"_id": guard.lock, "fence": guard.fence}, {"$inc": {"writes": 1}})


def require(database: MemoryDatabase, guard: Guard) -> None:
    """Raises ``FencedOut``."""
    if not is_newest(database, guard):
        raise FencedOut(guard)
