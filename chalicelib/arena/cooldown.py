"""Cooldowns: how long a broker must rest before the same mode, or before its arena's rookie mode.

A run writes two entries, its mode's key and its arena. A rookie mode's key is the arena's name, so any
run in an arena blocks the rookie mode there; a pro or elite mode is blocked by its own last run and,
while it has none, by the arena's.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.arena.jstext import js_trim
from chalicelib.arena.moments import as_moment


def cooldown_key(mode_key: str | None, arena: str | None) -> str:
    """The key a run is remembered under: the mode's key, or the arena when that is blank; trimmed."""
    return js_trim(mode_key or "") or js_trim(arena or "")


def cooldown_remaining(
    cooldowns: Mapping[str, Any] | None,
    *,
    mode_key: str | None,
    arena: str | None,
    cooldown_seconds: float,
    now: datetime,
) -> float:
    """Seconds until the mode may be run again; 0 when it may be now.

    ``cooldowns`` is the broker's map of last runs; an entry that is no date counts as unset.
    """
    entries = cooldowns or {}
    last = as_moment(entries.get(cooldown_key(mode_key, arena)))
    if last is None:
        last = as_moment(entries.get(js_trim(arena or "")))
    if last is None:
        return 0.0
    return max(0.0, cooldown_seconds - (now - last).total_seconds())


def cooldowns_after(
    cooldowns: Mapping[str, Any] | None, *, mode_key: str | None, arena: str | None, now: datetime
) -> dict[str, Any]:
    """The whole map after a run at ``now``.

    Written as a whole because an arena's or a mode's name may hold characters an update path cannot.
    """
    return {**(cooldowns or {}), cooldown_key(mode_key, arena): now, js_trim(arena or ""): now}
