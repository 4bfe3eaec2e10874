"""Synthetic traffic, one family per shape: nothing of it is taken from a recorded trace."""

import math
import random
from collections.abc import Callable

from infra.simulation.traces import Trace

HOURS = 10
MINUTES = 60 * HOURS


def _poisson(draw: random.Random, mean: float) -> int:
    """By the normal approximation above 50, by counting exponential gaps below."""
    if mean > 50:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    count, gap = 0, draw.expovariate(1.0)
    while gap < mean:
        count, gap = count + 1, gap + draw.expovariate(1.0)
    return count


def _family(name: str, rate: Callable[[int, random.Random], float], seed: int) -> Trace:
    draw = random.Random(f"{name}:{seed}")
    return Trace(name, tuple(_poisson(draw, rate(minute, draw)) for minute in range(MINUTES)))


def _step(minute: int, _: random.Random) -> float:
    return 200.0 if minute // 100 % 2 else 60.0


def _ramp(minute: int, _: random.Random) -> float:
    return 40.0 + 500.0 * abs(1.0 - minute % 300 / 150.0)


def _sine(minute: int, draw: random.Random) -> float:
    return 250.0 * (1.1 + math.sin(2 * math.pi * minute / 300.0)) * math.exp(draw.gauss(0.0, 0.1))


def _bursts(minute: int, _: random.Random) -> float:
    return 900.0 if minute % 173 < 12 else 60.0


def _comb(minute: int, _: random.Random) -> float:
    return 600.0 if minute % 15 == 0 else 120.0


def _near_idle(minute: int, _: random.Random) -> float:
    return 3.0 if minute % 120 > 20 else 25.0


FAMILIES: dict[str, Callable[[int, random.Random], float]] = {
    "step": _step,
    "ramp": _ramp,
    "sine": _sine,
    "bursts": _bursts,
    "comb": _comb,
    "near_idle": _near_idle,
}


def family(name: str, seed: int = 1) -> Trace:
    """Ten hours of it."""
    return _family(name, FAMILIES[name], seed)
