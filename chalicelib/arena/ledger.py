"""The ledger's rows: the truth about money. A balance is the running sum of its rows and changes with them.

A row is unique by (sourceType, sourceId, telegramId, currency, direction, reason), so writing the same
thing twice is the same as writing it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal

from chalicelib.arena.jsnumber import MAX_SAFE_INTEGER

Row = dict[str, Any]

_BALANCE_FIELDS: Final[Mapping[str, str]] = {
    "NEUR": "neurBalance",
    "AIBA": "aibaBalance",
    "STARS": "starsBalance",
    "DIAMONDS": "diamondsBalance",
}
CURRENCIES: Final = tuple(_BALANCE_FIELDS)


@dataclass(frozen=True, slots=True)
class Reason:
    """Where money of one reason comes from or goes to."""

    source_type: str
    arena: str | None = None
    """None: the mode's arena and league apply."""
    league: str | None = None


REASONS: Final[Mapping[str, Reason]] = {
    "battle_reward": Reason("battle"),
    "first_win": Reason("battle"),
    "entry": Reason("battle"),
    "guild_creator_earnings": Reason("guild_war_member_earnings"),
    "creator_earnings": Reason("creator_referee_battle"),
    "train": Reason("broker_train", "training", "global"),
    "repair": Reason("broker_repair", "repairs", "global"),
    "upgrade": Reason("broker_upgrade", "upgrades", "global"),
    "combine": Reason("broker_combine", "combine", "global"),
    "broker_mint_nft": Reason("broker_mint_nft", "mint", "global"),
}


def balance_field(currency: str) -> str:
    """The user's field holding the balance of ``currency``. Raises KeyError for a currency the game has not."""
    return _BALANCE_FIELDS[currency]


def entry(
    direction: Literal["credit", "debit"],
    *,
    telegram_id: str,
    currency: str,
    amount: int,
    reason: str,
    request_id: str,
    now: datetime,
    arena: str = "",
    league: str = "",
    battle_id: Any = None,
    meta: Mapping[str, Any] | None = None,
) -> Row:
    """A ledgerentries document moving ``amount`` (a whole number, 0 or more) to or from the player.

    ``request_id`` is also the row's sourceId. ``arena`` and ``league`` are the mode's and are ignored where the reason
    fixes its own. Raises KeyError for an unknown currency or reason, ValueError for an amount that is no such number.
    """
    balance_field(currency)
    origin = REASONS[reason]
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 <= amount <= MAX_SAFE_INTEGER:
        raise ValueError(f"a ledger amount is a whole number of 0..{MAX_SAFE_INTEGER}, not {amount!r}")
    return {
        "telegramId": telegram_id,
        "currency": currency,
        "direction": direction,
        "amount": amount,
        "reason": reason,
        "arena": arena if origin.arena is None else origin.arena,
        "league": league if origin.league is None else origin.league,
        "sourceType": origin.source_type,
        "sourceId": request_id,
        "requestId": request_id,
        "battleId": battle_id,
        "applied": True,
        "meta": dict(meta or {}),
        "createdAt": now,
        "updatedAt": now,
        "__v": 0,
    }


credit = partial(entry, "credit")
debit = partial(entry, "debit")
