"""The arena's store on MongoDB: snapshots to decide on, and commits of what was decided."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar, overload

from bson import ObjectId
from pymongo.client_session import ClientSession

from chalicelib.arena.ports import (
    ActionQuery,
    ActionView,
    BattleQuery,
    BattleView,
    CommitWatch,
    Document,
    GuildRivalry,
    Insert,
    Membership,
    Outcome,
    Recorder,
    Referrer,
    Snapshot,
    Write,
)
from chalicelib.arena.ports import Update as Change
from chalicelib.data import queries
from chalicelib.data.fences import require
from chalicelib.data.operations import Aggregate, Create, Find, FindOne, Operations, Update
from chalicelib.data.transactions import StaleState, Transactions
from chalicelib.locks import Guard

S = TypeVar("S", bound="MongoReads")
T = TypeVar("T")


_NAMES: Final = ("_id", "telegramId", "key")
"""Fields of an update's ``where`` that name its document; the others are facts it rests on."""


class MongoReads:
    """Reads inside one transaction: what the snapshots of every area are made of."""

    def __init__(self, operations: Operations, session: ClientSession) -> None:
        self._operations = operations
        self._session = session
        self._seen: dict[tuple[str, str, Any], Document] = {}

    def lookup(self, collection: str, where: Mapping[str, Any]) -> Document | None:
        """``ports.Lookup``: what was read already costs nothing, anything else a round trip."""
        named = {name: where[name] for name in _NAMES if name in where}
        for name, value in named.items():
            if (collection, name, value) in self._seen:
                return self._seen[collection, name, value]
        return self._read(FindOne(collection, named))

    def _saw(self, collection: str, document: Document | None) -> Document | None:
        """Keeps ``document``, whole as stored, for ``lookup``."""
        if document is not None:
            for name in _NAMES:
                if name in document:
                    self._seen[collection, name, document[name]] = document
        return document

    @overload
    def _read(self, query: Find | Aggregate) -> list[Document]: ...
    @overload
    def _read(self, query: FindOne) -> Document | None: ...

    def _read(self, query: Find | Aggregate | FindOne) -> list[Document] | Document | None:
        return self._operations.execute(query, session=self._session)


class MongoSnapshot(MongoReads):
    """``ports.Snapshot`` inside one transaction."""

    def battle(self, query: BattleQuery) -> BattleView:
        (found,) = self._read(queries.battle(query))
        return BattleView(
            user=self._saw("users", _only(found["user"])),
            existing_battle=_only(found["existing"]),
            broker=self._saw("brokers", _only(found["broker"])),
            mode=_only(found["mode"]),
            config=_only(found["config"]) or {},
            boost=_only(found["boost"]),
            referral=_only(found["referral"]),
            stripe=_only(found["stripe"]),
            membership=self._member(found.get("guild", [])),
            referrer=_referrer(_only(found["referrer"])),
            boss=_only(found["boss"]),
            roles=found.get("roles", ()),
        )

    def membership(self, telegram_id: str) -> Membership | None:
        return self._member(self._read(queries.membership(telegram_id)))

    def _member(self, found: list[Document]) -> Membership | None:
        guild = _only(found)
        if guild is None:
            return None
        rivalry = _split_rivalry(guild)
        self._saw("guilds", guild)
        return Membership(guild, rivalry)

    def stripes(self, day: str) -> Sequence[Document]:
        return self._read(queries.stripes(day))

    def action(self, query: ActionQuery) -> ActionView:
        (found,) = self._read(queries.action(query))
        brokers = {str(broker["_id"]): broker for broker in found["brokers"]}
        guilds = [guild for broker in found["brokers"] for guild in broker.pop("guild", ())]
        for broker in found["brokers"]:
            self._saw("brokers", broker)
        for guild in guilds:
            self._saw("guilds", guild)
        return ActionView(
            user=self._saw("users", _only(found["user"])),
            finished=_only(found["finished"]),
            brokers={asked: brokers[asked.lower()] for asked in query.broker_ids if asked.lower() in brokers},
            guilds={guild["_id"]: guild for guild in guilds},
            config=_only(found["config"]) or {},
            roles=found.get("roles", ()),
        )


class MongoStore:
    """``ports.Store`` on a replica set."""

    def __init__(
        self,
        operations: Operations,
        transactions: Transactions,
        watch: CommitWatch | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._operations = operations
        self._transactions = transactions
        self._watch = watch
        self._recorder = recorder

    def new_id(self) -> ObjectId:
        return ObjectId()

    def transact(self, work: Callable[[Snapshot], Outcome[T]]) -> T:
        return self.transact_on(MongoSnapshot, work)

    def transact_on(
        self,
        snapshot: Callable[[Operations, ClientSession], S],
        work: Callable[[S], Outcome[T]],
        guard: Guard | None = None,
    ) -> T:
        """As ``transact``, on a snapshot of another kind: each area reads what its own decisions need.

        With a ``guard`` only the newest holder of its lock writes; any other gets ``FencedOut``.
        """

        attempted: Sequence[Write] = ()

        def attempt(session: ClientSession) -> T:
            nonlocal attempted
            reads = snapshot(self._operations, session)
            outcome = work(reads)
            attempted = outcome.writes
            if self._recorder is not None and attempted:
                attempted = self._recorder.recorded(attempted, reads.lookup)
            beside = () if self._watch is None else self._watch.beside(attempted)
            for operation in _round_trips([*attempted, *beside]):
                written = self._operations.execute(operation, session=session)
                if isinstance(operation, Update) and written != len(operation.changes):
                    raise StaleState(operation.changes[0].collection)
            if guard is not None and attempted:
                require(self._operations, guard, session)
            return outcome.result

        try:
            return self._transactions.run(attempt)
        finally:
            # Even after a failure: a commit whose answer was lost may have come through.
            if self._watch is not None:
                self._watch.committed(attempted)


def _round_trips(writes: Sequence[Write]) -> Iterator[Create | Update]:
    """``writes`` in order, neighbours of one kind and collection together."""
    for (kind, collection), group in groupby(writes, key=lambda write: (type(write), write.collection)):
        if kind is Insert:
            inserts = [write for write in group if isinstance(write, Insert)]
            yield Create(collection, [document for insert in inserts for document in insert.documents])
        else:
            yield Update([write for write in group if isinstance(write, Change)])


def _only(found: list[Document]) -> Document | None:
    return found[0] if found else None


def _referrer(use: Document | None) -> Referrer | None:
    return None if use is None else Referrer(use["referrerTelegramId"], _only(use["referral"]) or {})


def _split_rivalry(guild: Document) -> GuildRivalry:
    """Takes the rivalry's fields off ``guild``, which is left as stored."""
    own_pool = _count(guild.pop("ownPool"))
    rival = _only(guild.pop("rival"))
    return GuildRivalry(rival, own_pool, 0 if rival is None else _count(rival.pop("pool")))


def _count(counted: list[Document]) -> int:
    return int(counted[0]["brokers"]) if counted else 0
