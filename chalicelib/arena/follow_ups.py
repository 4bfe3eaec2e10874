"""What a battle leaves to be done soon after it: the referrer's share and the global boss's damage. Pure.

A popular referrer or a boss is one document that thousands of battles would write, each waiting for the
other. So a battle only notes on its own outbox event what follows from it (``followUps``, due at
``followUpsDueAt``), in its own transaction; ``settle`` does the noted work for many battles at once.

Exactly once: a batch is one transaction that also takes ``followUpsDueAt`` off its events, so of two runs
that picked the same event one is run again on a fresh snapshot; and what an event has been paid for already
(a restored or repeated event) is left out.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena import ledger, outbox
from chalicelib.arena.follow_up_ports import DueFollowUps
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import BattleView, Document, Insert, Outcome, Update, Write
from chalicelib.arena.rewards import Rewards, referrer_rewards

CREATOR_EARNINGS: Final = "creator_earnings"
BOSS_DAMAGE: Final = "boss_damage"
BOSS_ACTIVE: Final = "active"
BOSS_DEFEATED: Final = "defeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one batch came to."""

    events: int = 0
    earnings: int = 0
    """Ledger rows written for referrers."""
    strikes: int = 0
    """Damage rows written."""
    defeated: int = 0
    """Bosses that fell."""


def follow_ups(view: BattleView, battle: Mapping[str, Any]) -> tuple[Document, ...]:
    """What follows from ``battle``; nothing for most."""
    found: list[Document] = []
    referrer = view.referrer
    if referrer is not None and referrer.telegram_id != battle["ownerTelegramId"]:
        share = referrer_rewards(Rewards(aiba=battle["rewardAiba"], neur=battle["rewardNeur"]), referrer.referral)
        if share.aiba or share.neur:
            found.append(
                {
                    "kind": CREATOR_EARNINGS,
                    "referrerTelegramId": referrer.telegram_id,
                    "aiba": share.aiba,
                    "neur": share.neur,
                }
            )
    if view.boss is not None and battle["score"] > 0:
        found.append({"kind": BOSS_DAMAGE, "bossId": view.boss["_id"], "damage": battle["score"]})
    return tuple(found)


def settle(due: DueFollowUps, *, now: datetime, new_id: Callable[[], Any]) -> Outcome[Settled]:
    """Everything the due events ask for, as writes of one transaction."""
    if not due.events:
        return Outcome(Settled())
    rows = _earnings(due, now, new_id)
    strikes = _strikes(due, now, new_id)
    bosses = _bosses_after(due, strikes)
    balances = _balances(rows)
    writes: tuple[Write, ...] = (
        *(_settled(event, now) for event in due.events),
        *(_payment(who, balances[who], now) for who in sorted(balances)),
        *(_wound(due.bosses[boss], changes, now) for boss, changes in bosses.items()),
        *_inserted("bossdamages", strikes),
        *_inserted("ledgerentries", rows),
    )
    if rows or strikes:
        writes += (_event(rows, balances, strikes, bosses, now, new_id),)
    return Outcome(
        Settled(
            events=len(due.events),
            earnings=len(rows),
            strikes=len(strikes),
            defeated=sum(changes.get("status") == BOSS_DEFEATED for changes in bosses.values()),
        ),
        writes,
    )


def _noted(event: Mapping[str, Any], kind: str) -> list[Document]:
    return [noted for noted in event.get("followUps") or () if noted["kind"] == kind]


def _earnings(due: DueFollowUps, now: datetime, new_id: Callable[[], Any]) -> list[Document]:
    rows = []
    for event in due.events:
        battle = event["payload"]["battle"]
        for noted in _noted(event, CREATOR_EARNINGS):
            for currency in ("AIBA", "NEUR"):
                amount, who = noted[currency.lower()], noted["referrerTelegramId"]
                if amount <= 0 or (event["requestId"], who, currency) in due.paid:
                    continue
                row = ledger.credit(
                    telegram_id=who,
                    currency=currency,
                    amount=amount,
                    reason="creator_earnings",
                    request_id=event["requestId"],
                    now=now,
                    arena=battle["arena"],
                    league=battle["league"],
                    battle_id=battle["_id"],
                )
                rows.append({"_id": new_id(), **row})
    return rows


