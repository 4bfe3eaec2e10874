"""How many battles are queued, by arena and league: for Prometheus and, as embedded metrics, for CloudWatch.

A gauge of zero is said too, so that a queue going down is seen and not mistaken for silence.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.monitoring.text import escaped

NAMESPACE: Final = "AibaArena"
METRIC: Final = "BattleQueueLength"
_DIMENSIONS: Final = ("region", "arena", "league")

Lengths = Mapping[tuple[str, str], int]
"""Queued battles by (arena, league)."""


def exposition(lengths: Lengths) -> list[str]:
    """Lines of the metrics page."""
    return [
        "# HELP aiba_battle_queue_length Battles queued and not fought yet.",
        "# TYPE aiba_battle_queue_length gauge",
        *(
            f'aiba_battle_queue_length{{arena="{escaped(arena)}",league="{escaped(league)}"}} {length}'
            for (arena, league), length in sorted(lengths.items())
        ),
    ]


def embedded(lengths: Lengths, *, region: str, now: datetime) -> Iterator[str]:
    """One line of CloudWatch's embedded metric format for each (arena, league)."""
    directive: Mapping[str, Any] = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(_DIMENSIONS)],
        "Metrics": [{"Name": METRIC, "Unit": "Count"}],
    }
    aws = {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    for (arena, league), length in sorted(lengths.items()):
        yield json.dumps({"_aws": aws, "region": region, "arena": arena, "league": league, METRIC: length})
