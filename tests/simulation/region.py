"""One region: the arena's own services on a database in memory, its outbox, and what it makes of what arrives."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal

from bson import ObjectId

from chalicelib.arena.battle_service import BattleService
from chalicelib.arena.broker_service import BrokerService
from chalicelib.arena.economy_admin import EconomyAdmin
from chalicelib.arena.follow_up_service import FollowUpService
from chalicelib.arena.game_mode_admin import GameModeAdmin
from chalicelib.arena.guild_service import GuildService
from chalicelib.arena.ports import Document, Lookup, Update, Write
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.errors import ArenaError
from chalicelib.replication.applying import AppliedEvent, decide
from chalicelib.replication.capture import Recorder
from chalicelib.replication.conversion import envelope_of, event_of
from chalicelib.replication.envelope import from_wire
from chalicelib.replication.ports import Event
from chalicelib.replication.signing import Keyring
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_guilds import MemoryGuilds
from tests.fakes.memory_operators import MemoryFollowUps, MemoryOperators
from tests.fakes.memory_replica import MemoryReplica
from tests.fakes.memory_store import MemoryPlayers, MemoryStore
from tests.simulation.parts import KEYS, Parts

SECRET: Final = "a-battle-seed-secret-of-tests-only"
Handled = Literal["applied", "duplicate", "early", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a message."""

    handled: Handled
    event_id: Any = None


class FirstRank:
    """``RankQuery``: founding a guild is free for everybody."""

    def score_rank(self, telegram_id: str) -> int:
        del telegram_id
        return 1


class _Watched:
    """A recorder that keeps what it told."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.events: list[Document] = []

    def recorded(self, writes: Sequence[Write], lookup: Lookup) -> Sequence[Write]:
        result = self._recorder.recorded(writes, lookup)
        for write in result:
            if write.collection == "outbox" and not isinstance(write, Update):
                self.events += [dict(event) for event in write.documents if "changes" in event]
        return result


class Region:
    """``clock`` is this region's, right or wrong."""

    def __init__(
        self,
        name: str,
        rank: int,
        regions: Sequence[str],
        base: MemoryDatabase,
        clock: Callable[[], datetime],
        parts: Parts,
    ) -> None:
        ids = _ids(rank)
        self.name = name
        self.clock = clock
        self.targets = [region for region in regions if region != name]
        self.database = base.copy(lambda: next(ids))
        self._parts = parts
        self._keyring = parts.keyring(KEYS if rank % 2 == 0 else dict(reversed(list(KEYS.items()))))
        self._watched = _Watched(parts.recorder(clock, name, rank, self.targets, lambda: next(ids)))
        store = MemoryStore(self.database, self._watched, lambda: next(ids))
        self._replica = MemoryReplica(MemoryStore(self.database))
        self.players = MemoryPlayers(self.database, store)
        operators, guilds = MemoryOperators(store, self.database), MemoryGuilds(store, self.database)
        self.battles = BattleService(store, clock, secret=SECRET, stripe=0)
        self.brokers = BrokerService(store, self.players, clock, stripe=0)
        self.guilds = GuildService(guilds, guilds, FirstRank(), clock)
        self.modes = GameModeAdmin(operators, operators, clock)
        self.economy = EconomyAdmin(operators, operators, clock)
        self.follow_ups = FollowUpService(MemoryFollowUps(store), clock)
        self._pending: dict[str, list[Any]] = {target: [] for target in self.targets}
        self._signed: dict[Any, tuple[datetime, bytes]] = {}
        self.applied: Counter[Any] = Counter()

    def all(self, collection: str) -> list[Document]:
        """For looking at only."""
        return self.database.now().shared(collection)

    def one(self, collection: str, **where: Any) -> Document | None:
        return next(iter(self.database.now().shared(collection, where)), None)

    def take_told(self) -> list[Document]:
        """Events committed since last asked."""
        moment = self.database.now()
        told = [event for event in self._watched.events if moment.shared("outbox", {"_id": event["_id"]})]
        self._watched.events.clear()
        for event in told:
            for target in self.targets:
                self._pending[target].append(event["_id"])
        return told

    def waiting(self, target: str) -> list[Document]:
        """What the outbox still has for ``target``, by its own word."""
        moment = self.database.now()
        found = [event for _id in self._pending[target] for event in moment.shared("outbox", {"_id": _id})]
        waiting = [event for event in found if target in event["pending"]]
        self._pending[target] = [event["_id"] for event in waiting]
        return waiting

    def signed(self, event: Document) -> bytes:
        """The message that tells of an event; the same for all who are told at one time."""
        now = self.clock()
        if self._signed.get(event["_id"], (None, b""))[0] != now:
            envelope = envelope_of(event, sent_at=now, to_json=to_json)
            self._signed[event["_id"]] = (now, json.dumps(self._keyring.sign(envelope).wire()).encode())
        return self._signed[event["_id"]][1]

    def mark(self, target: str, sent: Sequence[Document], claimed: Sequence[Document]) -> None:
        """Takes ``target`` off what was sent."""
        for event in self._parts.mark(sent, claimed):
            pending = [region for region in event["pending"] if region != target]
            self.database.commit([Update("outbox", {"_id": event["_id"]}, {"$set": {"pending": pending}})])

    def receive(self, messages: Sequence[bytes]) -> list[Received]:
        """Applies what is signed and sound; one transaction for all of it."""
        results: dict[int, Received] = {}
        events: dict[int, Event] = {}
        for place, message in enumerate(messages):
            try:
                events[place] = _verified(self._parts.keyring, message)
            except ArenaError:
                results[place] = Received("refused")
        for place, applied in zip(events, self._applied(list(events.values())), strict=True):
            results[place] = applied
        return [results[place] for place in range(len(messages))]

    def _applied(self, events: Sequence[Event]) -> list[Received]:
        if not events:
            return []
        try:
            found: list[AppliedEvent] = self._replica.transact(
                lambda snapshot: decide(
                    events,
                    snapshot,
                    self.clock(),
                    meanings=self._parts.meanings,
                    remember=self._parts.remember,
                )
            )
        except ArenaError:
            return [Received("failed")] * len(events)
        self.applied.update(one.event_id for one in found if one.fate == "applied")
        return [Received(one.fate, one.event_id) for one in found]


@lru_cache(maxsize=4096)
def _verified(keyring: Callable[[Mapping[str, bytes]], Keyring], message: bytes) -> Event:
    """Any region comes to the same of the same bytes: so it is worked out once."""
    envelope = from_wire(json.loads(message))
    keyring(KEYS).verify(envelope)
    return event_of(envelope, from_json)


def _ids(rank: int) -> Iterator[ObjectId]:
    """The same in every run, and no two regions' alike."""
    number = 0
    while True:
        number += 1
        yield ObjectId(f"{rank + 1:04x}{number:020x}")
