"""One region's database as ``verify`` reads and repairs it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId

from chalicelib.arena.ports import Document, Outcome
from chalicelib.arena.standings_audit import StandingsAudit
from chalicelib.clock import Clock
from chalicelib.data import region_queries as queries
from chalicelib.data.catalogue import MongoCatalogue
from chalicelib.data.leaderboard_upkeep import MongoStandingsBooks
from chalicelib.data.operations import Operations
from chalicelib.data.store import MongoReads, MongoStore
from chalicelib.replication.content import BALANCE_FIELDS, BALANCES, Key, Place, place_field
from chalicelib.replication.making import made
from chalicelib.replication.repair import Repair
from chalicelib.replication.under_way import TooMuchUnderWay
from chalicelib.replication.verify_ports import Telling

BEGINNINGS: Final[Sequence[Any]] = ("", ObjectId(b"\0" * 12))
"""Of the types of places, in MongoDB's order; a comparison finds values of its own type only."""
UNDER_WAY_MAX: Final = 20_000
OR_MAX: Final = 50
"""Alternatives in one query."""


class MongoRepairSnapshot(MongoReads):
    """``verify_ports.RepairSnapshot`` inside one transaction."""

    def stored(self, collection: str, where: Mapping[str, Any]) -> Document | None:
        return self._read(queries.stored(collection, where))

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        balances = {player["telegramId"]: player for player in self._read(queries.players(telegram_ids))}
        sums = queries.sums_by_player(self._read(queries.ledger_sums(telegram_ids)))
        return {player: _money(player, balances.get(player), sums) for player in telegram_ids}


class MongoRegionBooks:
    """``verify_ports.RegionBooks``. ``store`` records nothing: what is repaired is told to nobody."""

    def __init__(self, operations: Operations, store: MongoStore, clock: Clock, *, region: str = "") -> None:
        self._region = region
        self._operations = operations
        self._store = store
        self._audit = StandingsAudit(MongoStandingsBooks(operations), MongoCatalogue(operations), clock)

    @property
    def region(self) -> str:
        return self._region

    def page(self, collection: str, after: Place | None, limit: int) -> tuple[list[Document], Place | None]:
        found: list[Document] = []
        beginnings = [BEGINNINGS[0] if after is None else after]
        if isinstance(beginnings[0], str):
            beginnings.append(BEGINNINGS[1])
        for begin in beginnings:
            inclusive = begin is not after
            wanted = queries.page(collection, begin, inclusive=inclusive, limit=limit - len(found))
            found += self._operations.execute(wanted)
            if len(found) == limit:
                break
        last = found[-1][place_field(collection)] if len(found) == limit else None
        return (self._with_sums(found) if collection == BALANCES else found), last

    def named(self, collection: str, keys: Sequence[Key]) -> list[Document]:
        found: list[Document] = []
        for start in range(0, len(keys), OR_MAX):
            found += self._operations.execute(queries.named(collection, keys[start : start + OR_MAX]))
        return found

    def identified(self, collection: str, ids: Sequence[Any]) -> list[Document]:
        return self._operations.execute(queries.identified(collection, ids)) if ids else []

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        def read(snapshot: MongoRepairSnapshot) -> Outcome[dict[str, Document]]:
            return Outcome(snapshot.money(telegram_ids))

        return self._store.transact_on(MongoRepairSnapshot, read)

    def damage(self, boss_id: Any) -> int:
        found = self._operations.execute(queries.damages(boss_id))
        return int(found[0]["damage"]) if found else 0

    def told(self, since: datetime, targets: Sequence[str]) -> list[Telling]:
        found = {
            event["_id"]: event
            for query in (queries.unsent(targets, UNDER_WAY_MAX), queries.told_since(since, UNDER_WAY_MAX))
            for event in self._operations.execute(query)
        }
        if len(found) >= UNDER_WAY_MAX:
            raise TooMuchUnderWay(
                "too_much_under_way",
                f"{self._region} has told {UNDER_WAY_MAX} events or more that may still be under way; "
                "see `./arena replication lag`, and verify when they have arrived",
            )
        return [
            Telling(event_id=event_id, pending=tuple(event.get("pending", ())), changes=event.get("changes", ()))
            for event_id, event in found.items()
        ]

    def applied(self, event_ids: Sequence[Any]) -> set[Any]:
        return {event["_id"] for event in self._operations.execute(queries.applied(event_ids))}

    def wrong_standings(self, after: str) -> tuple[list[str], list[str]]:
        return self._audit.page(after)

    def standings_of(self, telegram_ids: Sequence[str]) -> list[str]:
        return self._audit.wrong(telegram_ids)

    def mend_standings(self, telegram_ids: Sequence[str]) -> list[str]:
        return self._audit.mend(telegram_ids)

    def make(self, repair: Repair) -> bool:
        def work(snapshot: MongoRepairSnapshot) -> Outcome[bool]:
            return made(repair, snapshot)

        return self._store.transact_on(MongoRepairSnapshot, work)

    def new_id(self) -> ObjectId:
        return ObjectId()

    def _with_sums(self, found: list[Document]) -> list[Document]:
        who = [player["telegramId"] for player in found]
        sums = queries.sums_by_player(self._operations.execute(queries.ledger_sums(who))) if who else {}
        return [_money(player["telegramId"], player, sums) for player in found]


def _money(telegram_id: str, player: Document | None, sums: Mapping[str, Mapping[str, int]]) -> Document:
    balances = None if player is None else {name: player[name] for name in BALANCE_FIELDS if name in player}
    return {"telegramId": telegram_id, "balances": balances, "sums": sums.get(telegram_id, {})}
