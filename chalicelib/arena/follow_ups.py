"""What a battle leaves to be done soon after it: the referrer's share and the global boss's damage. Pure.

A popular referrer or a boss is one document that thousands of battles would write, each waiting for the
other. So a battle only notes on its own outbox event what follows from it (``followUps``, due at
``followUpsDueAt``), in its own transaction; ``settle`` does the noted work for many battles at once.

Exactly once: a batch is one transaction that also takes ``followUpsDueAt`` off its events, so of two runs
that picked the same event one is run again on a fresh snapshot; and what an event has been paid for already
(a restored or repeated event, in this batch or before) is left out.

An event that can't be understood is set aside, so that it does not hold up the others: it is no longer due, and
``followUpsFault`` names what is wrong with it.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from chalicelib.arena import ledger, outbox
from chalicelib.arena.bosses import BOSS_ACTIVE, BOSS_DEFEATED
from chalicelib.arena.follow_up_ports import DueFollowUps
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import BattleView, Document, Insert, Outcome, Update, Write
from chalicelib.arena.rewards import Rewards, referrer_rewards

CREATOR_EARNINGS: Final = "creator_earnings"
BOSS_DAMAGE: Final = "boss_damage"

_EVENT: Final[Mapping[str, type]] = {"requestId": str, "payload": Mapping, "followUps": list}
_BATTLE: Final[Mapping[str, type]] = {"_id": Hashable, "ownerTelegramId": str, "arena": str, "league": str}
_NOTED: Final[Mapping[str, Mapping[str, type]]] = {
    CREATOR_EARNINGS: {"referrerTelegramId": str, "aiba": int, "neur": int},
    BOSS_DAMAGE: {"bossId": Hashable, "damage": int},
}
"""What must be there to settle a follow-up, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What one batch came to."""

    events: int = 0
    """No longer due; those set aside included."""
    earnings: int = 0
    """Ledger rows written for referrers."""
    strikes: int = 0
    """Damage rows written."""
    defeated: int = 0
    """Bosses that fell."""
    set_aside: int = 0
    """Events that can't be understood."""


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
    faults = {event["_id"]: fault(event) for event in due.events}
    events, due = due.events, replace(due, events=[event for event in due.events if faults[event["_id"]] is None])
    rows = _earnings(due, now, new_id)
    strikes = _strikes(due, now, new_id)
    bosses = _bosses_after(due, strikes)
    balances = _balances(rows)
    writes: tuple[Write, ...] = (
        *(_taken_up(event, faults[event["_id"]], now) for event in events),
        *(_payment(who, balances[who], now) for who in sorted(balances)),
        *(_wound(due.bosses[boss], changes, now) for boss, changes in bosses.items()),
        *_inserted("bossdamages", strikes),
        *_inserted("ledgerentries", rows),
    )
    if rows or strikes:
        writes += (_event(rows, balances, strikes, bosses, now, new_id),)
    return Outcome(
        Settled(
            events=len(events),
            earnings=len(rows),
            strikes=len(strikes),
            defeated=sum(changes.get("status") == BOSS_DEFEATED for changes in bosses.values()),
            set_aside=len(events) - len(due.events),
        ),
        writes,
    )


def fault(event: Mapping[str, Any]) -> str | None:
    """The path of the first thing in ``event`` that is not as settling needs it; None for a sound one."""
    return (
        _fault("", event, _EVENT)
        or _fault("payload.", event["payload"], {"battle": Mapping})
        or _fault("payload.battle.", event["payload"]["battle"], _BATTLE)
        or next(filter(None, (_noted_fault(f"followUps.{n}", one) for n, one in enumerate(event["followUps"]))), None)
    )


def _noted_fault(path: str, noted: Any) -> str | None:
    if not isinstance(noted, Mapping):
        return path
    kind = noted.get("kind")
    if not isinstance(kind, str) or kind not in _NOTED:
        return f"{path}.kind"
    return _fault(f"{path}.", noted, _NOTED[kind])


def _fault(path: str, found: Mapping[str, Any], needed: Mapping[str, type]) -> str | None:
    for name, kind in needed.items():
        if found.get(name) is None or not isinstance(found[name], kind):
            return f"{path}{name}"
    return None


def _noted(event: Mapping[str, Any], kind: str) -> list[Document]:
    return [noted for noted in event["followUps"] if noted["kind"] == kind]


def _earnings(due: DueFollowUps, now: datetime, new_id: Callable[[], Any]) -> list[Document]:
    rows, paid = [], set(due.paid)
    for event in due.events:
        battle = event["payload"]["battle"]
        for noted in _noted(event, CREATOR_EARNINGS):
            for currency in ("AIBA", "NEUR"):
                amount, who = noted[currency.lower()], noted["referrerTelegramId"]
                key = (event["requestId"], who, currency)
                if amount <= 0 or key in paid:
                    continue
                paid.add(key)
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
    rows, struck = [], set(due.struck)
    for event in due.events:
        battle = event["payload"]["battle"]
        for noted in _noted(event, BOSS_DAMAGE):
            key = (noted["bossId"], battle["_id"])
            if noted["bossId"] not in due.bosses or key in struck:
                continue
            struck.add(key)
            row = {
                "bossId": noted["bossId"],
                "battleId": battle["_id"],
                "telegramId": battle["ownerTelegramId"],
                "damage": noted["damage"],
                "createdAt": now,
                "updatedAt": now,
                "__v": 0,
            }
            rows.append({"_id": new_id(), **row})
    return rows


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


def _taken_up(event: Mapping[str, Any], wrong: str | None, now: datetime) -> Update:
    facts = {"_id": event["_id"], "followUpsDueAt": event["followUpsDueAt"]}
    if wrong is not None:
        change: Document = {"$set": {"followUpsFault": wrong}, "$unset": {"followUpsDueAt": ""}}
    else:
        change = {"$set": {"followUpsSettledAt": now}, "$unset": {"followUpsDueAt": "", "followUpsFault": ""}}
        if not event.get("pending") and not event.get("setAside"):
            change["$set"]["expiresAt"] = now + outbox.KEPT
    return Update(outbox.COLLECTION, facts, change)


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
