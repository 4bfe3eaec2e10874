"""Provisioned concurrency that takes its time, refuses and fails as told."""

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.scaling.provisioning import Provision, Quota, Refused, Throttled


@dataclass
class FakeProvisioner:
    """``provisioning.Provisioner`` on a clock: what is asked for is ready ``ready_seconds`` later."""

    clock: Clock
    requested: int = 0
    ready_seconds: float = 0.0
    account: Quota = field(default_factory=lambda: Quota(limit=1000, unreserved=1000))
    refusal: Exception | None = None
    """Raised by the next call that asks for a number: ``Refused``, ``Throttled`` or ``Unavailable``."""
    failure: str = ""
    """Why the last allocation failed; it is then neither ready nor in progress."""
    on_put: Callable[[int], None] = lambda _: None
    puts: list[int] = field(default_factory=list)
    _available: int = 0
    _ready_at: float = 0.0

    def __post_init__(self) -> None:
        self._available = self.requested

    def read(self) -> Provision:
        if not self.requested:
            return Provision(status="none")
        if self.failure:
            return Provision(status="failed", requested=self.requested, available=0, reason=self.failure)
        if self.clock().timestamp() >= self._ready_at:
            self._available = self.requested
        ready = self._available == self.requested
        return Provision(
            status="ready" if ready else "in_progress", requested=self.requested, available=self._available
        )

    def quota(self) -> Quota:
        return self.account

    def put(self, environments: int) -> None:
        self.on_put(environments)
        refusal, self.refusal = self.refusal, None
        if isinstance(refusal, Refused | Throttled | Unavailable):
            raise refusal
        self.puts.append(environments)
        self.failure = ""
        self._available = min(self._available, environments)
        self.requested = environments
        self._ready_at = self.clock().timestamp() + self.ready_seconds
