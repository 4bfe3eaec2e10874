"""How many battles are queued, and for how long, by arena and league: for Prometheus; numbers for CloudWatch, too.

A gauge of zero is said too, so that a queue going down is seen and not mistaken for silence.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from chalicelib.monitoring.families import BATTLE_QUEUE_LENGTH, BATTLE_QUEUE_OLDEST, FAMILIES
from chalicelib.monitoring.text import escaped

NAMESPACE: Final = "AibaArena"
METRIC: Final = "BattleQueueLength"
_DIMENSIONS: Final = ("region", "arena", "league")

Lengths = Mapping[tuple[str, str], int]
"""Queued battles by (arena, league)."""


def exposition(lengths: Lengths, oldest: Mapping[tuple[str, str], float]) -> list[str]:
    """Lines of the metrics page; ``oldest`` are seconds by the same pairs."""
    return [*_gauge(BATTLE_QUEUE_LENGTH, lengths), *_gauge(BATTLE_QUEUE_OLDEST, oldest)]


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


def _gauge(name: str, values: Mapping[tuple[str, str], float]) -> Iterator[str]:
    yield f"# HELP {name} {FAMILIES[name].help}"
    yield f"# TYPE {name} gauge"
    for (arena, league), value in sorted(values.items()):
        yield f'{name}{{arena="{escaped(arena)}",league="{escaped(league)}"}} {value}'
