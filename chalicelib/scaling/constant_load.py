"""A fleet under a load that never changes, and a policy run against it until it settles or repeats itself.

The load is stated so that it does not depend on the capacity: of a mean, the sum over all environments; of a backlog,
how many environments keep up with it. What an environment sees is then arithmetic:

    mean = sum / capacity        backlog = growing while capacity < needed, else empty

A growing backlog shows as far above every threshold; that it grows means that every environment is busy. Capacity
asked for is ready at the next evaluation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from chalicelib.scaling.model import IN_USE, Ceiling, Observation, ScalingDecision, State, reading

GROWING: Final = 1e9
"""A backlog's length while it grows: above any threshold there is."""

EVALUATIONS_MAX: Final = 5_000
"""A run that neither settles nor repeats itself by then is an error in the policy: its state grows."""


@dataclass(frozen=True, slots=True)
class ConstantLoad:
    """What there is to do, always the same."""

    sums: Mapping[str, float] = field(default_factory=dict)
    """By metric of kind mean: its sum over all environments."""
    needed: Mapping[str, int] = field(default_factory=dict)
    """By metric of kind backlog: fewest environments that keep up."""
    ceiling: int | None = None
    """What something outside the rules bounds the capacity to, a connection budget say; constant like the load."""

    def observe(self, capacity: int, at: float) -> Observation:
        """What is seen with ``capacity`` ready environments, at least 1."""
        metrics = {name: reading(total / capacity, at, instances=capacity) for name, total in self.sums.items()}
        for name, needed in self.needed.items():
            metrics[name] = reading(GROWING if capacity < needed else 0.0, at)
        busy = max((min(needed, capacity) for needed in self.needed.values()), default=0)
        metrics[IN_USE] = reading(float(busy), at)
        ceilings = () if self.ceiling is None else (Ceiling("budget", self.ceiling, f"a budget for {self.ceiling}"),)
        return Observation(at=at, requested=capacity, ready=capacity, metrics=metrics, ceilings=ceilings)


class Settling(Protocol):
    """A policy whose state can be compared at different times."""

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """As ``Policy.decide``."""

    def aged(self, state: State, now: float) -> object:
        """The state with ages instead of times: equal, and hashable, where the future is the same."""


@dataclass(frozen=True, slots=True)
class Run:
    """A policy's decisions under a constant load."""

    decisions: tuple[ScalingDecision, ...]
    """From the start to the first repetition."""
    repeats_from: int
    """The decision that the future repeats for ever, with all that follow it."""

    @property
    def cycle(self) -> tuple[int, ...]:
        """The capacities passed through for ever, each once, in order; a single one when it settles."""
        passed = [decision.current for decision in self.decisions[self.repeats_from :]]
        moves = [now for before, now in zip([passed[-1], *passed], passed, strict=False) if now != before]
        return tuple(moves or passed[:1])

    @property
    def settles(self) -> bool:
        """Whether the capacity stops changing."""
        return len(self.cycle) == 1


def run(policy: Settling, load: ConstantLoad, start: int, every_seconds: int) -> Run:
    """``policy`` from ``start`` without a past, evaluated every so often, until its future is known."""
    state: State = None
    capacity, now = start, 0.0
    decisions: list[ScalingDecision] = []
    seen: dict[object, int] = {}
    for number in range(EVALUATIONS_MAX):
        key = (capacity, policy.aged(state, now))
        if key in seen:
            return Run(tuple(decisions), seen[key])
        seen[key] = number
        decision, state = policy.decide(state, load.observe(capacity, now), now)
        decisions.append(decision)
        capacity, now = decision.desired, now + every_seconds
    raise RuntimeError(f"no repetition within {EVALUATIONS_MAX} evaluations of {load} from {start}")
