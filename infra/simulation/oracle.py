"""The clairvoyant: the cheapest schedule there is, knowing every arrival.

Its objective is the one the predictive policy's knob states: what the bill says (cold starts left out, they are rare
in its schedules), plus ``worth`` for each request that no provisioned environment serves. Within the model (the same
delay until more is ready, paid for while it is prepared; the same steps of a tick; the same bounds) the schedule is
optimal up to one approximation: a request that found no free provisioned environment is taken to have occupied its
place until it ended although more became ready meanwhile, so the schedule may be dearer than the best by what one
service time at a step is worth.

How: let every request take the lowest-numbered free place of unboundedly many. Then a fleet of ``c`` serves exactly
the requests in places 1 to c, for every ``c`` at once, so one pass gives the requests that spill in each tick at each
capacity. The rest is a shortest path over (tick, capacity) in which going up costs the preparation.
"""

import math
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.scaling.model import Observation, ScalingDecision, ScalingLimits, State, action_of
from infra.simulation.lambda_model import TICK_SECONDS, LambdaModel
from infra.simulation.traces import Arrivals

Table = NDArray[np.float64]
"""[tick, capacity - min]."""


def places(arrivals: Arrivals) -> NDArray[np.int32]:
    """The place, from 1, that each request takes when all are free to take the lowest."""
    taken = np.empty(len(arrivals.at), dtype=np.int32)
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    opened = 0
    chunk = 200_000
    for start in range(0, len(taken), chunk):
        found = []
        piece = slice(start, start + chunk)
        for at, service in zip(arrivals.at[piece].tolist(), arrivals.service[piece].tolist(), strict=True):
            while busy and busy[0][0] <= at:
                heappush(free, heappop(busy)[1])
            if free:
                place = heappop(free)
            else:
                opened += 1
                place = opened
            found.append(place)
            heappush(busy, (at + service, place))
        taken[piece] = found
    return taken


def spill_costs(arrivals: Arrivals, model: LambdaModel, limits: ScalingLimits, worth: float) -> Table:
    """USD that the requests beyond each capacity cost in each tick, over what they cost within it."""
    taken = places(arrivals)
    highest = min(limits.max, max(limits.min, int(taken.max(initial=limits.min))))
    ticks = len(arrivals.ticks) - 1
    surcharge = model.prices.on_demand_duration_gb_second - model.prices.provisioned_duration_gb_second
    value = worth + model.memory_gb * surcharge * arrivals.service
    tick = np.repeat(np.arange(ticks), np.diff(arrivals.ticks))
    width = highest - limits.min + 1
    column = np.clip(taken - limits.min, 0, width)
    sums = np.bincount(tick * (width + 1) + column, weights=value, minlength=ticks * (width + 1))
    beyond = sums.reshape(ticks, width + 1)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return beyond[:, 1:]


def best_schedule(arrivals: Arrivals, model: LambdaModel, limits: ScalingLimits, worth: float) -> list[int]:
    """Ready capacity in each tick."""
    costs = spill_costs(arrivals, model, limits, worth)
    ticks, width = costs.shape
    capacity = np.arange(limits.min, limits.min + width, dtype=np.float64)
    costs = costs + model.environment_second * TICK_SECONDS * capacity
    rise = model.environment_second * model.prepare_seconds * capacity
    numbers = np.arange(width)
    came_from = np.empty((ticks, width), dtype=np.int32)
    best = np.full(width, np.inf)
    best[0] = 0.0
    for tick in range(ticks):
        below, from_below = _running_min(best - rise, numbers)
        above, from_above = _running_min(best[::-1], numbers[::-1])
        up, down = below + rise, above[::-1]
        came_from[tick] = np.where(down <= up, from_above[::-1], from_below)
        best = np.minimum(down, up) + costs[tick]
    at = int(best.argmin())
    schedule = []
    for tick in range(ticks - 1, -1, -1):
        schedule.append(at + limits.min)
        at = int(came_from[tick, at])
    return schedule[::-1]


def _running_min(values: Table, numbers: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
    lowest = np.minimum.accumulate(values)
    fresh = np.empty(len(values), dtype=bool)
    fresh[0] = True
    fresh[1:] = values[1:] < lowest[:-1]
    position = np.maximum.accumulate(np.where(fresh, np.arange(len(values)), 0))
    return lowest, numbers[position]


class Oracle:
    """Asks for what the schedule has, as early as it takes to be ready."""

    name = "oracle"

    def __init__(self, schedule: list[int], model: LambdaModel, worth_seconds: float) -> None:
        self._schedule, self._worth = schedule, worth_seconds
        self._ahead = math.ceil(model.prepare_seconds / TICK_SECONDS)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """The price it minimises with; the schedule itself belongs to one trace."""
        return {"worth_seconds": self._worth}

    def decide(self, state: State, observation: Observation, now: float) -> tuple[ScalingDecision, State]:
        """The most that is scheduled from now until what is asked for now is ready. State: the tick."""
        tick, current = int(state or 0), observation.requested
        desired = max(self._schedule[tick : tick + self._ahead + 1], default=current)
        decision = ScalingDecision(
            policy=self.name,
            at=now,
            current=current,
            desired=desired,
            action=action_of(current, desired),
            reason=f"{desired} are scheduled for the next {self._ahead * TICK_SECONDS} s",
        )
        return decision, tick + 1
