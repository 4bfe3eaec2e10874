"""What is assumed of Lambda, as data: every figure with its unit and where it comes from.

``docs/scaling.md`` says the same in words; sources are listed there by the keys used here.
"""

import math
from dataclasses import dataclass, field
from typing import Final

TICK_SECONDS: Final = 15
"""Finest step of a decision and of a sample, seconds: the shared metrics' own granularity."""

TICKS_PER_MINUTE: Final = 60 // TICK_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """USD, region us-east-1, x86, first tier, without the free tier (which functions with provisioned
    concurrency don't have). Source: aws.amazon.com/lambda/pricing, read in November 2026.
    """

    provisioned_gb_second: float = 0.0000041667
    """For each GB and second configured, from the request on, used or not."""
    provisioned_duration_gb_second: float = 0.0000097222
    """For each GB and second that a provisioned environment executes."""
    on_demand_duration_gb_second: float = 0.0000166667
    """For each GB and second that any other environment executes or initializes."""
    request: float = 0.0000002
    """For each request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaModel:
    """One function behind an alias with provisioned concurrency."""

    service_mean_seconds: float = 0.7
    """Mean time of one invocation: half of the functions of the Azure study take less than about this on average
    [azure], and five of the traces shipped are from it."""
    service_cv: float = 0.5
    """Standard deviation over mean of that time; log-normal."""
    prepare_seconds: float = 90.0
    """From asking for more provisioned concurrency until allocation starts: "a minute or two" [provisioned]."""
    allocations_per_second: float = 100.0
    """Environments allocated per second after that: 6,000 a minute; none serves before all of a request do
    [provisioned]."""
    cold_start_seconds: float = 1.0
    """Initialization of an on-demand environment, billed [init]; the invocation comes after it."""
    idle_life_seconds: float = 300.0
    """An on-demand environment idle for longer is gone. Undocumented; five minutes is the shortest reported [idle],
    so that cold starts are rather over- than understated."""
    memory_gb: float = 1.0
    """Memory size; the production tier's 1,024 MB."""
    metric_delay_seconds: float = 60.0
    """From the end of a minute until CloudWatch's alarm acts on its data point."""
    shared_delay_seconds: float = 0.0
    """The same for the region's own shared metrics (samples of 15 s, flushed every few seconds)."""
    prices: Prices = field(default_factory=Prices)

    def ready_after(self, added: int) -> float:
        """Seconds until ``added`` environments more are ready, all at once."""
        return self.prepare_seconds + added / self.allocations_per_second

    @property
    def log_sigma(self) -> float:
        """Of the log-normal service time."""
        return math.sqrt(math.log1p(self.service_cv**2))

    @property
    def environment_second(self) -> float:
        """USD for keeping one provisioned environment for a second."""
        return self.memory_gb * self.prices.provisioned_gb_second
