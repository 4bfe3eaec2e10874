"""What the last evaluation saw, read back from the log of decisions. Pure."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from chalicelib.monitoring.ports import ScalingFigures
from chalicelib.scaling.decision_log import read_observation
from chalicelib.scaling.model import IN_USE, SPILLOVER
from chalicelib.scaling.ports import Document

SEEN_LIFE: Final = timedelta(minutes=3)
"""Evaluations come four a minute; of an older one nothing is said any more."""


def last_seen(decisions: Sequence[Document], now: datetime) -> ScalingFigures | None:
    """Of the first of ``decisions`` (newest first); None when there is none, or it was too long ago."""
    if not decisions or now.timestamp() - decisions[0]["at"] >= SEEN_LIFE.total_seconds():
        return None
    observation = read_observation(json.loads(decisions[0]["line"])["observation"])
    return ScalingFigures(
        requested=observation.requested,
        ready=observation.ready,
        in_use=observation.read(IN_USE).value("maximum"),
        spilled_per_second=observation.read(SPILLOVER).value("maximum"),
    )
