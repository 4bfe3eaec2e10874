"""Energy: regenerated on read from the time that passed, one unit per period, remainder kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.economy_config import REGEN_PERIOD_LIMIT_SECONDS, config_value, max_energy
from chalicelib.arena.jsnumber import clamp_whole
from chalicelib.arena.moments import as_moment, epoch_ms, from_epoch_ms

__all__ = [
    "STARTER_ENERGY",
    "Regenerated",
    "RegeneratedMs",
    "max_energy",
    "period_seconds",
    "regenerate",
    "regenerate_ms",
    "usable_energy",
]

STARTER_ENERGY: Final = 10


@dataclass(frozen=True, slots=True)
class RegeneratedMs:
    """Energy at a moment. ``energy`` and ``energy_updated_at_ms`` are as stored when nothing was gained."""

    energy: Any
    energy_updated_at_ms: int | None
    gained: int
    """Whole units the elapsed time is worth, before the maximum cuts them."""


@dataclass(frozen=True, slots=True)
class Regenerated:
    """Energy at a moment. ``energy`` and ``energy_updated_at`` are as stored when nothing was gained."""

    energy: Any
    energy_updated_at: datetime | None
    gained: int
    """Whole units the elapsed time is worth, before the maximum cuts them."""
    usable: int
    """What a battle may use of it: 0..the maximum."""


def period_seconds(config: Mapping[str, Any]) -> int:
    """Seconds per unit regenerated: 1..86400, and 1 for a setting that is no number."""
    return clamp_whole(config_value(config, "battleEnergyRegenSecondsPerEnergy"), 1, REGEN_PERIOD_LIMIT_SECONDS)


def usable_energy(energy: object, maximum: int) -> int:
    """Whole energy a battle may use: 0..``maximum``; what is no number counts 0."""
    return clamp_whole(energy, 0, maximum)


def regenerate_ms(
    *,
    energy: Any,
    energy_updated_at_ms: int | None,
    updated_at_ms: int | None,
    now_ms: int,
    config: Mapping[str, Any],
) -> RegeneratedMs:
    """``regenerate`` on milliseconds since 1970."""
    last_ms = next((at for at in (energy_updated_at_ms, updated_at_ms) if at is not None), now_ms)
    period = period_seconds(config)
    gained = max(0, (now_ms - last_ms) // 1000) // period
    if gained == 0:
        return RegeneratedMs(energy, energy_updated_at_ms, 0)
    maximum = max_energy(config)
    # The clock moves by whole periods even when the maximum cuts the gain: only the remainder is carried over.
    return RegeneratedMs(
        min(maximum, usable_energy(energy, maximum) + gained), last_ms + gained * period * 1000, gained
    )


def regenerate(
    *,
    energy: Any,
    energy_updated_at: object,
    updated_at: object,
    now: datetime,
    config: Mapping[str, Any],
) -> Regenerated:
    """The stored ``energy`` brought up to ``now``.

    Time counts from ``energy_updated_at``, else ``updated_at``, else ``now``; values that are no dates count as
    missing. A date in the future gains nothing. ``config`` is the economyconfigs document.
    """
    stored_at = as_moment(energy_updated_at)
    fallback = as_moment(updated_at)
    result = regenerate_ms(
        energy=energy,
        energy_updated_at_ms=None if stored_at is None else epoch_ms(stored_at),
        updated_at_ms=None if fallback is None else epoch_ms(fallback),
        now_ms=epoch_ms(now),
        config=config,
    )
    at_ms = result.energy_updated_at_ms
    return Regenerated(
        energy=result.energy,
        energy_updated_at=None if at_ms is None else from_epoch_ms(at_ms),
        gained=result.gained,
        usable=usable_energy(result.energy, max_energy(config)),
    )
