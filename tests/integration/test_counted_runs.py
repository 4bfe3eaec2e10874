"""Scheduled runs are counted by what came of them, and told by the run itself."""

from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.entrypoints import scheduled
from chalicelib.locks import FencedOut, Guard
from chalicelib.monitoring.families import SCHEDULED_RUNS
from tests.http_arena import SCHEDULED


@dataclass
class Report:
    """Of a run that did nothing."""

    done: int = 0


def runs(arena: wiring.Arena) -> dict[str, int]:
    values = arena.meters.registry.values()
    prefix = f"{SCHEDULED_RUNS}|seasons|"
    return {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}


def test_a_run_that_is_done_is_told_by_itself(arena: wiring.Arena) -> None:
    scheduled.seasons(SCHEDULED, None)
    assert runs(arena) == {"done": 1}
    assert arena.shared_metrics.state(arena.clock()).totals[f"{SCHEDULED_RUNS}|seasons|done"] == 1


def test_a_run_beside_another_is_skipped(arena: wiring.Arena) -> None:
    with arena.locks.hold("schedule:seasons") as held:
        assert held is not None
        scheduled.seasons(SCHEDULED, None)
        skipped = runs(arena)
    # Without Redis there are no leases: both run, and the newest one's writes count.
    assert skipped == ({"done": 1} if arena.redis is None else {"skipped": 1})


def test_a_run_that_lost_its_lock_stopped_and_one_that_raised_failed(arena: wiring.Arena) -> None:
    def lose(_go_on: Any, _guard: Guard) -> Report:
        raise FencedOut(Guard("schedule:seasons", 1))

    def fail(_go_on: Any, _guard: Guard) -> Report:
        raise ZeroDivisionError

    assert scheduled.alone("seasons", lose) == {"stopped": "a newer run has taken over"}
    with pytest.raises(ZeroDivisionError):
        scheduled.alone("seasons", fail)
    scheduled.alone("seasons", lambda *_: Report())
    assert runs(arena) == {"stopped": 1, "failed": 1, "done": 1}
