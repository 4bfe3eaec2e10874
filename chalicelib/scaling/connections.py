"""How many environments a server's connections allow: a ceiling for provisioned concurrency.

Every environment keeps connections to a server whether it serves a request or not, and environments that were not
provisioned keep as many: spilled requests, the queues' consumers, scheduled functions. What is left after them::

    capacity = floor(((limit - reserved) / per_environment - other_environments) / (1 + on_demand_share))
"""

from dataclasses import dataclass
from math import floor

from chalicelib.scaling.model import Ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBudget:
    """What one server admits, and who else uses it."""

    name: str
    """E.g. ``mongo_connections``."""
    limit: int
    """Connections the server admits; of several alike, the one environments use most."""
    reserved: int
    """Of these, for the provider, monitoring and people."""
    per_environment: int
    """Connections one environment holds at most, at least 1."""
    other_environments: int
    """Environments of a region that are not the API's: consumers and scheduled functions."""
    on_demand_share: float
    """On-demand environments that may run beside the provisioned ones, as a share of these: spilled requests, and
    both generations while a new version takes over."""

    def __post_init__(self) -> None:
        least = {"limit": 1, "reserved": 0, "per_environment": 1, "other_environments": 0, "on_demand_share": 0}
        for name, allowed in least.items():
            found = getattr(self, name)
            if not found >= allowed:
                raise ValueError(f"{self.name}.{name} is {found}; allowed: {allowed} or more")

    def ceiling(self) -> Ceiling:
        """The most environments to provision; 0 when the others use all."""
        environments = (self.limit - self.reserved) / self.per_environment
        capacity = max(0, floor((environments - self.other_environments) / (1 + self.on_demand_share)))
        reason = (
            f"({self.limit} connections - {self.reserved} reserved) / {self.per_environment} per environment "
            f"- {self.other_environments} other environments, / {1 + self.on_demand_share:g} for on-demand ones"
        )
        return Ceiling(self.name, capacity, reason)
