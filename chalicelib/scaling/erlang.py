"""How many environments a load needs: Erlang's loss formula, and the newsvendor's choice upon it.

An environment serves one request at a time and a request that finds all provisioned ones busy does not wait: it is
served elsewhere. That is Erlang's loss system. Offered a load of ``a`` (mean arrivals per second times mean seconds of
service; also the mean number busy if there were always enough), ``c`` environments turn away the share B(c, a):
B(0) = 1, B(c) = a B(c-1) / (c + a B(c-1)) (A. K. Erlang, 1917).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

Distribution = Sequence[tuple[float, float]]
"""Loads that may come, each with its probability; probabilities add up to 1."""

STEPS_PER_OCTAVE: Final = 16
"""Loads are rounded to this grid before the formula is evaluated, so that its values can be kept; 2.2 % at most."""
LOAD_MIN: Final = 1e-3
NEGLIGIBLE: Final = 1e-9


@lru_cache(maxsize=512)
def _turned_away(step: int) -> tuple[float, ...]:
    load = 2.0 ** (step / STEPS_PER_OCTAVE)
    shares = [1.0]
    while shares[-1] > NEGLIGIBLE:
        offered = load * shares[-1]
        shares.append(offered / (len(shares) + offered))
    return tuple(shares)


def _step(load: float) -> int:
    return round(STEPS_PER_OCTAVE * math.log2(max(load, LOAD_MIN)))


def blocking(load: float, environments: int) -> float:
    """The share of requests that ``environments`` turn away at (about) this load; 0 without load."""
    if load <= 0:
        return 0.0
    shares = _turned_away(_step(load))
    return shares[environments] if environments < len(shares) else 0.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A distribution as ``environments_for`` asks about it; answers are kept, since it is asked at many prices."""

    parts: Sequence[tuple[float, tuple[float, ...]]]
    """Of each load its probability times itself, and the shares turned away by 0, 1, ... environments."""
    _busy: dict[int, float] = field(default_factory=dict)

    def busy(self, count: int) -> float:
        """For how much of each second the last of ``count`` environments is busy."""
        share = self._busy.get(count)
        if share is None:
            share = 0.0
            for weight, shares in self.parts:
                if count < len(shares):
                    share += weight * (shares[count - 1] - shares[count])
            self._busy[count] = share
        return share


def busiest(distribution: Distribution) -> Prepared:
    """The distribution prepared for ``environments_for``."""
    steps = [(probability, _step(load)) for load, probability in distribution if probability > 0 and load > 0]
    return Prepared(
        [(probability * 2.0 ** (step / STEPS_PER_OCTAVE), _turned_away(step)) for probability, step in steps]
    )


def environments_for(prepared: Prepared, *, price: float, low: int, high: int) -> int:
    """The number of environments from which one more is no longer worth its keep.

    The last of ``c`` environments is busy for ``sum p a (B(c-1, a) - B(c, a))`` seconds of each second: the load that
    would be turned away without it. It is kept while that share is at least ``price``. B is convex in c, so the
    share falls with each environment and the answer is the best of all numbers in ``low`` to ``high``.
    """
    busy = prepared.busy
    if busy(low + 1) < price:
        return low
    kept, stride = low + 1, 1
    while kept + stride <= high and busy(kept + stride) >= price:
        kept, stride = kept + stride, stride * 2
    refused = min(kept + stride, high + 1)
    while refused - kept > 1:
        middle = (kept + refused) // 2
        if busy(middle) >= price:
            kept = middle
        else:
            refused = middle
    return min(kept, high)
