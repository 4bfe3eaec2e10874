"""Counts battles, as the battle service's listener."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.monitoring.families import BATTLES

if TYPE_CHECKING:
    from chalicelib.monitoring.ports import Meter


class Fought(Protocol):
    """A battle that was fought now, not found."""

    @property
    def battle(self) -> Mapping[str, Any]:
        """Its ``arena`` and ``league`` are what the mode says."""


class BattleMeter:
    """Hears of each battle once, direct or queued."""

    def __init__(self, meter: "Meter") -> None:
        self._meter = meter

    def fought(self, result: Fought) -> None:
        self._meter.count(BATTLES, arena=str(result.battle["arena"]), league=str(result.battle["league"]))
