"""What the last evaluation saw, read back from the log; and that evaluations are counted."""

from chalicelib.clock import ManualClock
from chalicelib.monitoring.families import SCALING_DECISIONS, SCALING_MOVES
from chalicelib.monitoring.ports import ScalingFigures
from chalicelib.monitoring.registry import Registry
from chalicelib.scaling.seen import SEEN_LIFE, last_seen
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_scaling import MemoryScaling
from tests.scaling_worlds import Region, once, region
from tests.worlds import NOON


def evaluated(**shares: float) -> Region:
    here = region(ManualClock(NOON), MemoryScaling(MemoryDatabase()), 5, meter=Registry())
    here.serve(3, **shares)
    here.controller().evaluate()
    return here


def test_the_last_evaluation_s_environments_and_spillover() -> None:
    here = evaluated(busy_share=0.5)
    seen = last_seen(here.store.decisions(1), here.clock())
    assert seen == ScalingFigures(requested=5, ready=5, in_use=1.5, spilled_per_second=0.0)


def test_what_it_did_not_know_is_not_zero() -> None:
    here = region(ManualClock(NOON), MemoryScaling(MemoryDatabase()), 5, broken=True)
    here.controller().evaluate()
    seen = last_seen(here.store.decisions(1), here.clock())
    assert seen == ScalingFigures(requested=5, ready=5, in_use=None, spilled_per_second=None)


def test_nothing_is_said_of_an_evaluation_long_ago_or_of_none() -> None:
    here = evaluated()
    here.clock.advance(SEEN_LIFE.total_seconds())
    assert last_seen(here.store.decisions(1), here.clock()) is None
    assert last_seen([], here.clock()) is None


def test_evaluations_are_counted_by_decision_and_by_what_came_of_them() -> None:
    registry = Registry()
    here = region(ManualClock(NOON), MemoryScaling(MemoryDatabase()), 5, meter=registry)
    here.serve(5, cpu_share=0.95)
    here.controller().preview()
    assert registry.values() == {}
    report = here.controller().run(once(8))
    values = registry.values()
    decisions = {key.partition("|")[2]: value for key, value in values.items() if key.startswith(SCALING_DECISIONS)}
    moves = {key.partition("|")[2]: value for key, value in values.items() if key.startswith(SCALING_MOVES)}
    assert sum(decisions.values()) == sum(moves.values()) == report.evaluations == 8
    assert decisions["out"] >= moves["moved"] == report.moves > 0
