"""``verify_ports.RegionBooks`` in memory."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId

from chalicelib.arena.ledger import balance_field
from chalicelib.arena.ports import CatalogueQueries, Document, Outcome, Update
from chalicelib.arena.seasons import season_at
from chalicelib.arena.standings import Totals
from chalicelib.arena.standings_audit import StandingsAudit, Sum
from chalicelib.clock import Clock
from chalicelib.replication.content import (
    BALANCE_FIELDS,
    BALANCES,
    BOSSES,
    Key,
    Place,
    key_of,
    order_of,
    place_field,
    unread_fields,
)
from chalicelib.replication.making import made
from chalicelib.replication.ports import APPLIED
from chalicelib.replication.repair import Repair
from chalicelib.replication.verify_ports import Telling
from tests.fakes.memory_database import MemoryDatabase, Moment
from tests.fakes.memory_store import MemoryStore


def _balances(player: Mapping[str, Any]) -> Document:
    return {name: player[name] for name in BALANCE_FIELDS if name in player}


class MemoryRepairSnapshot:
    """``verify_ports.RepairSnapshot`` on one moment."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def stored(self, collection: str, where: Mapping[str, Any]) -> Document | None:
        return next(iter(self._moment.find(collection, where)), None)

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        players = {one["telegramId"]: one for one in self._moment.having("users", {"telegramId": telegram_ids})}
        sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for row in self._moment.having("ledgerentries", {"telegramId": telegram_ids}):
            name, sign = balance_field(row["currency"]), 1 if row["direction"] == "credit" else -1
            sums[row["telegramId"]][name] = sums[row["telegramId"]].get(name, 0) + sign * row["amount"]
        return {
            who: {
                "telegramId": who,
                "balances": _balances(players[who]) if who in players else None,
                "sums": dict(sums[who]),
            }
            for who in telegram_ids
        }


class MemoryStandingsBooks:
    """``standings_audit.StandingsBooks``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def players(self, after: str, limit: int) -> list[Document]:
        found = sorted(self._database.now().find("users"), key=lambda one: str(one["telegramId"]))
        return [player for player in found if player["telegramId"] > after][:limit]

    def named(self, telegram_ids: Sequence[str]) -> list[Document]:
        return self._database.now().having("users", {"telegramId": telegram_ids})

    def sums(self, telegram_ids: Sequence[str], length: str) -> list[Sum]:
        found: defaultdict[tuple[str, str, str], Totals] = defaultdict(Totals)
        for battle in self._database.now().having("battles", {"ownerTelegramId": telegram_ids}):
            key = (battle["ownerTelegramId"], str(battle.get("league")), season_at(battle["createdAt"], length).id)
            found[key] += Totals.of_battle(battle)
        return [Sum(*key, totals) for key, totals in found.items()]

    def replace(self, player: Document, changes: Document) -> bool:
        self._database.commit([Update("users", {"telegramId": player["telegramId"]}, {"$set": changes})])
        return True


class MemoryRegionBooks:
    """``verify_ports.RegionBooks``."""

    def __init__(self, region: str, database: MemoryDatabase, catalogue: CatalogueQueries, clock: Clock) -> None:
        self.region = region
        self.database = database
        self.catalogue = catalogue
        self._store = MemoryStore(database)
        self._audit = StandingsAudit(MemoryStandingsBooks(database), catalogue, clock)

    def page(self, collection: str, after: Place | None, limit: int) -> tuple[list[Document], Place | None]:
        source = {BALANCES: "users", BOSSES: "globalbosses"}.get(collection, collection)
        place = place_field(collection)
        found = sorted(self.database.now().find(source), key=lambda one: order_of(one[place]))
        found = [one for one in found if after is None or order_of(one[place]) > order_of(after)][:limit]
        last = found[-1][place] if len(found) == limit else None
        if collection == BALANCES:
            money = self.money([one["telegramId"] for one in found])
            return [money[one["telegramId"]] for one in found], last
        if collection == BOSSES:
            return found, last
        unread = unread_fields(collection)
        return [{name: value for name, value in one.items() if name not in unread} for one in found], last

    def named(self, collection: str, keys: Sequence[Key]) -> list[Document]:
        return [one for one in self.database.now().find(collection) if key_of(collection, one) in keys]

    def identified(self, collection: str, ids: Sequence[Any]) -> list[Document]:
        return self.database.now().having(collection, {"_id": ids})

    def money(self, telegram_ids: Sequence[str]) -> dict[str, Document]:
        return MemoryRepairSnapshot(self.database.now()).money(telegram_ids)

    def damage(self, boss_id: Any) -> int:
        return sum(row["damage"] for row in self.database.now().find("bossdamages", {"bossId": boss_id}))

    def told(self, since: datetime, targets: Sequence[str]) -> list[Telling]:
        return [
            Telling(event_id=one["_id"], pending=tuple(one["pending"]), changes=one["changes"])
            for one in self.database.now().find("outbox")
            if set(one["pending"]) & set(targets) or one["_id"].generation_time >= since
        ]

    def applied(self, event_ids: Sequence[Any]) -> set[Any]:
        return {one["_id"] for one in self.database.now().having(APPLIED, {"_id": event_ids})}

    def wrong_standings(self, after: str) -> tuple[list[str], list[str]]:
        return self._audit.page(after)

    def standings_of(self, telegram_ids: Sequence[str]) -> list[str]:
        return self._audit.wrong(telegram_ids)

    def mend_standings(self, telegram_ids: Sequence[str]) -> list[str]:
        return self._audit.mend(telegram_ids)

    def make(self, repair: Repair) -> bool:
        def work(snapshot: MemoryRepairSnapshot) -> Outcome[bool]:
            return made(repair, snapshot)

        return self._store.transact_on(MemoryRepairSnapshot, work)

    def new_id(self) -> ObjectId:
        return ObjectId()
