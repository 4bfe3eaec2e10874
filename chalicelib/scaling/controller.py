"""The controller of one region: observe, decide, apply, and a record of every step.

Its memory lies in the database, so any environment may run it. One run at a time holds the lock; what a run stores it
stores under its fencing number, before it asks Lambda for anything: a run that lost its lock stores nothing and moves
nothing, and one that is killed in between leaves a decision without a move, which the next run sees in the number that
did not change.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.locks import Guard
from chalicelib.monitoring.families import SCALING_DECISIONS, SCALING_MOVES
from chalicelib.monitoring.ports import Meter, NoMeter
from chalicelib.scaling.decision_log import decision_record, record_line
from chalicelib.scaling.model import Observation, Policy, Reading, ScalingDecision, ScalingLimits, State
from chalicelib.scaling.observing import Heard, observe
from chalicelib.scaling.override import Override, new_override, overridden
from chalicelib.scaling.ports import Ceilings, Document, Measurements, Remembered, Reports, ScalingStore
from chalicelib.scaling.provisioning import Move, Provision, Provisioner, make_move, wanted_move

EVALUATE_SECONDS: Final = 15.0
"""The Kubernetes HPA's period, too."""

MayGoOn = Callable[[], bool]
Failed = Callable[[str, Exception], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """One evaluation: what was seen, what was decided, what came of it."""

    observation: Observation
    decision: ScalingDecision
    move: Move


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerReport:
    """What one run did."""

    evaluations: int
    moves: int
    requested: int
    """Environments asked for at its end."""
    reason: str
    """Of the last decision."""


class Controller:
    """Evaluates one region. ``function`` is the API's, whose environments count."""

    def __init__(
        self,
        *,
        function: str,
        policy: Policy,
        limits: ScalingLimits,
        store: ScalingStore,
        provisioner: Provisioner,
        reports: Reports,
        queued: Callable[[], int],
        ceilings: Ceilings,
        clock: Clock,
        pause: Callable[[float], None],
        failed: Failed,
        measurements: Measurements | None = None,
        moves: bool = True,
        meter: Meter | None = None,
    ) -> None:
        """``failed`` is told which source did not answer, and why. Without ``moves`` it observes, decides and records:
        somebody else moves."""
        self._function = function
        self._policy = policy
        self._limits = limits
        self._store = store
        self._provisioner = provisioner
        self._reports = reports
        self._queued = queued
        self._ceilings = ceilings
        self._clock = clock
        self._pause = pause
        self._failed = failed
        self._measurements = measurements
        self._moves = moves
        self._meter = meter or NoMeter()

    def run(self, may_go_on: MayGoOn, guard: Guard | None = None, *, most: int | None = None) -> ControllerReport:
        """Evaluates every ``EVALUATE_SECONDS`` while it may go on, once at least and ``most`` times at most.

        Raises ``Unavailable`` when Lambda or the database does not answer, ``FencedOut`` when a newer run took over.
        """
        evaluations = moves = 0
        while True:
            began = self._clock().timestamp()
            evaluation = self.evaluate(guard)
            evaluations += 1
            moves += evaluation.move.outcome == "moved"
            left = began + EVALUATE_SECONDS - self._clock().timestamp()
            if evaluations == most or not may_go_on():
                break
            self._pause(max(0.0, left))
            if not may_go_on():
                break
        return ControllerReport(
            evaluations=evaluations,
            moves=moves,
            requested=evaluation.move.after,
            reason=evaluation.decision.reason,
        )

    def evaluate(self, guard: Guard | None = None) -> Evaluation:
        """Observes, decides and applies once. Raises as ``run``."""
        remembered = self._store.remembered()
        evaluation, state, logged = self._think(remembered)
        move = evaluation.move
        moving = self._moves and move.outcome == "would_move"
        self._store.decide(guard, logged, self._policy.name, state, moving=moving)
        self._meter.count(SCALING_DECISIONS, action=evaluation.decision.action)
        if moving:
            move = make_move(self._provisioner, move)
        self._meter.count(SCALING_MOVES, outcome=move.outcome)
        self._store.carried_out(logged["_id"], asdict(move))
        return Evaluation(observation=evaluation.observation, decision=evaluation.decision, move=move)

    def preview(self) -> dict[str, Any]:
        """What ``evaluate`` would do now, as ``summary`` tells it; changes nothing. Raises ``Unavailable``."""
        return summary(self._think(self._store.remembered())[0])

    def show(self, limit: int) -> dict[str, Any]:
        """The policy, the override in force and the latest decisions, newest first. Raises ``Unavailable``."""
        override = self._live_override(self._store.remembered(), self._clock().timestamp())
        return {
            "policy": self._policy.name,
            "limits": asdict(self._limits),
            "override": None if override is None else asdict(override),
            "decisions": [_shown(decision) for decision in self._store.decisions(limit)],
        }

    def override(self, desired: int, minutes: float, reason: str, *, by: str) -> dict[str, Any]:
        """Puts an override in place of the former one. Raises ``BadRequest`` and ``Unavailable``."""
        now = self._clock().timestamp()
        override = new_override(desired, minutes, by=by, reason=reason, limits=self._limits, now=now)
        self._store.override(override)
        return asdict(override)

    def end_override(self) -> None:
        """The policy decides again. Raises ``Unavailable``."""
        self._store.override(None)

    def _think(self, remembered: Remembered) -> tuple[Evaluation, State, Document]:
        moment = self._clock()
        now = moment.timestamp()
        provision = self._provisioner.read()
        observation = self._observe(moment, provision)
        before = remembered.state if remembered.policy == self._policy.name else None
        decision, state = self._policy.decide(before, observation, now)
        record = decision_record(self._policy, before, observation, decision, state)
        override = self._live_override(remembered, now)
        if override is not None:
            decision = overridden(decision, override, self._limits, observation.ceilings)
        asked_ago = None if remembered.asked_at is None else now - remembered.asked_at
        move = wanted_move(provision, decision.desired, asked_seconds_ago=asked_ago)
        logged = {
            "_id": f"{moment.isoformat(timespec='milliseconds')} {secrets.token_hex(4)}",
            "at": now,
            "action": decision.action,
            "current": decision.current,
            "desired": decision.desired,
            "reason": decision.reason,
            "override": None if override is None else asdict(override),
            "line": record_line(record),
        }
        return Evaluation(observation=observation, decision=decision, move=move), state, logged

    def _observe(self, moment: datetime, provision: Provision) -> Observation:
        return observe(
            moment.timestamp(),
            provision,
            self._hear(moment),
            queued=self._count_queue(),
            measured=self._measure(moment),
            ceilings=self._ceilings(provision.requested),
        )

    def _hear(self, moment: datetime) -> Heard:
        try:
            own = self._reports.probe()
            live = self._reports.live(moment)
        except Exception as error:  # noqa: BLE001 - whatever it fails with, the metrics are missing and nothing else is
            self._failed("reports", error)
            return Heard(problem=f"reports could not be read: {type(error).__name__}")
        if own not in {report.instance for report in live}:
            return Heard(problem="the controller's own report did not come back")
        return Heard(reports=[report for report in live if report.function == self._function])

    def _count_queue(self) -> int | None:
        try:
            return self._queued()
        except Unavailable as error:
            self._failed("queue", error)
            return None

    def _measure(self, moment: datetime) -> Mapping[str, Reading]:
        if self._measurements is None:
            return {}
        try:
            return self._measurements.read(moment.timestamp())
        except Unavailable as error:
            self._failed("measurements", error)
            return {}

    def _live_override(self, remembered: Remembered, now: float) -> Override | None:
        override = remembered.override
        return override if override is not None and override.is_live(now) else None


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation for logs and people: the inputs, every rule's outcome, the clamps, the reason, the move."""
    decision, observation = evaluation.decision, evaluation.observation
    return {
        "policy": decision.policy,
        "action": decision.action,
        "current": decision.current,
        "desired": decision.desired,
        "reason": decision.reason,
        "outcomes": [asdict(outcome) for outcome in decision.outcomes],
        "clamps": [asdict(clamp) for clamp in decision.clamps],
        "inputs": _inputs(observation),
        "move": asdict(evaluation.move),
    }


def _shown(stored: Document) -> dict[str, Any]:
    """A stored decision with its record opened up; ``move`` is None when the run was killed before it."""
    shown = {name: stored[name] for name in ("at", "action", "current", "desired", "reason", "override")}
    return {"id": stored["_id"], **shown, "move": stored.get("move"), "line": stored["line"]}


def _inputs(observation: Observation) -> dict[str, Any]:
    metrics: dict[str, Any] = {
        name: {"value": found.value("maximum"), "evidence": found.evidence}
        if found.points
        else {"missing": found.missing}
        for name, found in observation.metrics.items()
    }
    ceilings: Sequence[dict[str, Any]] = [asdict(ceiling) for ceiling in observation.ceilings]
    return {"requested": observation.requested, "ready": observation.ready, "metrics": metrics, "ceilings": ceilings}
