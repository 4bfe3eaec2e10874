"""Shapes of what operators see of scaling. Times are seconds since the Unix epoch."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, NUMBER, TEXT, list_of, nullable, record, ref

_ACTION: Final = {"enum": ["out", "in", "hold"]}
_CLAMP: Final = record({"name": TEXT, "before": COUNT, "after": COUNT, "reason": TEXT})
_OUTCOME: Final = record(
    {
        "rule": TEXT,
        "metric": TEXT,
        "value": nullable(NUMBER),
        "wish": {"enum": ["out", "in", "hold", "abstain"]},
        "desired": COUNT,
        "reason": TEXT,
    }
)
_INPUTS: Final = record(
    {
        "requested": COUNT,
        "ready": COUNT,
        "metrics": {
            "type": "object",
            "additionalProperties": {
                "anyOf": [record({"value": NUMBER, "evidence": TEXT}), record({"missing": TEXT})],
            },
        },
        "ceilings": list_of(record({"name": TEXT, "capacity": COUNT, "reason": TEXT})),
    }
)

SHAPES: Final[Mapping[str, Any]] = {
    "ScalingOverride": record({"desired": COUNT, "until": NUMBER, "by": TEXT, "reason": TEXT}),
    "NoScalingOverride": {"type": "null"},
    "ScalingMove": record(
        {
            "outcome": {"enum": ["moved", "unchanged", "waiting", "refused", "throttled", "would_move"]},
            "before": COUNT,
            "after": COUNT,
            "reason": TEXT,
        }
    ),
    "ScalingDecision": record(
        {
            "id": TEXT,
            "at": NUMBER,
            "action": _ACTION,
            "current": COUNT,
            "desired": COUNT,
            "reason": TEXT,
            "override": nullable(ref("ScalingOverride")),
            "move": nullable(ref("ScalingMove")),
            "line": {**TEXT, "description": "The decision's record, a line of the log that replay reads."},
        }
    ),
    "ScalingState": record(
        {
            "policy": TEXT,
            "limits": record({"min": COUNT, "max": COUNT}),
            "override": nullable(ref("ScalingOverride")),
            "decisions": list_of(ref("ScalingDecision")),
        }
    ),
    "ScalingEvaluation": record(
        {
            "policy": TEXT,
            "action": _ACTION,
            "current": COUNT,
            "desired": COUNT,
            "reason": TEXT,
            "outcomes": list_of(_OUTCOME),
            "clamps": list_of(_CLAMP),
            "inputs": _INPUTS,
            "move": ref("ScalingMove"),
        }
    ),
}
