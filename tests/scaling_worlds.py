"""A scaling controller over fakes, with every input in the test's hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.monitoring.ports import Meter
from chalicelib.monitoring.reports import InstanceReport
from chalicelib.scaling.controller import Controller
from chalicelib.scaling.model import Ceiling, Reading, ScalingLimits
from chalicelib.scaling.policies import policy_for
from chalicelib.scaling.ports import ScalingStore
from chalicelib.scaling.tiers import PRODUCTION
from tests.fakes.provisioning import FakeProvisioner

FUNCTION = "arena-api"
OWN = "the-controller"
LIMITS = ScalingLimits(min=PRODUCTION.min_instances, max=PRODUCTION.max_instances)


@dataclass
class Region:
    """What a controller sees of its region. ``broken`` = reports can't be read; ``deaf`` = they don't come through."""

    clock: ManualClock
    store: ScalingStore
    provisioner: FakeProvisioner
    reports: list[InstanceReport] = field(default_factory=list)
    queued: int | None = 0
    ceilings: tuple[Ceiling, ...] = ()
    measured: Mapping[str, Reading] | None = None
    broken: bool = False
    deaf: bool = False
    failures: list[str] = field(default_factory=list)
    policy: str = "guide"
    moves: bool = True
    meter: Meter | None = None

    def controller(self) -> Controller:
        return Controller(
            function=FUNCTION,
            policy=policy_for(self.policy, PRODUCTION),
            limits=LIMITS,
            store=self.store,
            provisioner=self.provisioner,
            reports=self,
            queued=self._queued,
            ceilings=lambda _: self.ceilings,
            clock=self.clock,
            pause=self.clock.advance,
            failed=lambda source, _: self.failures.append(source),
            measurements=None if self.measured is None else self,
            moves=self.moves,
            meter=self.meter,
        )

    def serve(self, environments: int, **shares: Any) -> None:
        """So many environments report, all alike, until told otherwise."""
        given = {"cpu_share": 0.1, "memory_share": 0.3, "request_rate": 1.0, "busy_share": 0.1, **shares}
        self.reports = [
            InstanceReport(
                instance=f"environment-{number}",
                at=self.clock(),
                function=FUNCTION,
                initialization=given.get("initialization", "provisioned-concurrency"),
                **{name: value for name, value in given.items() if name != "initialization"},
            )
            for number in range(environments)
        ]

    def probe(self) -> str:
        if self.broken:
            raise Unavailable("metrics_unavailable")
        return OWN

    def live(self, now: datetime) -> Sequence[InstanceReport]:
        own = [] if self.deaf else [InstanceReport(instance=OWN, at=now, function="the-controller-function")]
        return [*self.reports, *own]

    def read(self, now: float) -> Mapping[str, Reading]:
        return self.measured or {}

    def _queued(self) -> int:
        if self.queued is None:
            raise Unavailable("database_unavailable")
        return self.queued


def region(clock: ManualClock, store: ScalingStore, environments: int = 5, **more: Any) -> Region:
    return Region(clock, store, FakeProvisioner(clock, requested=environments), **more)


def once(times: int = 1) -> Callable[[], bool]:
    """Whether a run may go on: so many evaluations in all."""
    left = [2 * times - 1]

    def go_on() -> bool:
        left[0] -= 1
        return left[0] > 0

    return go_on
