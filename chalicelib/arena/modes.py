"""Game modes: what a battle costs, who may fight it and the rules it is scored by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.economy_config import config_value, max_energy
from chalicelib.arena.jsnumber import clamp_whole, to_number
from chalicelib.arena.mode_limits import COOLDOWN_LIMIT_SECONDS, ENTRY_COST_LIMIT

GUILD_ARENA: Final = "guildWars"
ARENAS: Final = ("prediction", "simulation", "strategyWars", GUILD_ARENA, "arbitrage")

_GUILD_EXTRA_ENERGY: Final = 5
_GUILD_EXTRA_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class League:
    """What a league asks by default."""

    name: str
    energy_cost: int
    cooldown_seconds: int
    min_broker_level: int


LEAGUES: Final = (League("rookie", 10, 30, 1), League("pro", 15, 45, 5), League("elite", 20, 60, 10))
_LEAGUE_BY_NAME: Final[Mapping[str, League]] = {league.name: league for league in LEAGUES}


def mode_key(arena: str, league: str) -> str:
    """The key of a default mode: the arena for rookies, ``arena-league`` above."""
    return arena if league == "rookie" else f"{arena}-{league}"


def _default_mode(arena: str, league: League) -> Mapping[str, Any]:
    guild = arena == GUILD_ARENA
    return {
        "key": mode_key(arena, league.name),
        "name": f"{arena} ({league.name})",
        "description": "Auto-generated default game mode",
        "enabled": True,
        "arena": arena,
        "league": league.name,
        "energyCost": league.energy_cost + (_GUILD_EXTRA_ENERGY if guild else 0),
        "cooldownSeconds": league.cooldown_seconds + (_GUILD_EXTRA_SECONDS if guild else 0),
        "entryNeurCost": 0,
        "entryAibaCost": 0,
        "rewardMultiplierAiba": 1,
        "rewardMultiplierNeur": 1,
        "rules": {"requiresGuild": True} if guild else {},
    }


DEFAULT_MODES: Final[tuple[Mapping[str, Any], ...]] = tuple(
    _default_mode(arena, league) for arena in ARENAS for league in LEAGUES
)
"""Inserted where missing, never overwriting an operator's."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A gamemodes document, read and clamped."""

    key: str
    arena: str
    league: str
    enabled: bool
    energy_cost: int
    """0..the configured maximum energy."""
    cooldown_seconds: int
    """0..86400."""
    entry_neur_cost: int
    """0..1e9."""
    entry_aiba_cost: int
    """0..1e9."""
    rules: Mapping[str, Any]
    document: Mapping[str, Any]
    """As stored; the reward multipliers are read from it."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any], config: Mapping[str, Any]) -> "Mode":
        """Reads a gamemodes document; ``config`` is the economyconfigs document."""
        cost = document.get("energyCost")
        cooldown = document.get("cooldownSeconds")
        league = document.get("league")
        rules = document.get("rules")
        return cls(
            key=_text(document.get("key")),
            arena=_text(document.get("arena")),
            league="rookie" if league is None else _text(league),
            enabled=document.get("enabled") is not False,
            energy_cost=clamp_whole(
                config_value(config, "battleEnergyCost") if cost is None else cost, 0, max_energy(config)
            ),
            cooldown_seconds=clamp_whole(
                LEAGUES[0].cooldown_seconds if cooldown is None else cooldown, 0, COOLDOWN_LIMIT_SECONDS
            ),
            entry_neur_cost=clamp_whole(document.get("entryNeurCost"), 0, ENTRY_COST_LIMIT),
            entry_aiba_cost=clamp_whole(document.get("entryAibaCost"), 0, ENTRY_COST_LIMIT),
            rules=rules if isinstance(rules, Mapping) else {},
            document=document,
        )

    @property
    def requires_guild(self) -> bool:
        """Whether only members of an active guild may fight it."""
        return bool(self.rules.get("requiresGuild")) or self.arena == GUILD_ARENA

    @property
    def min_broker_level(self) -> float:
        """The level a broker needs: the rules' own, else the league's; 1 in a league nobody defined."""
        override = self.rules.get("minBrokerLevel")
        level = to_number(override)
        if override is not None and not math.isnan(level):
            return level
        league = _LEAGUE_BY_NAME.get(self.league)
        return league.min_broker_level if league else 1


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
