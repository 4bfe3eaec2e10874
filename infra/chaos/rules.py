"""The game's facts as a run has them: what operators set for it, and what the checker holds against what is stored.

Written down here by hand, from the game's own rules: the checker must not ask the arena what is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Mode:
    """A game mode of the run."""

    key: str
    arena: str
    energy: int = 1
    cooldown_seconds: int = 1
    war: bool = False

    def wire(self) -> dict[str, Any]:
        """As operators create it."""
        rules = {"requiresGuild": True} if self.war else {}
        costs = {"energyCost": self.energy, "cooldownSeconds": self.cooldown_seconds}
        return {"key": self.key, "name": self.key, "arena": self.arena, "league": "rookie", **costs, "rules": rules}


CAPPED_ARENA: Final = "arbitrage"
MODES: Final = (
    Mode("chaos", "simulation"),
    Mode("chaos-slow", "prediction", energy=2, cooldown_seconds=4),
    Mode("chaos-capped", CAPPED_ARENA),
)
WAR: Final = Mode("chaos-war", "guildWars", energy=1, cooldown_seconds=2, war=True)

STARTER_ENERGY: Final = 10
REPAIRED_ENERGY: Final = 100
STARTER_STAT: Final = 50
STAT_MAX: Final = 100
BATTLES_A_MINUTE: Final = 25
"""Of one player; while the cache is away, at most twice the quota and twice the rate, and one for each environment."""
ENVIRONMENTS_MAX: Final = 10
PRICES: Final[Mapping[str, tuple[str, int]]] = {
    "train": ("NEUR", 25),
    "repair": ("NEUR", 15),
    "upgrade": ("AIBA", 50),
    "combine": ("NEUR", 50),
}
GUILD_SHARE: Final = 0.2
"""Of a war's NEUR."""
CREATOR_BPS: Final = 1000
"""Of that, in ten-thousandths, the guild's owner's."""


def settings(arena_cap: int) -> dict[str, Any]:
    """Of the economy, as operators set them. No energy comes back by itself, so that it can be added up."""
    return {
        "baseRewardNeurPerScore": 1,
        "battleMaxEnergy": 100,
        "battleEnergyRegenSecondsPerEnergy": 86_400,
        "guildCreatorShareBps": CREATOR_BPS,
        "dailyCapAibaByArena": {CAPPED_ARENA: arena_cap},
    }
