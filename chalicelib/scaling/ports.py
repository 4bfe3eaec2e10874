"""What the controller is given: where it remembers, and whom it asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chalicelib.locks import Guard
from chalicelib.monitoring.reports import InstanceReport
from chalicelib.scaling.model import Ceiling, Reading, State
from chalicelib.scaling.override import Override

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a run finds of the runs before."""

    state: State = None
    """The policy's."""
    policy: str = ""
    """Whose state it is; another policy starts without."""
    override: Override | None = None
    asked_at: float | None = None
    """When a number was last asked for, seconds since the epoch."""


class ScalingStore(Protocol):
    """The controller's memory and its log. Methods raise ``Unavailable``."""

    def remembered(self) -> Remembered: ...

    def decide(self, guard: Guard | None, decision: Document, policy: str, state: State, *, moving: bool) -> None:
        """Stores the decision and the state for the next run, both or neither, before anything is carried out.

        ``moving``: a number is about to be asked for. Raises ``FencedOut`` when ``guard``'s lock has a newer holder.
        """
        ...

    def carried_out(self, decision_id: str, move: Mapping[str, Any]) -> None:
        """Adds what came of a stored decision."""
        ...

    def decisions(self, limit: int, before: str | None = None) -> list[Document]:
        """Stored decisions, newest first; ``before`` is the id to go on from."""
        ...

    def override(self, override: Override | None) -> None:
        """Puts an override in place, or takes it away."""
        ...


class Reports(Protocol):
    """What environments say, and the probe that tells an idle region from a broken path."""

    def probe(self) -> str:
        """Sends a report of this very environment through the same store; its instance id. Raises what fails."""
        ...

    def live(self, now: datetime) -> Sequence[InstanceReport]: ...


class Measurements(Protocol):
    """Metrics the platform measures itself, by metric name. A metric it has no samples of is missing."""

    def read(self, now: float) -> Mapping[str, Reading]: ...


Ceilings = Callable[[int], Sequence[Ceiling]]
"""The ceilings that apply just now, given how many environments are asked for."""