def _balances(rows: list[Document]) -> dict[str, dict[str, int]]:
    """What changes, by player and balance field."""
    changes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        changes[row["telegramId"]][ledger.balance_field(row["currency"])] += row["amount"]
    return {who: dict(fields) for who, fields in changes.items()}


def _strikes(due: DueFollowUps, now: datetime, new_id: Callable[[], Any]) -> list[Document]:
    return [
        {
            "_id": new_id(),
            "bossId": noted["bossId"],
            "battleId": event["payload"]["battle"]["_id"],
            "telegramId": event["payload"]["battle"]["ownerTelegramId"],
            "damage": noted["damage"],
            "createdAt": now,
            "updatedAt": now,
            "__v": 0,
        }
        for event in due.events
        for noted in _noted(event, BOSS_DAMAGE)
        if noted["bossId"] in due.bosses and (noted["bossId"], event["payload"]["battle"]["_id"]) not in due.struck
    ]


def _bosses_after(due: DueFollowUps, strikes: list[Document]) -> dict[Any, Document]:
    """Changed fields by boss. Damage beyond a boss's last point is recorded, but lowers nothing any more."""
    totals: defaultdict[Any, int] = defaultdict(int)
    for strike in strikes:
        totals[strike["bossId"]] += strike["damage"]
    changed = {}
    for boss_id, damage in totals.items():
        before = whole_amount(due.bosses[boss_id].get("currentHp"))
        after = max(0, before - damage)
        changes: Document = {"currentHp": after}
        if after == 0 and due.bosses[boss_id].get("status") == BOSS_ACTIVE:
            changes["status"] = BOSS_DEFEATED
        changed[boss_id] = changes
    return changed


def _settled(event: Mapping[str, Any], now: datetime) -> Update:
    facts = {"_id": event["_id"], "followUpsDueAt": event["followUpsDueAt"]}
    return Update(outbox.COLLECTION, facts, {"$set": {"followUpsSettledAt": now}, "$unset": {"followUpsDueAt": ""}})


def _payment(telegram_id: str, increments: Mapping[str, int], now: datetime) -> Update:
    begin = new_player(now, without={"updatedAt", *increments})
    change = {"$inc": dict(increments), "$set": {"updatedAt": now}, "$setOnInsert": dict(begin)}
    return Update("users", {"telegramId": telegram_id}, change, upsert=True)


def _wound(boss: Mapping[str, Any], changes: Mapping[str, Any], now: datetime) -> Update:
    ended = {"defeatedAt": now} if changes.get("status") == BOSS_DEFEATED else {}
    return Update("globalbosses", {"_id": boss["_id"]}, {"$set": {**changes, **ended, "updatedAt": now}})


def _inserted(collection: str, documents: list[Document]) -> tuple[Insert, ...]:
    return (Insert(collection, tuple(documents)),) if documents else ()


def _event(
    rows: list[Document],
    balances: Mapping[str, Mapping[str, int]],
    strikes: list[Document],
    bosses: Mapping[Any, Document],
    now: datetime,
    new_id: Callable[[], Any],
) -> Insert:
    batch = new_id()
    return outbox.event(
        event_id=batch,
        entity="follow_ups",
        key=str(batch),
        op="insert",
        payload={
            "ledger": rows,
            "balances": [{"telegramId": who, "changes": dict(changes)} for who, changes in balances.items()],
            "bossDamages": strikes,
            "bosses": [{"_id": boss, "changes": changes} for boss, changes in bosses.items()],
        },
        request_id="",
        now=now,
    )
