"""A player's standings: the sums of their battles, kept on the player's document. Pure.

::

    totals.<board>.{score, aiba, neur, battles}              since the beginning
    seasons.<season>.<board>.{score, aiba, neur, battles}    the season of the latest battle, and ``seasons_kept``
    standingsAt                                              time of the battle that changed them last

They change in the transaction of the battle that counts, so they always equal the sums over ``battles``.
A *board* is ``all``, ``league:<league>`` or ``realm:<key>``. In field names a board is escaped, because there a
full stop leads into a subdocument.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.seasons import Season, season_by_id, still_kept

ALL: Final = "all"
METRICS: Final = ("score", "aiba", "neur", "battles")
"""What a board may be ordered by."""

REALMS_MAX: Final = 32
"""Realm boards a battle counts on, by key: bounds the player's document and the cost of a battle."""

_ESCAPED: Final = {"%": "%25", ".": "%2E", "$": "%24", "|": "%7C", "\0": "%00"}
_ESCAPES: Final = str.maketrans(_ESCAPED)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over battles."""

    score: int = 0
    aiba: int = 0
    neur: int = 0
    battles: int = 0

    @classmethod
    def read(cls, stored: object) -> "Totals":
        """From a document's map; what is missing or no number counts as 0."""
        fields = stored if isinstance(stored, Mapping) else {}
        return cls(**{metric: whole_amount(fields.get(metric)) for metric in METRICS})

    @classmethod
    def of_battle(cls, battle: Mapping[str, Any]) -> "Totals":
        return cls(
            score=whole_amount(battle.get("score")),
            aiba=whole_amount(battle.get("rewardAiba")),
            neur=whole_amount(battle.get("rewardNeur")),
            battles=1,
        )

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(self.by(metric) + other.by(metric) for metric in METRICS))

    def by(self, metric: str) -> int:
        """One of the sums. ``metric`` is one of ``METRICS``."""
        value: int = getattr(self, metric)
        return value

    def fields(self) -> dict[str, int]:
        """As stored."""
        return {metric: self.by(metric) for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Standing:
    """A player's sums on one board, of one season (its id) or since the beginning (None)."""

    season: str | None
    board: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class StandingsChange:
    """What one battle changes on the player's document, and where it leads."""

    increments: Mapping[str, int]
    """By field path. Zeros are there too: the fields must come to exist."""
    dropped: Sequence[str]
    """Paths of seasons no longer kept."""
    standings: Sequence[Standing]
    """Every standing that changed, as it then is."""


def league_board(league: str) -> str:
    return f"league:{league}"


def realm_board(key: str) -> str:
    return f"realm:{key}"


def escaped(board: str) -> str:
    """``board`` as part of a field path or a key."""
    return board.translate(_ESCAPES)


def unescaped(name: str) -> str:
    """The board that ``escaped`` made ``name`` of."""
    for plain, escape in reversed(_ESCAPED.items()):
        name = name.replace(escape, plain)
    return name


def path_of(season: str | None, board: str) -> str:
    """Where a player's document holds the sums of ``board``."""
    scope = "totals" if season is None else f"seasons.{season}"
    return f"{scope}.{escaped(board)}"


def realms_of(user: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys of the realms a player takes part in: those they have progress in, the first ``REALMS_MAX`` by key."""
    progress = user.get("realmProgress")
    return tuple(sorted(map(str, progress))[:REALMS_MAX]) if isinstance(progress, Mapping) else ()


def standings_after(user: Mapping[str, Any], battle: Mapping[str, Any], season: Season) -> StandingsChange:
    """How ``battle``, fought in ``season``, changes the standings of ``user``.

    A realm compares its players by all their battles, those before they came included.
    """
    gained = Totals.of_battle(battle)
    standings: list[Standing] = []
    increments: dict[str, int] = {}
    league = league_board(str(battle["league"]))
    realms = [realm_board(key) for key in realms_of(user)]
    for scope in (None, season.id):
        before = {board: stored_totals(user, scope, board) for board in (ALL, league, *realms)}
        overall = before[ALL] + gained
        after = {ALL: overall, league: before[league] + gained} | dict.fromkeys(realms, overall)
        for board, totals in after.items():
            path, earlier = path_of(scope, board), before[board]
            increments |= {f"{path}.{metric}": totals.by(metric) - earlier.by(metric) for metric in METRICS}
            standings.append(Standing(scope, board, totals))
    kept = user.get("seasons")
    held = list(kept) if isinstance(kept, Mapping) else []
    keeps = seasons_kept(held, season)
    return StandingsChange(increments, tuple(f"seasons.{name}" for name in held if name not in keeps), tuple(standings))


def stored_totals(user: Mapping[str, Any], season: str | None, board: str) -> Totals:
    """The sums a player's document holds; zeros where it holds none."""
    found: Any = user
    for name in path_of(season, board).split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return Totals.read(found)


def standings_of(user: Mapping[str, Any], seasons: Iterable[str | None]) -> list[Standing]:
    """Every standing on a player's document, of ``seasons`` (None is all-time)."""
    found = []
    for season in seasons:
        kept = user.get("seasons")
        boards = user.get("totals") if season is None else kept.get(season) if isinstance(kept, Mapping) else None
        if isinstance(boards, Mapping):
            found += [Standing(season, unescaped(name), Totals.read(stored)) for name, stored in boards.items()]
    return found


def seasons_kept(season_ids: Iterable[str], current: Season) -> list[str]:
    """Those of ``season_ids`` that stay on a player's document in ``current``: they may still have to be archived."""
    seasons = ((name, season_by_id(name)) for name in season_ids)
    return [name for name, season in seasons if season is not None and still_kept(season, current)]
