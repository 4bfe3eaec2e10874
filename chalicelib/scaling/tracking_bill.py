"""What AWS target tracking would have done with the same traffic, and what that would have cost so far.

The traffic does not depend on the capacity, so it can be computed beside whatever really runs: utilization follows
from the offered load and Erlang's formula, and the decisions from ``TargetTracking`` itself. Its bill is the budget of
the predictive policy.
"""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.scaling.erlang import blocking
from chalicelib.scaling.model import Observation, Point, Reading, ScalingLimits
from chalicelib.scaling.target_tracking import UTILIZATION, TargetTracking

METRIC_DELAY_TICKS: Final = 4
"""CloudWatch's data point of a minute acts a minute after its end."""


class TrackingBill:
    """Target tracking in the background, fed the same samples of 15 s."""

    def __init__(self, state: Mapping[str, Any] | None, limits: ScalingLimits, ready_ticks: int) -> None:
        stored = state or {}
        self._policy, self._ready_ticks = TargetTracking(limits), ready_ticks
        self._requested: int = stored.get("requested", limits.min)
        self._ready: int = stored.get("ready", limits.min)
        self._coming: list[list[int]] = [list(step) for step in stored.get("coming", [])]
        self._samples: list[list[float]] = list(stored.get("samples", []))
        self._due: list[list[Any]] = [list(entry) for entry in stored.get("due", [])]
        self._policy_state: Any = stored.get("policy")

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "requested": self._requested,
            "ready": self._ready,
            "coming": self._coming,
            "samples": self._samples,
            "due": self._due,
            "policy": self._policy_state,
        }

    @property
    def requested(self) -> int:
        """Environments target tracking would ask for now."""
        return self._requested

    def tick(self, at: float, load: float, arrivals: float, *, minute_ended: bool) -> tuple[int, float]:
        """One sample of 15 s that ended at ``at``.

        Returns the environments paid for during it, and how many were busy that were not provisioned (mean).
        """
        self._coming = [[left - 1, added] for left, added in self._coming]
        self._ready += sum(added for left, added in self._coming if left <= 0)
        self._coming = [step for step in self._coming if step[0] > 0]
        paid, elsewhere = self._requested, load * blocking(load, self._ready)
        self._samples = [*self._samples, [load, arrivals, self._ready]][-4:]
        self._due = [[left - 1, *rest] for left, *rest in self._due]
        if minute_ended:
            self._due.append([METRIC_DELAY_TICKS, at, self._utilization()])
            self._samples = []
        while self._due and self._due[0][0] <= 0:
            _, end, utilization = self._due.pop(0)
            self._follow(end, utilization, at)
        return paid, elsewhere

    def _utilization(self) -> float | None:
        """Mean share in use as the minute's invocations saw it, each counting itself; None without any."""
        total = sum(arrivals for _, arrivals, _ in self._samples)
        if total <= 0:
            return None
        load = sum(load for load, _, _ in self._samples) / len(self._samples)
        return sum(
            arrivals / total * (load + 1.0) * (1.0 - blocking(load, int(ready))) / ready
            for _, arrivals, ready in self._samples
        )

    def _follow(self, end: float, utilization: float | None, now: float) -> None:
        seen = Reading(points=(Point(end, utilization),)) if utilization is not None else Reading(missing="silence")
        observation = Observation(at=now, requested=self._requested, ready=self._ready, metrics={UTILIZATION: seen})
        decision, self._policy_state = self._policy.decide(self._policy_state, observation, now)
        added = decision.desired - self._requested
        if added > 0:
            self._coming.append([self._ready_ticks, added])
        else:
            self._ready += added
        self._requested = decision.desired
