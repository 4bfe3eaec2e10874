"""What came of one policy on one trace."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.scaling.model import ScalingDecision


@dataclass(slots=True)
class Minute:
    """What happened in one minute."""

    requests: int = 0
    spilled: int = 0
    cold: int = 0
    peak: int = 0
    """Most environments busy at the same moment, provisioned or not."""
    requested: float = 0.0
    """Provisioned concurrency asked (and paid) for, mean."""
    ready: float = 0.0
    """Provisioned concurrency ready, mean."""


@dataclass(slots=True)
class Run:
    """One policy on one trace."""

    trace: str
    policy: str
    minutes: list[Minute]
    cost_usd: float = 0.0
    actions: int = 0
    reversals: int = 0
    decisions: list[ScalingDecision] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(minute.requests for minute in self.minutes)

    @property
    def spilled(self) -> int:
        return sum(minute.spilled for minute in self.minutes)

    @property
    def cold_starts(self) -> int:
        return sum(minute.cold for minute in self.minutes)

    @property
    def mean_provisioned(self) -> float:
        return sum(minute.requested for minute in self.minutes) / len(self.minutes)

    @property
    def spill_share(self) -> float:
        return self.spilled / self.requests if self.requests else 0.0

    def report(self) -> dict[str, Any]:
        """The figures others rely on."""
        return {
            "trace": self.trace,
            "policy": self.policy,
            "minutes": len(self.minutes),
            "requests": self.requests,
            "spill_share": self.spill_share,
            "cold_starts": self.cold_starts,
            "cost_usd": self.cost_usd,
            "mean_provisioned": self.mean_provisioned,
            "actions": self.actions,
            "reversals": self.reversals,
        }
