"""Emission: whether, when and how much new money a battle may create.

A currency is emitted whole or not at all: outside the hours of its window, or beyond the day's cap
(the currency's own, or the arena's where it has one), the reward is 0 and the battle still counts.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from chalicelib.arena.economy_config import config_number, config_value
from chalicelib.arena.jsnumber import clamp_whole, to_number, whole_amount
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.striped_day import Day
from chalicelib.arena.stripes import Terms, counters, field_key

Result = Literal["ok", "outside_window", "cap_exceeded"]

STRIPES: Final = 16
"""Stripes of a day: several times the clients that write at once in a region, so that two seldom share one, yet few
enough to read together when an allowance runs out."""

CURRENCIES: Final = ("NEUR", "AIBA")
"""In the order they are emitted."""

_CAP_FIELDS: Final[Mapping[str, str]] = {"AIBA": "dailyCapAiba", "NEUR": "dailyCapNeur"}
_SPENT_FIELDS: Final[Mapping[str, str]] = {"AIBA": "burnedAiba", "NEUR": "spentNeur"}


@dataclass(frozen=True, slots=True)
class Caps:
    """What a currency may emit in a UTC day."""

    total: int
    arena: int | None
    """None where the arena has no cap of its own."""


@dataclass(frozen=True, slots=True)
class Share:
    """This region's part of every cap: regions count their days apart, and together must stay within it."""

    place: int = 0
    """0 to ``of`` - 1."""
    of: int = 1
    """Regions."""

    def part(self, cap: int) -> int:
        """Whole units; all regions' parts add up to ``cap``."""
        return cap // self.of + (self.place < cap % self.of)


WHOLE: Final = Share()


@dataclass(frozen=True, slots=True)
class EmissionRequest:
    """Money one battle wants created."""

    day: str
    """UTC date, YYYY-MM-DD."""
    arena: str
    league: str
    amounts: Mapping[str, int]
    """By currency; 0 asks for nothing."""
    now: datetime


@dataclass(frozen=True, slots=True)
class Allocation:
    """What of a request is created, and the writes that account for it."""

    granted: Mapping[str, int]
    """By currency, each the whole amount asked for or 0; both currencies are always present."""
    results: Mapping[str, Result]
    """By currency; absent where nothing was asked for."""
    writes: tuple[Update, ...]
    """Must be applied in the transaction the allocation was decided in, even where all is refused."""


def window_open(config: Mapping[str, Any], *, arena: str, league: str, now: datetime) -> bool:
    """Whether the hour of ``now`` (UTC) lies in the emission window: start included, end not.

    The most specific entry of emissionWindows counts (arena:league, arena, ``*``), else the two global hours. Hours are
    clamped to 0..24; start = end is closed; start > end runs over midnight.
    """
    start, end = _window_hours(config, arena, league)
    hour = now.astimezone(UTC).hour
    if start <= end:
        return start <= hour < end
    return hour >= start or hour < end


def _window_hours(config: Mapping[str, Any], arena: str, league: str) -> tuple[int, int]:
    windows = config_value(config, "emissionWindows")
    entry: Any = None
    if isinstance(windows, Mapping):
        candidates = (windows.get(key) for key in (f"{arena}:{league}", arena, "*"))
        entry = next((found for found in candidates if isinstance(found, Mapping)), None)
    return (
        _hour(entry, "startHourUtc", config_number(config, "emissionStartHourUtc")),
        _hour(entry, "endHourUtc", config_number(config, "emissionEndHourUtc")),
    )


def _hour(entry: Mapping[str, Any] | None, name: str, default: float) -> int:
    value = entry.get(name) if entry else None
    number = to_number(value)
    return clamp_whole(default if value is None or not math.isfinite(number) else number, 0, 24)


def caps(config: Mapping[str, Any], currency: str, arena: str) -> Caps:
    """The caps on emitting ``currency`` in ``arena``. A negative cap counts 0, an arena's that is no number, none."""
    return Caps(
        total=whole_amount(config_number(config, _CAP_FIELDS[currency])),
        arena=_arena_caps(config, currency).get(arena),
    )


def _arena_caps(config: Mapping[str, Any], currency: str) -> Mapping[str, int]:
    by_arena = config_value(config, f"{_CAP_FIELDS[currency]}ByArena")
    if not isinstance(by_arena, Mapping):
        return {}
    return {
        arena: whole_amount(cap) for arena, cap in by_arena.items() if cap is not None and math.isfinite(to_number(cap))
    }


def _terms(config: Mapping[str, Any], share: Share) -> list[Terms]:
    return [
        Terms(
            currency,
            share.part(caps(config, currency, "").total),
            {arena: share.part(cap) for arena, cap in _arena_caps(config, currency).items()},
        )
        for currency in CURRENCIES
    ]


def allocate(
    request: EmissionRequest,
    own: Document | None,
    stripe: int,
    config: Mapping[str, Any],
    load_all: Callable[[], Sequence[Document]],
    stripes_total: int = STRIPES,
    share: Share = WHOLE,
) -> Allocation:
    """Decides a request on the snapshot that ``own``, ``config`` and ``load_all`` read from.

    ``own`` is the day's document of ``stripe`` (0..stripes_total - 1), None if there is none yet; ``load_all`` reads
    every stripe of the day and is called at most once, and only when the own stripe does not suffice. An amount is
    granted exactly when what the day has emitted plus the amount stays within this region's share of every cap on it.
    """
    granted = dict.fromkeys(CURRENCIES, 0)
    results: dict[str, Result] = {}
    is_open = window_open(config, arena=request.arena, league=request.league, now=request.now)
    day = Day(
        day=request.day,
        own=own,
        stripe=stripe,
        stripes_total=stripes_total,
        terms=_terms(config, share),
        load_all=load_all,
    )
    for currency in CURRENCIES:
        amount = whole_amount(request.amounts.get(currency))
        if amount == 0:
            continue
        if not is_open:
            results[currency] = "outside_window"
        elif day.spend(currency, request.arena, amount):
            granted[currency] = amount
            results[currency] = "ok"
        else:
            results[currency] = "cap_exceeded"
    return Allocation(granted=granted, results=results, writes=day.updates())


def spend_counters(currency: str, amount: int, reason: str, arena: str, day: str, stripe: int) -> Update:
    """Counts a player's payment of ``amount`` (AIBA is burned, NEUR spent) by reason and by arena."""
    total = _SPENT_FIELDS[currency]
    return counters(
        day,
        stripe,
        (
            (total, amount),
            (f"{total}ByReason.{field_key(reason)}", amount),
            (f"{total}ByArena.{field_key(arena)}", amount),
        ),
    )
