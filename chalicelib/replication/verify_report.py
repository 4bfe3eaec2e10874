"""What a run of ``verify`` found, did and cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.replication.content import Place
from chalicelib.replication.ranges import Cost
from chalicelib.replication.repair import Blocked, Repair


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the data a run goes on."""

    collection: str
    after: Place | None = None


@dataclass(slots=True)
class Report:
    """One run."""

    regions: Sequence[str]
    costs: dict[str, Cost] = field(default_factory=dict)
    """By collection."""
    players_audited: int = 0
    """Players whose standings were compared with their battles, all regions together."""
    differences: list[Repair] = field(default_factory=list)
    """What must be done for regions to agree."""
    blocked: list[Blocked] = field(default_factory=list)
    """Differences no rule decides: somebody must look at them."""
    under_way: int = 0
    """Differing keys that events still under way explain."""
    made: int = 0
    """Of the differences, healed."""
    stale: int = 0
    """Of the differences, those that changed before they could be healed."""
    remaining: int = 0
    """Documents that still differ after repairing."""
    truncated: bool = False
    """So much differs that the run stopped looking."""
    stopped_at: Position | None = None
    """Where the next run goes on, for a run over a part of the data; None: the end was reached."""
    is_repair: bool = False

    @property
    def cost(self) -> Cost:
        """Of all collections."""
        return sum(self.costs.values(), Cost())

    @property
    def agrees(self) -> bool:
        """Whether nothing that differs is left."""
        left = self.remaining if self.is_repair else len(self.differences)
        return not (left or self.blocked or self.truncated)

    def counted(self) -> dict[str, int]:
        """Differences by region, collection, action and reason."""
        found = Counter(f"{one.region} {one.collection}: {one.action}, {one.why}" for one in self.differences)
        return dict(sorted(found.items()))

    def data(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "regions": list(self.regions),
            "agrees": self.agrees,
            "differences": [one.shown() for one in self.differences],
            "blocked": [one.shown() for one in self.blocked],
            "underWay": self.under_way,
            "repaired": self.made,
            "stale": self.stale,
            "remaining": self.remaining,
            "truncated": self.truncated,
            "playersAudited": self.players_audited,
            "cost": self.cost.figures(),
            "costs": {name: cost.figures() for name, cost in self.costs.items()},
        }
