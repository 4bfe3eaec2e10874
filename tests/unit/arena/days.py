"""Emission against an in-memory database with snapshots and write conflicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from chalicelib.arena.emission import CURRENCIES, Allocation, EmissionRequest, allocate, caps
from chalicelib.arena.ports import Document
from chalicelib.arena.stripes import COLLECTION, Room, Scope, Terms, stripe_id
from tests.fakes.memory_database import MemoryDatabase, Moment

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)
DAY = "2026-11-23"


def request(arena: str = "arb", *, neur: int = 0, aiba: int = 0, now: datetime = NOW) -> EmissionRequest:
    return EmissionRequest(day=DAY, arena=arena, league="rookie", amounts={"NEUR": neur, "AIBA": aiba}, now=now)


def own(moment: Moment, stripe: int) -> Document | None:
    return next(iter(moment.find(COLLECTION, {"_id": stripe_id(DAY, stripe)})), None)


def emitted(stripes: Sequence[Document], currency: str, arena: str | None = None) -> int:
    scope = Scope(currency, arena, cap=0)
    return sum(scope.emitted_by(stripe) for stripe in stripes)


@dataclass
class Arena:
    """A database, the settings in force, and how often all stripes had to be read."""

    config: dict[str, Any] = field(default_factory=dict)
    stripes_total: int = 4
    database: MemoryDatabase = field(default_factory=MemoryDatabase)
    loads: int = 0

    def stripes(self) -> list[Document]:
        return self.database.now().find(COLLECTION)

    def emitted(self, currency: str, arena: str | None = None) -> int:
        return emitted(self.stripes(), currency, arena)

    def left(self, currency: str, arena: str | None = None) -> dict[int, int]:
        """Allowances by stripe."""
        scope = Scope(currency, arena, cap=0)
        rooms = {stripe["stripe"]: Room.of(stripe, scope) for stripe in self.stripes()}
        return {stripe: room.left for stripe, room in sorted(rooms.items()) if room}

    def decide(self, moment: Moment, wanted: EmissionRequest, stripe: int) -> Allocation:
        def load_all() -> Sequence[Document]:
            self.loads += 1
            return moment.find(COLLECTION)

        return allocate(wanted, own(moment, stripe), stripe, self.config, load_all, self.stripes_total)

    def emit(self, wanted: EmissionRequest, stripe: int = 0) -> Allocation:
        """Decides and commits with nobody else about."""
        moment = self.database.now()
        allocation = self.decide(moment, wanted, stripe)
        self.database.commit(allocation.writes, seen=moment)
        return allocation


def check_sums(stripes: Sequence[Document], config: Mapping[str, Any]) -> None:
    """What is emitted plus what is left is the cap, in every scope of the terms the whole day holds."""
    for currency in CURRENCIES:
        by_arena = config.get(f"dailyCap{currency.capitalize()}ByArena") or {}
        terms = Terms(currency, caps(config, currency, "").total, by_arena)
        if not all(terms.held_by(stripe) for stripe in stripes):
            continue
        for scope in terms.scopes():
            rooms = [Room.of(stripe, scope) or Room(0) for stripe in stripes]
            assert all(room.left >= 0 for room in rooms)
            if stripes:
                left = sum(room.left for room in rooms)
                assert left == max(0, scope.cap - emitted(stripes, currency, scope.arena)), scope
