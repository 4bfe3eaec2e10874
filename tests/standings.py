"""What players' standings must be, summed up anew from battles."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.arena.seasons import season_at
from chalicelib.arena.standings import ALL, Totals, league_board, realms_of, standings_of

Sums = Mapping[tuple[str | None, str], Totals]
"""By season (None is all-time) and board."""


def summed(battles: Iterable[Mapping[str, Any]], length: str) -> dict[str, dict[tuple[str | None, str], Totals]]:
    """By player: the sums on ``all`` and on the leagues' boards."""
    found: dict[str, dict[tuple[str | None, str], Totals]] = defaultdict(lambda: defaultdict(Totals))
    for battle in battles:
        sums = found[battle["ownerTelegramId"]]
        for season in (None, season_at(battle["createdAt"], length).id):
            for board in (ALL, league_board(battle["league"])):
                sums[season, board] += Totals.of_battle(battle)
    return found


def kept(user: Mapping[str, Any]) -> Sums:
    """What a player's document says, realms aside."""
    seasons = [None, *user.get("seasons", {})]
    standings = standings_of(user, seasons)
    return {(found.season, found.board): found.totals for found in standings if not found.board.startswith("realm:")}


def realm_sums(user: Mapping[str, Any]) -> Sums:
    """What a player's document says of realms they take part in."""
    boards = {f"realm:{key}" for key in realms_of(user)}
    standings = standings_of(user, [None, *user.get("seasons", {})])
    return {(found.season, found.board): found.totals for found in standings if found.board in boards}


def still_held(sums: Sums, user: Mapping[str, Any]) -> Sums:
    """The part of ``sums`` a document still holds: all-time, and the seasons it has a map of."""
    held = user.get("seasons", {})
    return {key: totals for key, totals in sums.items() if key[0] is None or key[0] in held}
