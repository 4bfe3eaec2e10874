"""What facts of another region mean here: balances, standings, a boss's points. Each region computes its own.

The same rules as where the fact was made, applied once per fact: whoever inserts it computes them in the same
transaction. ``sign`` -1 takes the meaning of a fact back.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chalicelib.arena.bosses import BOSS_ACTIVE, BOSS_DEFEATED
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.ledger import balance_field
from chalicelib.arena.ports import Document
from chalicelib.arena.seasons import Season, season_by_id, still_kept
from chalicelib.arena.standings import standings_after

Increments = dict[str, int]
"""By field path."""


def balance_change(row: Mapping[str, Any], sign: int = 1) -> Increments:
    """What a ledger row does to its player's document."""
    amount = row["amount"] if row["direction"] == "credit" else -row["amount"]
    return {balance_field(row["currency"]): sign * amount}


def standings_change(
    user: Mapping[str, Any], battle: Mapping[str, Any], season: Season, sign: int = 1
) -> tuple[Increments, Sequence[str]]:
    """What a battle of ``season`` does to its player's standings, and the paths of seasons that need not be kept.

    A season that a later battle has let go of does not come back.
    """
    change = standings_after(user, battle, season)
    increments = {path: sign * amount for path, amount in change.increments.items()}
    newest = _newest(user)
    if newest is not None and not still_kept(season, newest):
        increments = {path: amount for path, amount in increments.items() if not path.startswith("seasons.")}
    return increments, change.dropped


def _newest(user: Mapping[str, Any]) -> Season | None:
    kept = user.get("seasons")
    seasons = map(season_by_id, kept if isinstance(kept, Mapping) else ())
    return max((season for season in seasons if season), key=lambda season: season.starts_at, default=None)


def boss_after(boss: Mapping[str, Any], damage: Mapping[str, Any]) -> Document:
    """Fields of a boss after one more damage row."""
    left = max(0, whole_amount(boss.get("currentHp")) - damage["damage"])
    changes: Document = {"currentHp": left}
    if left == 0 and boss.get("status") == BOSS_ACTIVE:
        changes["status"] = BOSS_DEFEATED
    return changes


OWNERS: Final[Mapping[str, str]] = {"ledgerentries": "telegramId", "battles": "ownerTelegramId"}
"""Collections of facts that change a player's document → the field that names the player."""
