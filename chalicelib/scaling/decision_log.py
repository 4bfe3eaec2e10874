"""One decision as one line of JSON: all that led to it, so that it can be made again.

A record holds the policy's name, its configuration and the digest of it, the state before, the observation, the
decision (with its time) and the digest of the state after: whole, it is the next record's state before. Its line is
canonical: two records are equal exactly where their lines are. Lines of a log are in the order of their decisions.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from chalicelib.scaling.model import Ceiling, Observation, Point, Policy, Reading, ScalingDecision, State
from chalicelib.scaling.rule_set import canonical, digest

VERSION: Final = 1


def decision_record(
    policy: Policy, before: State, observation: Observation, decision: ScalingDecision, after: State
) -> dict[str, Any]:
    """The record (a JSON value) of ``policy`` having turned ``before`` and ``observation`` into the other two."""
    return {
        "version": VERSION,
        "policy": policy.name,
        "digest": digest(policy.configuration),
        "configuration": dict(policy.configuration),
        "state": before,
        "observation": observation_data(observation),
        "decision": asdict(decision),
        "state_after": digest(after),
    }


def record_line(record: Mapping[str, Any]) -> str:
    """The record as a line of the log, without a newline."""
    return canonical(record)


def observation_data(observation: Observation) -> dict[str, Any]:
    """The observation as a JSON value; empty fields of readings are left out."""
    return {
        "at": observation.at,
        "requested": observation.requested,
        "ready": observation.ready,
        "metrics": {name: _reading_data(reading) for name, reading in observation.metrics.items()},
        "ceilings": [asdict(ceiling) for ceiling in observation.ceilings],
    }


def read_observation(data: Mapping[str, Any]) -> Observation:
    """What ``observation_data`` gave. Raises KeyError, TypeError or ValueError for anything else."""
    return Observation(
        at=data["at"],
        requested=data["requested"],
        ready=data["ready"],
        metrics={name: _read_reading(reading) for name, reading in data["metrics"].items()},
        ceilings=tuple(Ceiling(**ceiling) for ceiling in data["ceilings"]),
    )


def _reading_data(reading: Reading) -> dict[str, Any]:
    data: dict[str, Any] = {"points": [[point.at, point.value] for point in reading.points]} if reading.points else {}
    if reading.missing:
        data["missing"] = reading.missing
    if reading.instances is not None:
        data["instances"] = reading.instances
    if reading.evidence:
        data["evidence"] = reading.evidence
    return data


def _read_reading(data: Mapping[str, Any]) -> Reading:
    points = tuple(Point(at, value) for at, value in data.get("points", ()))
    return Reading(
        points=points,
        missing=data.get("missing", ""),
        instances=data.get("instances"),
        evidence=data.get("evidence", ""),
    )
