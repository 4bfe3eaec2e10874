"""What a battle that was fought changes: broker, battle, money, player, guild, and the event that tells of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.arena import anomaly, outbox
from chalicelib.arena.battle_gate import Admission
from chalicelib.arena.cooldown import cooldowns_after
from chalicelib.arena.follow_ups import follow_ups
from chalicelib.arena.moments import as_moment
from chalicelib.arena.ports import BattleView, Document, Insert, Update, Write
from chalicelib.arena.postings import Postings
from chalicelib.arena.rewards import GuildSplit, WinBonus
from chalicelib.arena.seasons import season_at, season_length
from chalicelib.arena.standings import Standing, standings_after
from chalicelib.arena.streaks import win_streak_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """A battle that was fought, before anything is written."""

    battle: Document
    split: GuildSplit
    bonus: WinBonus
    emission_writes: tuple[Update, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The battle's writes, and who it banned."""

    writes: tuple[Write, ...]
    broker_banned: bool
    user_banned: bool
    standings: Sequence[Standing]
    """The player's, as the battle leaves them."""


def settle(
    view: BattleView,
    admission: Admission,
    fight: Fight,
    *,
    now: datetime,
    stripe: int,
    new_id: Callable[[], Any],
) -> Settlement:
    """The writes in the order that loses a race soonest: the broker, which rivals for its energy contend for, first.

    Outside guild modes they take six round trips: broker, battle, player, day counter, ledger, event.
    """
    broker_ban, user_ban = _consequences(view, admission, fight, now)
    broker_set = {**_broker_changes(admission, fight.battle["requestId"], now), **broker_ban.changes}
    postings = _postings(admission, fight, now=now, stripe=stripe, new_id=new_id)
    player = str(fight.battle["ownerTelegramId"])
    season = season_at(now, season_length(view.config))
    standings = standings_after(view.user or {}, fight.battle, season)
    changes = {**_player_changes(admission, fight, now), **user_ban.changes, "standingsAt": now}
    writes: tuple[Write, ...] = (
        Update("brokers", _broker_facts(admission.broker), {"$set": broker_set}),
        Insert("battles", (fight.battle,)),
        postings.player_update(player, view.user, changes, standings),
        *postings.other_updates(player),
        *fight.emission_writes,
        *postings.counters,
        *_vault(admission, fight, now),
        *postings.ledger_insert(),
        outbox.event(
            event_id=new_id(),
            entity="battle",
            key=str(fight.battle["_id"]),
            op="insert",
            payload={
                "battle": fight.battle,
                "broker": {**admission.broker, **broker_set},
                "ledger": postings.rows,
                "balances": postings.balances(),
                "vaultNeur": fight.split.vault,
            },
            request_id=fight.battle["requestId"],
            now=now,
            follow_ups=follow_ups(view, fight.battle),
        ),
    )
    return Settlement(
        writes=writes,
        broker_banned=broker_ban.banned,
        user_banned=user_ban.banned,
        standings=standings.standings,
    )


def _consequences(
    view: BattleView, admission: Admission, fight: Fight, now: datetime
) -> tuple[anomaly.Consequence, anomaly.Consequence]:
    if not fight.battle["anomaly"]:
        none = anomaly.Consequence({}, banned=False)
        return none, none
    return anomaly.broker_after(admission.broker, view.config), anomaly.user_after(admission.user, view.config, now)


def _broker_facts(broker: Document) -> Document:
    """What the battle was decided on: any change since makes the write miss."""
    names = ("_id", "ownerTelegramId", "energy", "energyUpdatedAt", "lastRequestId", "banned", "level", "deletedAt")
    return {name: broker.get(name) for name in names}


def _broker_changes(admission: Admission, request_id: str, now: datetime) -> Document:
    broker, energy = admission.broker, admission.energy
    cooldowns = broker.get("cooldowns")
    return {
        "energy": energy.usable - admission.mode.energy_cost,
        # Regeneration falls back to updatedAt where energyUpdatedAt is missing, and updatedAt moves now.
        "energyUpdatedAt": energy.energy_updated_at or as_moment(broker.get("updatedAt")) or now,
        "lastBattleAt": now,
        "cooldowns": cooldowns_after(
            cooldowns if isinstance(cooldowns, Mapping) else None,
            mode_key=admission.mode.key,
            arena=admission.mode.arena,
            now=now,
        ),
        "lastRequestId": request_id,
        "updatedAt": now,
    }


def _player_changes(admission: Admission, fight: Fight, now: datetime) -> Document:
    streak = win_streak_after(admission.user, fight.battle["score"], now)
    changes: Document = {"battleWinStreak": streak.streak, "lastBattleWinAt": streak.last_win_at}
    if fight.bonus.diamonds > 0:
        changes["firstWinDiamondAwardedAt"] = now
    return changes


def _postings(admission: Admission, fight: Fight, *, now: datetime, stripe: int, new_id: Callable[[], Any]) -> Postings:
    battle, mode, split = fight.battle, admission.mode, fight.split
    player = str(battle["ownerTelegramId"])
    postings = Postings(
        request_id=battle["requestId"],
        now=now,
        stripe=stripe,
        new_id=new_id,
        arena=mode.arena,
        league=mode.league,
        battle_id=battle["_id"],
    )
    postings.debit(player, "NEUR", mode.entry_neur_cost, "entry")
    postings.debit(player, "AIBA", mode.entry_aiba_cost, "entry")
    postings.credit(player, "NEUR", battle["rewardNeur"] - split.guild_share, "battle_reward")
    postings.credit(player, "AIBA", battle["rewardAiba"], "battle_reward")
    postings.credit(player, "STARS", fight.bonus.stars, "battle_reward")
    postings.credit(player, "DIAMONDS", fight.bonus.diamonds, "first_win")
    if admission.guild is not None:
        postings.credit(str(admission.guild["ownerTelegramId"]), "NEUR", split.creator, "guild_creator_earnings")
    return postings


def _vault(admission: Admission, fight: Fight, now: datetime) -> tuple[Update, ...]:
    if admission.guild is None or fight.split.vault == 0:
        return ()
    change = {"$inc": {"vaultNeur": fight.split.vault}, "$set": {"updatedAt": now}}
    return (Update("guilds", {"_id": admission.guild["_id"], "active": True}, change),)
