"""Where a player's money is spent: at the player's home region, and nowhere else. Pure.

Two regions that let one balance be spent could let it be spent twice. So each player has a home, ``_home.region`` of
their document, and who has none belongs to the first region: nobody ever guesses. Another region may serve for a home
that has failed (``Homes.serving``). docs/decisions/0019-replication.md has the protocols.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from chalicelib.errors import ArenaError, Unavailable

FIELD: Final = "_home"
"""Of a player's document: ``{region, epoch, proof}``, written by the home the player leaves."""
ARRIVED: Final = "_homeArrived"
"""The epoch of the last move that whoever served then had everything of."""


class NotHome(ArenaError):
    """Somebody else's to decide: ``details`` is ``{"home": region}``."""

    status: ClassVar[int] = 421

    def __init__(self, region: str) -> None:
        super().__init__("not_home", f"this player is served by {region}", details={"home": region})
        self.region = region


class HomeMoving(Unavailable):
    """On the way here: what the old home knew has not all arrived yet."""

    def __init__(self, telegram_id: str) -> None:
        super().__init__("home_moving", "the player is moving here", retry_after_seconds=1)
        self.telegram_id = telegram_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Homes:
    """Who serves whom, as known at a moment."""

    region: str
    """This one."""
    first: str
    """The home of players who have none."""
    serving: Mapping[str, str | None]
    """Home → the region that serves its players now; None while nobody may."""

    def home_of(self, user: Mapping[str, Any] | None) -> str:
        """The home region of a player's document (None = not known here yet)."""
        home = (user or {}).get(FIELD)
        return str(home["region"]) if isinstance(home, Mapping) else self.first

    def require(self, user: Mapping[str, Any] | None) -> None:
        """Raises ``NotHome``, ``HomeMoving``, or ``Unavailable("home_unavailable")`` unless this region decides."""
        home = self.home_of(user)
        serving = self.serving.get(home)
        if serving is None:
            raise Unavailable("home_unavailable", f"nobody serves the players of {home} right now")
        if serving != self.region:
            raise NotHome(serving)
        # Of whoever serves for a failed home, too: once they have spent, the proof can't be met any more.
        if not has_arrived(user):
            raise HomeMoving(str((user or {}).get("telegramId", "")))


def alone(region: str) -> Homes:
    """Where there is one region only."""
    return Homes(region=region, first=region, serving={region: region})


def has_arrived(user: Mapping[str, Any] | None) -> bool:
    """Whether all that the old home knew is here, where the player has moved at all."""
    home = (user or {}).get(FIELD)
    return not isinstance(home, Mapping) or (user or {}).get(ARRIVED) == home["epoch"]


HomesOf = Callable[[Sequence[Mapping[str, Any]]], Homes]
"""From the documents of ``regions`` that a decision has read in its own snapshot."""
