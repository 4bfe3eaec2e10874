"""Money on the move: the ledger rows of one request and the balance changes that go with them.

Whoever moves money collects it here and then asks for the writes, so a row without its balance, a debit
without its condition or a payment without its day counter can't be written.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.arena import ledger
from chalicelib.arena.emission import spend_counters
from chalicelib.arena.moments import utc_day
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document, Insert, Update
from chalicelib.arena.standings import StandingsChange


class Postings:
    """Collects the credits and debits of one request. ``arena`` and ``league`` are the mode's, where there is one."""

    def __init__(
        self,
        *,
        request_id: str,
        now: datetime,
        stripe: int,
        new_id: Callable[[], Any],
        arena: str = "",
        league: str = "",
        battle_id: Any = None,
    ) -> None:
        self._request_id = request_id
        self._now = now
        self._day = utc_day(now)
        self._stripe = stripe
        self._new_id = new_id
        self._arena = arena
        self._league = league
        self._battle_id = battle_id
        self._rows: list[ledger.Row] = []
        self._changes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._needs: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._burned_aiba: defaultdict[str, int] = defaultdict(int)
        self._counters: list[Update] = []

    def credit(self, telegram_id: str, currency: str, amount: int, reason: str) -> None:
        """Gives ``amount``; 0 gives nothing and leaves no row."""
        if amount > 0:
            self._post(ledger.credit, telegram_id, currency, amount, reason)
            self._changes[telegram_id][ledger.balance_field(currency)] += amount

    def debit(self, telegram_id: str, currency: str, amount: int, reason: str) -> None:
        """Takes ``amount`` of NEUR or AIBA, on condition that the balance covers it."""
        if amount <= 0:
            return
        row = self._post(ledger.debit, telegram_id, currency, amount, reason)
        balance = ledger.balance_field(currency)
        self._changes[telegram_id][balance] -= amount
        self._needs[telegram_id][balance] = self._needs[telegram_id].get(balance, 0) + amount
        self._counters.append(spend_counters(currency, amount, reason, row["arena"], self._day, self._stripe))
        if currency == "AIBA":
            self._burned_aiba[telegram_id] += amount

    def _post(
        self, make: Callable[..., ledger.Row], telegram_id: str, currency: str, amount: int, reason: str
    ) -> ledger.Row:
        row = make(
            telegram_id=telegram_id,
            currency=currency,
            amount=amount,
            reason=reason,
            request_id=self._request_id,
            now=self._now,
            arena=self._arena,
            league=self._league,
            battle_id=self._battle_id,
        )
        self._rows.append({"_id": self._new_id(), **row})
        return row

    @property
    def rows(self) -> list[ledger.Row]:
        return list(self._rows)

    @property
    def counters(self) -> tuple[Update, ...]:
        """Day counters of what was paid, all on the preferred stripe."""
        return tuple(self._counters)

    def balances(self) -> list[Document]:
        """What changes, per player: ``{telegramId, changes}``, changes by balance field."""
        return [{"telegramId": who, "changes": dict(changes)} for who, changes in self._changes.items()]

    def ledger_insert(self) -> tuple[Insert, ...]:
        """The rows as one write; none when no money moves."""
        return (Insert("ledgerentries", tuple(self._rows)),) if self._rows else ()

    def player_update(
        self,
        telegram_id: str,
        user: Document | None,
        changes: Mapping[str, Any],
        standings: StandingsChange | None = None,
    ) -> Update:
        """The one write to the player who made the request: balances, the day's combo, ``changes`` ($set), standings.

        ``user`` is what was decided on; a player without a document gets one.
        """
        combo = self._combo(user or {}, telegram_id)
        first_win = "firstWinDiamondAwardedAt"
        facts: Document = {field: {"$gte": need} for field, need in self._needs[telegram_id].items()}
        if user is not None and first_win in changes:
            facts[first_win] = user.get(first_win)
        update = self._user_update(telegram_id, facts, {**changes, **combo}, create=user is None)
        return update if standings is None else _with_standings(update, standings)

    def other_updates(self, telegram_id: str) -> tuple[Update, ...]:
        """Writes to everyone else who is paid; someone unknown gets a document to be paid into."""
        return tuple(self._user_update(who, {}, {}, create=True) for who in self._changes if who != telegram_id)

    def _user_update(
        self, telegram_id: str, facts: Mapping[str, Any], changes: Mapping[str, Any], *, create: bool
    ) -> Update:
        sets = {**changes, "updatedAt": self._now}
        change: Document = {"$set": sets}
        increments = {field: amount for field, amount in self._changes.get(telegram_id, {}).items() if amount}
        if increments:
            change["$inc"] = increments
        if create:
            change["$setOnInsert"] = dict(new_player(self._now, without={*sets, *increments}))
        return Update("users", {"telegramId": telegram_id, **facts}, change, upsert=create)

    def _combo(self, user: Mapping[str, Any], telegram_id: str) -> Document:
        burned = self._burned_aiba.get(telegram_id, 0)
        if not burned:
            return {}
        before = user.get("dailyComboSpentTodayAiba") if user.get("dailyComboSpentDate") == self._day else 0
        return {"dailyComboSpentTodayAiba": (before or 0) + burned, "dailyComboSpentDate": self._day}


def _with_standings(update: Update, standings: StandingsChange) -> Update:
    change = {**update.change, "$inc": {**update.change.get("$inc", {}), **standings.increments}}
    if standings.dropped:
        change["$unset"] = dict.fromkeys(standings.dropped, "")
    return replace(update, change=change)
