"""Whether a battle may be fought: every refusal of the game, in the game's order.

The numbers are those of the game's own table of checks (authentication, rate limit and validation, 1 to
3, come before). Facts beyond the code travel in ``details``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.arena.cooldown import cooldown_remaining
from chalicelib.arena.energy import Regenerated, regenerate
from chalicelib.arena.engine import broker_level
from chalicelib.arena.jsnumber import to_number
from chalicelib.arena.ledger import balance_field
from chalicelib.arena.modes import Mode
from chalicelib.arena.moments import as_moment
from chalicelib.arena.ports import BattleView, Document, GuildRivalry, Membership
from chalicelib.errors import BadRequest, Conflict, Forbidden, NotFound, TooManyRequests


@dataclass(frozen=True, slots=True, kw_only=True)
class BattleCommand:
    """One player's wish to fight, already validated."""

    telegram_id: str
    request_id: str
    """1..128 characters, trimmed."""
    broker_id: str
    """24 hex digits as the client sent them: their case is part of the seed."""
    arena: str | None = None
    league: str | None = None
    mode_key: str | None = None
    """Wins over arena and league."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A battle that may be fought, and what it will cost."""

    user: Mapping[str, Any]
    broker: Document
    mode: Mode
    energy: Regenerated
    """Before the battle; ``usable`` covers the mode's cost."""
    guild: Document | None
    """The player's guild, in guild modes only."""
    rivalry: GuildRivalry | None
    """In guild modes only."""


def refuse_banned(user: Mapping[str, Any] | None, now: datetime) -> None:
    """Check 4. Raises ``Forbidden("banned")``."""
    until = as_moment((user or {}).get("bannedUntil"))
    if until is not None and until > now:
        raise Forbidden("banned", details={"until": until, "reason": (user or {}).get("bannedReason") or ""})


def earlier_battle(view: BattleView, command: BattleCommand) -> Document | None:
    """Checks 5 to 8: the player's battle of this requestId, if it was fought already.

    Raises ``Conflict`` when it is another player's. Parameters are not compared: the id alone decides.
    """
    battle = view.existing_battle
    if battle is not None and battle.get("ownerTelegramId") != command.telegram_id:
        raise Conflict("requestId already used")
    return battle


def admit(
    view: BattleView, command: BattleCommand, *, now: datetime, load_membership: Callable[[], Membership | None]
) -> Admission:
    """Checks 9 to 15. Raises the first refusal that applies; nothing has changed then."""
    mode = _mode(view, command)
    membership = view.membership or load_membership() if mode.requires_guild else None
    if mode.requires_guild and membership is None:
        raise Forbidden("guild required", details={"modeKey": mode.key})
    broker = _broker(view.broker, command.telegram_id, now)
    _refuse_low_level(broker, mode)
    energy = regenerate(
        energy=broker.get("energy"),
        energy_updated_at=broker.get("energyUpdatedAt"),
        updated_at=broker.get("updatedAt"),
        now=now,
        config=view.config,
    )
    if energy.usable < mode.energy_cost:
        raise Forbidden("no energy", details={"need": mode.energy_cost, "have": energy.usable, "modeKey": mode.key})
    _refuse_cooling(broker, mode, now)
    user = view.user or {}
    refuse_poor(user, "NEUR", mode.entry_neur_cost)
    refuse_poor(user, "AIBA", mode.entry_aiba_cost)
    return Admission(
        user=user,
        broker=broker,
        mode=mode,
        energy=energy,
        guild=None if membership is None else membership.guild,
        rivalry=None if membership is None else membership.rivalry,
    )


def refuse_poor(user: Mapping[str, Any], currency: str, cost: int) -> None:
    """Raises ``Forbidden("insufficient ...")`` when the balance does not cover ``cost``."""
    have = to_number(user.get(balance_field(currency)))
    if cost > 0 and not have >= cost:
        raise Forbidden(f"insufficient {currency}", details={"need": cost, "have": have})


def refuse_foreign(broker: Mapping[str, Any], telegram_id: str) -> None:
    """Raises ``Forbidden("not your broker")`` unless the player owns it."""
    if broker.get("ownerTelegramId") != telegram_id:
        raise Forbidden("not your broker")


def _mode(view: BattleView, command: BattleCommand) -> Mode:
    if view.mode is None:
        wanted = f"modeKey {command.mode_key}" if command.mode_key else "this arena and league"
        raise BadRequest("invalid_mode", details=f"no game mode for {wanted}")
    mode = Mode.from_document(view.mode, view.config)
    if not mode.enabled:
        raise Forbidden("mode_disabled", details={"modeKey": mode.key})
    return mode


def _broker(broker: Document | None, telegram_id: str, now: datetime) -> Document:
    if broker is None:
        raise NotFound("broker not found")
    rented_until = as_moment(broker.get("rentedUntil"))
    rents = broker.get("rentedByTelegramId") == telegram_id and rented_until is not None and rented_until > now
    if not rents:
        refuse_foreign(broker, telegram_id)
    if broker.get("banned"):
        raise Forbidden("broker banned", details={"reason": broker.get("banReason") or ""})
    return broker


def _refuse_low_level(broker: Mapping[str, Any], mode: Mode) -> None:
    level = broker_level(broker.get("level"))
    if level < mode.min_broker_level:
        raise Forbidden(
            "league_locked",
            details={"needLevel": mode.min_broker_level, "haveLevel": level, "modeKey": mode.key},
        )


def _refuse_cooling(broker: Mapping[str, Any], mode: Mode, now: datetime) -> None:
    cooldowns = broker.get("cooldowns")
    remaining = cooldown_remaining(
        cooldowns if isinstance(cooldowns, Mapping) else None,
        mode_key=mode.key,
        arena=mode.arena,
        cooldown_seconds=mode.cooldown_seconds,
        now=now,
    )
    if remaining > 0:
        raise TooManyRequests("cooldown", details={"retryAfterMs": math.ceil(remaining * 1000), "modeKey": mode.key})
