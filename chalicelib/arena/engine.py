"""The battle engine: one battle is a pure function of a broker, a seed and a mode's rules.

Bit-exact with the running game (tests/vectors/battle.jsonl): arithmetic is on IEEE doubles and the
order of every multiplication is part of the contract.
"""

import hashlib
import hmac
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.jsnumber import clamp, clamp_whole, is_json_number, js_round, to_number
from chalicelib.arena.jstext import well_formed
from chalicelib.arena.stats import STATS

LEVEL_MAX: Final = 10_000
LEVEL_BONUS_PER_LEVEL: Final = 0.02
LEVEL_BONUS_MAX: Final = 0.5
VARIANCE_BASE: Final = 30
GUILD_BONUS_PER_BROKER: Final = 3
GUILD_BONUS_MAX: Final = 15

LEAGUE_MULTIPLIERS: Final[Mapping[str, float]] = {"elite": 1.2, "pro": 1.1}
"""Any other league counts 1.0. Names are case-sensitive."""

_DEFAULT_WEIGHTS: Final = (0.5, 0.3, 0.2)
ARENA_WEIGHTS: Final[Mapping[str, tuple[float, float, float]]] = {
    "prediction": (0.7, 0.2, 0.1),
    "simulation": _DEFAULT_WEIGHTS,
    "strategyWars": (0.6, 0.1, 0.3),
    "guildWars": (0.4, 0.3, 0.3),
    "arbitrage": _DEFAULT_WEIGHTS,
}
"""Weights of intelligence, speed and risk; an unknown arena counts as arbitrage."""

_UINT32: Final = 0xFFFFFFFF
_TWO_TO_32: Final = 4294967296.0


@dataclass(frozen=True, slots=True)
class Seed:
    """What a battle's chance comes from: provable afterwards by whoever knows the secret."""

    hex: str
    """HMAC-SHA256 of the seed message, 64 lower-case hex digits; stored on the battle."""

    @property
    def value(self) -> int:
        """The generator's seed: the first eight hex digits as an unsigned 32-bit integer."""
        return int(self.hex[:8], 16)


def seed_message(
    *, telegram_id: str, broker_id: str, mode_key: str, arena: str, league: str, request_id: str, opponent_id: str = ""
) -> str:
    """The seven fields a seed commits to, joined by colons without escaping."""
    return ":".join((telegram_id, broker_id, mode_key, arena, league, request_id, opponent_id))


def battle_seed(
    secret: str,
    *,
    telegram_id: str,
    broker_id: str,
    mode_key: str,
    arena: str,
    league: str,
    request_id: str,
    opponent_id: str = "",
) -> Seed:
    """The seed of one battle.

    ``mode_key``, ``arena`` and ``league`` are the resolved mode's; ``broker_id`` is the text as the client sent it;
    ``opponent_id`` is the opposing guild's id, empty without one. Raises ValueError when ``secret`` is empty: a seed
    anyone can compute lets players choose their luck.
    """
    if not secret:
        raise ValueError("the battle seed secret is empty")
    message = seed_message(
        telegram_id=telegram_id,
        broker_id=broker_id,
        mode_key=mode_key,
        arena=arena,
        league=league,
        request_id=request_id,
        opponent_id=opponent_id,
    )
    return Seed(hmac.new(well_formed(secret).encode(), well_formed(message).encode(), hashlib.sha256).hexdigest())


def mulberry32(seed: int) -> Iterator[int]:
    """Endless unsigned 32-bit outputs of the mulberry32 generator started from ``seed`` (taken modulo 2**32)."""
    state = seed & _UINT32
    while True:
        state = (state + 0x6D2B79F5) & _UINT32
        t = ((state ^ (state >> 15)) * (state | 1)) & _UINT32
        t = ((t + ((t ^ (t >> 7)) * (t | 61))) & _UINT32) ^ t
        yield t ^ (t >> 14)


def simulate_battle(
    broker: Mapping[str, Any], seed: int, arena: str, league: str, rules: Mapping[str, Any] | None = None
) -> int:
    """The score (>= 0) of ``broker`` (intelligence, speed, risk, level) for ``seed``, an unsigned 32-bit integer.

    ``rules`` are the mode's: leagueMultiplier and varianceBase count when they are JSON numbers, arenaWeights when it
    is an object. A stat that is no number counts 0. Rules so extreme that the score overflows a double score 0.
    """
    rules = rules or {}
    intelligence, speed, risk = (clamp(to_number(broker.get(stat)) / 100, 0.0, 1.0) for stat in STATS)
    weight_intelligence, weight_speed, weight_risk = _weights(arena, rules)
    league_multiplier = _league_multiplier(league, rules)
    level_multiplier = _level_multiplier(broker.get("level"))

    base = (
        100
        * league_multiplier
        * level_multiplier
        * (weight_intelligence * intelligence + weight_speed * speed + weight_risk * risk)
    )
    variance = _variance_base(rules) * league_multiplier * (0.2 + risk)
    noise = (next(mulberry32(seed)) / _TWO_TO_32 - 0.5) * 2 * variance
    return _score(base + noise)


def guild_adjusted_score(score: int, own_pool: int, opponent_pool: int) -> int:
    """``score`` in a guild war: 3 points per broker of pool advantage (or disadvantage), at most 15 either way."""
    bonus = clamp((own_pool - opponent_pool) * GUILD_BONUS_PER_BROKER, -GUILD_BONUS_MAX, GUILD_BONUS_MAX)
    return _score(score + bonus)


def broker_level(level: object) -> int:
    """A stored level as the game counts it: 1..10000, and 1 for anything that is no finite number."""
    return clamp_whole(level, 1, LEVEL_MAX)


def _score(raw: float) -> int:
    return max(0, js_round(raw)) if math.isfinite(raw) else 0


def _level_multiplier(level: object) -> float:
    return 1 + min(LEVEL_BONUS_MAX, max(0, broker_level(level) - 1) * LEVEL_BONUS_PER_LEVEL)


def _league_multiplier(league: str, rules: Mapping[str, Any]) -> float:
    override = rules.get("leagueMultiplier")
    if is_json_number(override):
        return float(override) or 1.0
    return LEAGUE_MULTIPLIERS.get(league, 1.0)


def _variance_base(rules: Mapping[str, Any]) -> float:
    override = rules.get("varianceBase")
    return float(override) if is_json_number(override) else float(VARIANCE_BASE)


def _weights(arena: str, rules: Mapping[str, Any]) -> tuple[float, ...]:
    weights = ARENA_WEIGHTS.get(arena, _DEFAULT_WEIGHTS)
    overrides = rules.get("arenaWeights")
    if not isinstance(overrides, Mapping):
        return weights
    return tuple(
        to_number(overrides[stat]) if stat in overrides else weight for stat, weight in zip(STATS, weights, strict=True)
    )
