"""From what every rule and target wants to one wish, and from a wish to what the bounds allow.

The guide lets each rule act for itself: one scales out, another in, at the same moment. Here:

- Upward the highest wish wins; a single rule that is above its threshold is reason enough.
- Downward all must agree, and the highest of their wishes is taken. Who holds, cools down or cannot see does not
  agree.
- Never below what is in use. An empty queue does not say that fewer environments would keep it empty; that they were
  all idle does. Not knowing how many are in use forbids scaling in.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.scaling.model import IN_USE, Ceiling, Clamp, Observation, RuleOutcome, ScalingLimits
from chalicelib.scaling.rules import NOISE


@dataclass(frozen=True, slots=True)
class Wish:
    """What all rules and targets together want."""

    desired: int
    reason: str


def arbitrate(outcomes: Sequence[RuleOutcome], current: int) -> Wish:
    """One wish out of many; it lies on the side of ``current`` that its reason says."""
    outs = [outcome for outcome in outcomes if outcome.wish == "out"]
    if outs:
        winner = max(outs, key=lambda outcome: outcome.desired)
        return Wish(winner.desired, f"{winner.rule}: {winner.reason}")
    against = [outcome for outcome in outcomes if outcome.wish != "in"]
    if not against and outcomes:
        winner = max(outcomes, key=lambda outcome: outcome.desired)
        return Wish(winner.desired, f"all agree to scale in, {winner.rule} the least: {winner.reason}")
    blind = [outcome for outcome in against if outcome.wish == "abstain"]
    if len(blind) == len(outcomes):
        return Wish(current, "nothing could be measured; what is there stays")
    names = ", ".join(outcome.rule for outcome in against)
    if len(against) == len(outcomes):
        return Wish(current, f"no rule wants a change ({names})")
    return Wish(current, f"not all agree to scale in: {names} {'does' if len(against) == 1 else 'do'} not")


def keep_in_use(desired: int, observation: Observation) -> tuple[int, tuple[Clamp, ...]]:
    """``desired`` without taking away what is busy."""
    current = observation.requested
    if desired >= current:
        return desired, ()
    seen = observation.read(IN_USE)
    busiest = seen.value("maximum")
    if busiest is None:
        return current, (
            Clamp(name=IN_USE, before=desired, after=current, reason=f"{IN_USE} is missing: {seen.missing}"),
        )
    busy = math.ceil(busiest - NOISE)
    kept = max(desired, min(busy, current))
    if kept == desired:
        return desired, ()
    return kept, (Clamp(name=IN_USE, before=desired, after=kept, reason=f"{busy} were busy at once"),)


def bounds(limits: ScalingLimits, ceilings: Sequence[Ceiling]) -> tuple[Clamp, Clamp]:
    """The lowest and highest capacity allowed, each as a clamp that says whose bound it is.

    A ceiling below the stage's minimum wins: connections that do not exist cannot be used.
    """
    top = Clamp(name="max", before=limits.max, after=limits.max, reason=f"the stage's maximum is {limits.max}")
    lowest = min(ceilings, key=lambda ceiling: ceiling.capacity, default=None)
    if lowest is not None and lowest.capacity < limits.max:
        top = Clamp(name=lowest.name, before=limits.max, after=max(0, lowest.capacity), reason=lowest.reason)
    low = min(limits.min, top.after)
    return Clamp(name="min", before=low, after=low, reason=f"the stage's minimum is {limits.min}"), top


def keep_within(desired: int, low: Clamp, top: Clamp) -> tuple[int, tuple[Clamp, ...]]:
    """``desired`` within ``bounds``."""
    bound = low if desired < low.after else top if desired > top.after else None
    if bound is None:
        return desired, ()
    return bound.after, (Clamp(name=bound.name, before=desired, after=bound.after, reason=bound.reason),)
