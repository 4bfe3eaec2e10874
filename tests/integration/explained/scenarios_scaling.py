"""The scaling controller's memory and log."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.data.scaling import MongoScaling
from chalicelib.scaling.override import Override
from tests.integration.explained.registry import covers
from tests.integration.explained.town import Town, inhabits

_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@inhabits("scaling", 2000)
def _decision(number: int) -> Document:
    if number == 0:
        return {"_id": "controller", "policy": "guide", "state": {"kind": "guide/1"}}
    at = _BEGAN + timedelta(seconds=15 * number)
    return {"_id": at.isoformat(timespec="milliseconds"), "at": at.timestamp(), "expiresAt": at}


@covers(MongoScaling.remembered)
def _(town: Town, remembered: Callable[..., Any]) -> None:
    assert remembered().policy == "guide"


@covers(MongoScaling.decide)
def _(town: Town, decide: Callable[..., Any]) -> None:
    at = (_BEGAN + timedelta(days=9)).timestamp()
    decide(None, {"_id": "2026-11-10T00:00:00.000+00:00", "at": at, "action": "hold"}, "guide", {}, moving=True)


@covers(MongoScaling.carried_out)
def _(town: Town, carried_out: Callable[..., Any]) -> None:
    carried_out((_BEGAN + timedelta(seconds=15)).isoformat(timespec="milliseconds"), {"outcome": "moved"})


@covers(MongoScaling.decisions)
def _(town: Town, decisions: Callable[..., Any]) -> None:
    newest = decisions(20)
    assert len(newest) == 20
    assert decisions(5, newest[-1]["_id"])


@covers(MongoScaling.override)
def _(town: Town, override: Callable[..., Any]) -> None:
    override(Override(desired=5, until=0.0, by="ops", reason="a test"))
    override(None)
