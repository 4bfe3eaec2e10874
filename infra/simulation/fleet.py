"""Environments: the provisioned ones, asked for and made ready, and whatever serves the rest."""

from collections import deque
from heapq import heappop, heappush

from infra.simulation.lambda_model import LambdaModel


class Provisioned:
    """The alias's provisioned concurrency: what was asked for, what is ready, what is on its way."""

    def __init__(self, model: LambdaModel, initial: int) -> None:
        self._model = model
        self.requested = initial
        self.ready = initial
        self.coming: deque[list[float]] = deque()
        """Steps on their way, oldest first: [ready at, environments]."""

    def ask(self, desired: int, now: float) -> None:
        """More is ready after the model's delay; less is gone at once, what is not ready yet first."""
        if desired > self.requested:
            added = desired - self.requested
            self.coming.append([now + self._model.ready_after(added), added])
        surplus = self.requested - desired
        while surplus > 0 and self.coming:
            step = self.coming[-1]
            cut = min(surplus, int(step[1]))
            step[1] -= cut
            surplus -= cut
            if not step[1]:
                self.coming.pop()
        if surplus > 0:
            self.ready -= surplus
        self.requested = desired

    def arrive(self, now: float) -> None:
        """What has become ready by ``now``."""
        waiting = [step for step in self.coming if step[0] > now]
        self.ready += int(sum(step[1] for step in self.coming if step[0] <= now))
        self.coming = deque(waiting)

    def next_change(self, before: float) -> float:
        """The next moment something becomes ready, at most ``before``."""
        return min([before, *(step[0] for step in self.coming)])


class Fleet:
    """Environments serving requests."""

    def __init__(self, model: LambdaModel) -> None:
        self._model = model
        self.provisioned: list[float] = []
        """Heap: when each busy provisioned environment is free again."""
        self.on_demand: list[float] = []
        """Heap: the same of the others."""
        self.idle: list[float] = []
        """Since when each idle on-demand environment is idle, ascending: the latest is reused first."""
        self.spilled = self.cold = self.peak = 0
        self.provisioned_seconds = self.on_demand_seconds = 0.0

    def serve(self, arrivals: list[float], services: list[float], ready: int) -> int:
        """Serves requests, in order, with ``ready`` provisioned environments.

        Returns the sum over these requests of provisioned environments then busy, the request's own included.
        """
        busy, seconds, seen, peak, spilled = self.provisioned, 0.0, 0, self.peak, 0
        others = self.on_demand
        for at, service in zip(arrivals, services, strict=True):
            while busy and busy[0] <= at:
                heappop(busy)
            in_use = len(busy)
            if in_use < ready:
                heappush(busy, at + service)
                seconds += service
                in_use += 1
            else:
                spilled += 1
                self._spill(at, service)
            seen += in_use
            if others:
                while others and others[0] <= at:
                    self.idle.append(heappop(others))
                in_use += len(others)
            if in_use > peak:
                peak = in_use
        self.provisioned_seconds += seconds
        self.peak = peak
        self.spilled += spilled
        return seen

    def _spill(self, at: float, service: float) -> None:
        busy, idle = self.on_demand, self.idle
        while busy and busy[0] <= at:
            idle.append(heappop(busy))
        if idle and at - idle[-1] <= self._model.idle_life_seconds:
            idle.pop()
        else:
            idle.clear()
            self.cold += 1
            service += self._model.cold_start_seconds
        self.on_demand_seconds += service
        heappush(busy, at + service)
