"""Locks apart from any server: time, waiting, and what a holder is told."""

import random

import pytest

from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.locks import POLL_SECONDS, Guard, Held, Kept, Locks, Taken
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_fences import MemoryFences
from tests.worlds import NOON


class ScriptedLeases:
    """Answers as told; the last answer goes on."""

    def __init__(self, *, takes: list[Taken] | None = None, extends: list[Kept] | None = None) -> None:
        self.takes: list[Taken] = takes or ["taken"]
        self.extends: list[Kept] = extends or ["kept"]
        self.terms: list[int] = []
        self.released: list[str] = []

    def take(self, name: str, token: str, milliseconds: int) -> Taken:
        self.terms.append(milliseconds)
        return self.takes.pop(0) if len(self.takes) > 1 else self.takes[0]

    def extend(self, name: str, token: str, milliseconds: int) -> Kept:
        self.terms.append(milliseconds)
        return self.extends.pop(0) if len(self.extends) > 1 else self.extends[0]

    def release(self, name: str, token: str) -> None:
        self.released.append(token)


class Time:
    """A monotonic clock that pauses move."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def fences() -> MemoryFences:
    return MemoryFences(MemoryDatabase(), ManualClock(NOON))


def locks(leases: ScriptedLeases | None, time: Time, numbers: MemoryFences | None = None) -> Locks:
    return Locks(leases, numbers or fences(), monotonic=time, pause=time.pause, choice=random.Random(1))


def held_by(made: Locks, seconds: float = 30.0) -> Held:
    held = made.acquire("work", seconds=seconds)
    assert held is not None
    return held


def test_a_busy_lock_is_not_waited_for_unless_asked() -> None:
    time, leases = Time(), ScriptedLeases(takes=["busy"])
    assert locks(leases, time).acquire("work") is None
    assert time.pauses == []
    assert leases.terms == [30_000]


def test_waiting_is_bounded_and_polls_at_random() -> None:
    time, leases = Time(), ScriptedLeases(takes=["busy"])
    assert locks(leases, time).acquire("work", wait_seconds=1.0) is None
    assert time.now == pytest.approx(1001.0)
    assert max(time.pauses) <= POLL_SECONDS
    assert len(set(time.pauses)) > len(time.pauses) // 2
    assert leases.released == []


def test_what_is_waited_for_is_had_when_it_is_free() -> None:
    time = Time()
    with locks(ScriptedLeases(takes=["busy", "busy", "taken"]), time).hold("work", wait_seconds=9.0) as held:
        assert held is not None
        assert held.exclusive
        assert held.remaining(time()) == pytest.approx(30.0)
    assert len(time.pauses) == 2


def test_the_term_is_counted_from_before_it_was_asked_for() -> None:
    """And is over when the lock is given back."""
    time, leases = Time(), ScriptedLeases()
    with locks(leases, time).hold("work", seconds=2.5) as held:
        assert held is not None
        time.now += 1
        assert held.remaining(time()) == pytest.approx(1.5)
        time.now += 5
        assert held.remaining(time()) == 0
        assert held.extend()
        assert held.remaining(time()) == pytest.approx(2.5)
    assert held.remaining(time()) == 0
    assert leases.terms == [2500, 2500]
    assert len(leases.released) == 1


def test_work_in_steps_extends_on_the_way_and_ends_with_the_lock() -> None:
    time, leases = Time(), ScriptedLeases(extends=["kept", "lost"])
    held = held_by(locks(leases, time))
    steps = iter([True] * 5 + [False])
    go_on = held.while_held(lambda: next(steps))
    told = []
    for seconds in (5, 4, 2, 9, 2):
        time.now += seconds
        told.append(go_on())
    assert told == [True, True, True, True, False]
    assert len(leases.terms) == 3
    assert held.remaining(time()) == 0
    assert not go_on()
    assert len(leases.terms) == 3, "who may not go on asks for no term"


def test_without_an_answer_the_fence_decides() -> None:
    """At the beginning and later: a holder goes on until somebody newer has drawn."""
    for leases in (None, ScriptedLeases(takes=["unknown"]), ScriptedLeases(extends=["unknown"])):
        numbers = fences()
        held = held_by(locks(leases, Time(), numbers))
        assert held.exclusive == (leases is not None and leases.takes == ["taken"])
        assert held.extend()
        newer = numbers.draw("work")
        assert newer > held.fence
        assert not held.extend()


def test_a_lease_that_may_have_been_taken_is_given_back() -> None:
    leases = ScriptedLeases(takes=["unknown"])
    held_by(locks(leases, Time())).release()
    assert len(leases.released) == 1


def test_a_lease_without_a_fence_is_given_back() -> None:
    class Down(MemoryFences):
        def draw(self, lock: str) -> int:
            raise Unavailable("database_unavailable")

    leases = ScriptedLeases()
    with pytest.raises(Unavailable):
        locks(leases, Time(), Down(MemoryDatabase(), ManualClock(NOON))).acquire("work")
    assert len(leases.released) == 1


def test_a_lock_is_given_back_when_the_work_fails() -> None:
    leases = ScriptedLeases()

    def fail() -> None:
        with locks(leases, Time()).hold("work") as held:
            assert held is not None
            assert held.guard == Guard("work", held.fence)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(leases.released) == 1


def test_every_holder_has_a_token_of_its_own() -> None:
    leases = ScriptedLeases()
    made = locks(leases, Time())
    for _ in range(100):
        held_by(made).release()
    assert len(set(leases.released)) == 100
    assert {len(token) for token in leases.released} == {32}
