"""Runs a policy against arrivals in the model of Lambda: request by request, deterministic."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from chalicelib.scaling.model import (
    ARRIVALS,
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    IN_USE,
    MEMORY_USAGE,
    OFFERED_LOAD,
    REQUEST_RATE,
    SPILLOVER,
    Observation,
    Point,
    Policy,
    Reading,
    ScalingLimits,
    action_of,
    missing,
)
from chalicelib.scaling.target_tracking import UTILIZATION
from infra.simulation.fleet import Fleet, Provisioned
from infra.simulation.lambda_model import TICK_SECONDS, TICKS_PER_MINUTE, LambdaModel
from infra.simulation.run import Minute, Run
from infra.simulation.traces import Arrivals

EPOCH = 1_700_006_400.0
"""Where minute 0 lies, seconds since the Unix epoch: a midnight UTC."""

MEMORY_WHEN_SERVING_PERCENT = 30.0
"""Memory of an environment in use, per cent: constant, and low enough to let the guide's rules scale in."""


Watcher = Callable[[int, int], None]
"""Told (minute, minutes) as a run proceeds."""


class Simulation:
    """One policy on one trace's arrivals."""

    def __init__(
        self,
        arrivals: Arrivals,
        policy: Policy,
        *,
        trace: str,
        model: LambdaModel,
        limits: ScalingLimits,
        keep_decisions: bool = False,
    ) -> None:
        self._arrivals, self._policy, self._model, self._limits = arrivals, policy, model, limits
        self._keep = keep_decisions
        self._capacity = Provisioned(model, limits.min)
        self._fleet = Fleet(model)
        self._run = Run(trace, policy.name, [])
        self._load = _offered_load(arrivals)
        self._shared: deque[tuple[float, dict[str, float]]] = deque()
        self._alarm: deque[tuple[float, float, Point | None]] = deque()
        self._state: Any = None
        self._last = 0

    def run(self, watch: Watcher = lambda _done, _all: None) -> Run:
        """All of it."""
        run, capacity, fleet, model = self._run, self._capacity, self._fleet, self._model
        environment_seconds = 0.0
        for number in range(self._arrivals.minutes):
            minute, spilled, cold = Minute(), fleet.spilled, fleet.cold
            seen, requests = 0.0, 0
            for tick in range(number * TICKS_PER_MINUTE, (number + 1) * TICKS_PER_MINUTE):
                self._decide(tick * TICK_SECONDS)
                used, count = self._tick(tick, minute)
                seen += used
                requests += count
                minute.requested += capacity.requested / TICKS_PER_MINUTE
                minute.ready += capacity.ready / TICKS_PER_MINUTE
                environment_seconds += capacity.requested * TICK_SECONDS
            end = EPOCH + 60.0 * (number + 1)
            self._alarm.append(
                (end + model.metric_delay_seconds, end, Point(end, seen / requests) if requests else None)
            )
            minute.requests, minute.spilled, minute.cold = requests, fleet.spilled - spilled, fleet.cold - cold
            run.minutes.append(minute)
            watch(number + 1, self._arrivals.minutes)
        run.cost_usd = self._cost(environment_seconds)
        return run

    def _cost(self, environment_seconds: float) -> float:
        prices, gb = self._model.prices, self._model.memory_gb
        return (
            environment_seconds * gb * prices.provisioned_gb_second
            + self._fleet.provisioned_seconds * gb * prices.provisioned_duration_gb_second
            + self._fleet.on_demand_seconds * gb * prices.on_demand_duration_gb_second
            + self._run.requests * prices.request
        )

    def _tick(self, tick: int, minute: Minute) -> tuple[float, int]:
        """Serves one tick; returns the sum of utilizations seen by its requests, and their number."""
        first, last = int(self._arrivals.ticks[tick]), int(self._arrivals.ticks[tick + 1])
        arrivals, services = self._arrivals.at[first:last].tolist(), self._arrivals.service[first:last].tolist()
        start, end = float(tick * TICK_SECONDS), float((tick + 1) * TICK_SECONDS)
        fleet, capacity = self._fleet, self._capacity
        fleet.peak = 0
        spilled, seen, done = fleet.spilled, 0.0, 0
        while done < len(arrivals) or start < end:
            until = capacity.next_change(end)
            here = len(arrivals) if until >= end else _count_before(arrivals, until, done)
            if here > done:
                seen += fleet.serve(arrivals[done:here], services[done:here], capacity.ready) / capacity.ready
            done, start = here, until
            capacity.arrive(until)
        count = last - first
        minute.peak = max(minute.peak, fleet.peak)
        rate = count / TICK_SECONDS
        share = min(1.0, self._load[tick] / capacity.ready)
        self._shared.append(
            (
                EPOCH + end + self._model.shared_delay_seconds,
                {
                    ARRIVALS: rate,
                    OFFERED_LOAD: self._load[tick],
                    SPILLOVER: (fleet.spilled - spilled) / TICK_SECONDS,
                    IN_USE: float(fleet.peak),
                    CPU_USAGE: 100.0 * share,
                    REQUEST_RATE: rate / capacity.ready,
                    MEMORY_USAGE: MEMORY_WHEN_SERVING_PERCENT,
                    BATTLE_QUEUE_LENGTH: 0.0,
                },
            )
        )
        return seen, count

    def _decide(self, second: float) -> None:
        now = EPOCH + second
        seen = self._observe(now)
        self._capacity.arrive(second)
        observation = Observation(at=now, requested=self._capacity.requested, ready=self._capacity.ready, metrics=seen)
        decision, self._state = self._policy.decide(self._state, observation, now)
        if self._keep:
            self._run.decisions.append(decision)
        desired = max(self._limits.min, min(self._limits.max, decision.desired))
        action = action_of(self._capacity.requested, desired)
        if action == "hold":
            return
        direction = 1 if action == "out" else -1
        self._run.actions += 1
        self._run.reversals += self._last == -direction
        self._last = direction
        self._capacity.ask(desired, second)

    def _observe(self, now: float) -> Mapping[str, Reading]:
        points: dict[str, list[Point]] = {}
        while self._shared and self._shared[0][0] <= now:
            at, values = self._shared.popleft()
            for name, value in values.items():
                points.setdefault(name, []).append(Point(at - self._model.shared_delay_seconds, value))
        metrics = {
            name: Reading(points=tuple(values), instances=self._capacity.ready if name in _MEANS else None)
            for name, values in points.items()
        }
        while self._alarm and self._alarm[0][0] <= now:
            _, end, point = self._alarm.popleft()
            metrics[UTILIZATION] = Reading(points=(point,)) if point else missing(f"no invocation until {end:.0f}")
        return metrics


_MEANS = frozenset({CPU_USAGE, MEMORY_USAGE, REQUEST_RATE})


def _offered_load(arrivals: Arrivals) -> list[float]:
    """Busy seconds that each tick's requests bring, per second."""
    total = arrivals.service.cumsum()
    ends = [0.0 if last == 0 else float(total[last - 1]) for last in arrivals.ticks.tolist()]
    return [(after - before) / TICK_SECONDS for before, after in pairwise(ends)]


def _count_before(arrivals: list[float], moment: float, start: int) -> int:
    index = start
    while index < len(arrivals) and arrivals[index] < moment:
        index += 1
    return index
