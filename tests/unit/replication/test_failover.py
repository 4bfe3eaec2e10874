"""Who may take over from whom, in which order, and what is refused."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.errors import Unavailable
from chalicelib.replication.applying import REMEMBERED
from chalicelib.replication.draining import LOOKED_AT_AGAIN, PAGE
from chalicelib.replication.failover import (
    FENCE_ATTEMPTS,
    PAUSE_SECONDS,
    FailoverRefused,
    FailoverUnfinished,
    Pace,
    Report,
    Takeover,
    carry_out,
    plan_failover,
    plan_return,
)
from chalicelib.replication.ports import Event
from tests.worlds import NOON

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
A, B, C = REGIONS
NOBODY_KNOWS: dict[str, list[Document]] = {region: [] for region in REGIONS}


class Hand:
    """A region's database in memory. Events need the ones named in their changes."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log
        self.stored: dict[str, Document] = {}
        self.own: list[Document] = []
        self.looked_at = 0
        self.held_up = 0
        """So many fences that some transaction outlasts."""
        self.fenced: Callable[[], object] = lambda: None
        self.applied: list[Any] = []

    def roles(self) -> list[Document]:
        return list(self.stored.values())

    def write_role(self, region: str, served_by: str | None, epoch: int, run: str, now: datetime) -> bool:
        if self.stored.get(region, {"epoch": 0})["epoch"] < epoch:
            role = {"_id": region, "servedBy": served_by, "epoch": epoch, "run": run, "changedAt": now}
            self.stored[region] = role
        self.log.append(f"{self.name}: {region} by {served_by}")
        if served_by is None:
            self.fenced()
            if self.held_up > 0:
                self.held_up -= 1
                raise Unavailable("database_unavailable")
        return bool(self.stored[region]["run"] == run)

    def told(self, after: Any, limit: int) -> list[Any]:
        self.looked_at += 1
        return [event["_id"] for event in self.own if after is None or event["_id"] > after][:limit]

    def events(self, event_ids: Sequence[Any]) -> list[Document]:
        return [event for event in self.own if event["_id"] in event_ids]

    def lacking(self, event_ids: Sequence[Any]) -> set[Any]:
        return set(event_ids) - set(self.applied)

    def apply(self, events: Sequence[Event]) -> list[Any]:
        early = []
        for event in events:
            if all(needed in self.applied for needed in event.changes):
                self.applied.append(event.event_id)
            else:
                early.append(event.event_id)
        self.log.append(f"{self.name}: applied {len(events) - len(early)}")
        return early

    def tell(self, *needs: Any) -> Any:
        # In the order they are told in; the driver's own counter begins anew every 16 million.
        event_id = ObjectId(f"{REGIONS.index(self.name):08x}{len(self.own):016x}")
        version = f"{len(self.own):017x}"
        self.own.append(
            {"_id": event_id, "region": self.name, "version": version, "occurredAt": NOON, "changes": list(needs)}
        )
        return event_id


def hands() -> tuple[dict[str, Hand], list[str]]:
    log: list[str] = []
    return {region: Hand(region, log) for region in REGIONS}, log


def done(takeover: Takeover, found: dict[str, Hand]) -> Report:
    clock = ManualClock(NOON)
    return carry_out(takeover, found, run="this", clock=clock, sleep=clock.advance, tell=lambda _: None)


def test_fence_drain_serve() -> None:
    found, log = hands()
    events = [found[A].tell() for _ in range(50)]
    found[B].applied = events[:40]
    takeover = plan_failover(REGIONS, NOBODY_KNOWS, failed=A)
    found[A].fenced = lambda: events.append(found[A].tell())
    report = done(takeover, found)
    assert log == [
        f"{B}: applied 10",
        *(f"{region}: {A} by None" for region in (B, A, C)),
        f"{B}: applied 1",
        *(f"{region}: {A} by {B}" for region in (B, A, C)),
    ]
    assert (set(found[B].applied), report.drained, report.early) == (set(events), {A: 11}, 0)
    assert report.unserved_seconds == 0
    assert all(hand.stored[A]["epoch"] == 2 for hand in found.values())


def test_a_fence_that_is_held_up_is_written_again_before_anything_is_drained() -> None:
    found, log = hands()
    found[A].held_up = 2
    report = done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    fences = [f"{region}: {A} by None" for region in (B, A, B, A, B, A, C)]
    assert log == [*fences, *(f"{region}: {A} by {B}" for region in (B, A, C))]
    assert report.unserved_seconds == 2 * PAUSE_SECONDS


def test_a_fence_that_is_held_up_too_long_leaves_nobody_serving() -> None:
    found, log = hands()
    found[A].held_up = FENCE_ATTEMPTS
    with pytest.raises(Unavailable):
        done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    assert not [line for line in log if line.endswith(f"by {B}")]
    assert {hand.stored.get(A, {"servedBy": A})["servedBy"] for hand in found.values()} == {None, A}


def test_a_run_that_died_is_run_again() -> None:
    """The first fenced and died: the second's fence has a higher number, and ends as the first would have."""
    found, _ = hands()
    for hand in found.values():
        hand.write_role(A, None, 1, "earlier", NOON)
    takeover = plan_failover(REGIONS, {name: hand.roles() for name, hand in found.items()}, failed=A)
    assert (takeover.serving, takeover.epoch) == (B, 2)
    done(takeover, found)
    assert found[C].stored[A]["servedBy"] == B


def test_a_return_catches_up_before_anything_is_fenced() -> None:
    found, log = hands()
    done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    events = [found[B].tell() for _ in range(3)]
    log.clear()
    report = done(plan_return(REGIONS, {name: hand.roles() for name, hand in found.items()}, region=A), found)
    assert log[0] == f"{A}: applied 3"
    assert log[1:4] == [f"{region}: {A} by None" for region in REGIONS]
    assert log[-3:] == [f"{region}: {A} by {A}" for region in REGIONS]
    assert (found[A].applied, report.drained) == (events, {B: 3})
    assert found[B].stored[A] == {**found[B].stored[A], "servedBy": A, "epoch": 4}


def test_what_comes_too_early_is_tried_again() -> None:
    found, _ = hands()
    beginning = found[C].tell()
    found[A].tell(beginning)
    report = done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    assert (report.drained, report.early) == ({A: 1, C: 1}, 0)


def test_what_needs_something_that_is_nowhere_stops_it_before_the_fence() -> None:
    found, _ = hands()
    found[A].tell("nowhere")
    with pytest.raises(FailoverRefused, match="1 events need one that is nowhere"):
        done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    assert not any(hand.stored for hand in found.values())
    assert done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A, force=True), found).early == 1


def test_what_is_too_old_is_left_out_and_counted() -> None:
    found, _ = hands()
    found[A].tell()
    found[A].own[0]["occurredAt"] = NOON - REMEMBERED - timedelta(days=1)
    report = done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    assert (report.too_old, report.drained) == (2, {})


def test_of_two_runs_at_once_one_ends() -> None:
    """Both planned the same numbers; whoever finds the other's mark stops."""
    found, _ = hands()
    found[C].write_role(A, None, 1, "the other", NOON)
    with pytest.raises(FailoverRefused, match="another run"):
        done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)


def test_the_second_pass_looks_at_the_end_only() -> None:
    found, _ = hands()
    again = LOOKED_AT_AGAIN // PAGE
    found[B].applied = [found[A].tell() for _ in range((again + 30) * PAGE)]
    done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found)
    assert found[A].looked_at <= again + 30 + 1 + again + 1


@pytest.mark.parametrize(
    ("arguments", "found", "reason"),
    [
        ({"failed": "mars"}, NOBODY_KNOWS, "no region 'mars'; there are: us-east-1, eu-west-1, ap-southeast-1"),
        ({"failed": A, "to": A}, NOBODY_KNOWS, "can't take over from itself"),
        ({"failed": A}, {A: []}, "no other region answers"),
        ({"failed": A}, {B: [], C: []}, f"{A} does not answer"),
        ({"failed": A}, {A: [], B: []}, f"{C} does not answer"),
        ({"failed": A, "to": C}, {A: [], B: []}, "choose of: eu-west-1"),
        ({"failed": A}, {B: [{"_id": A, "servedBy": C, "epoch": 2}], A: [], C: []}, "serves for us-east-1 already"),
    ],
)
def test_refusals(arguments: dict[str, Any], found: dict[str, list[Document]], reason: str) -> None:
    with pytest.raises(FailoverRefused) as refusal:
        plan_failover(REGIONS, found, **arguments)
    assert reason in str(refusal.value)


def test_force_accepts_what_does_not_answer() -> None:
    takeover = plan_failover(REGIONS, {B: [], C: []}, failed=A, force=True)
    assert (takeover.forced, takeover.serving, takeover.unreachable) == (True, B, (A,))


def test_whoever_helped_may_fail_as_well() -> None:
    """B serves for A and fails: C takes over, and A can be returned without B."""
    helped = [{"_id": A, "servedBy": B, "epoch": 2}]
    assert plan_failover(REGIONS, {A: helped, C: helped}, failed=A, to=C, force=True).epoch == 3
    with pytest.raises(FailoverRefused, match=f"{B} does not answer"):
        plan_return(REGIONS, {A: helped, C: helped}, region=A)
    assert plan_return(REGIONS, {A: helped, C: helped}, region=A, force=True).serving == A


def test_nothing_to_return() -> None:
    with pytest.raises(FailoverRefused, match="serves itself"):
        plan_return(REGIONS, NOBODY_KNOWS, region=A)


def test_a_return_that_not_all_have_heard_of_is_run_again() -> None:
    """It died while it told them: the last one would still let nobody serve."""
    back, fenced = [{"_id": A, "servedBy": A, "epoch": 4}], [{"_id": A, "servedBy": None, "epoch": 3}]
    again = plan_return(REGIONS, {A: back, B: back, C: fenced}, region=A)
    assert (again.serving, again.epoch) == (A, 5)


def hurried(
    takeover: Takeover,
    found: dict[str, Hand],
    *,
    looks: int = 10**9,
    drains: int = 10**9,
    page: int = 10,
    places: Any = None,
) -> Report:
    """A run that may go on so often while it catches up, and so often after the fence."""
    left = {"looks": looks, "drains": drains}

    def may(what: str) -> bool:
        left[what] -= 1
        return left[what] >= 0

    clock = ManualClock(NOON)
    return carry_out(
        takeover,
        found,
        run="this",
        clock=clock,
        sleep=clock.advance,
        tell=lambda _: None,
        pace=Pace(page=page, may_catch_up=lambda: may("looks"), may_drain=lambda: may("drains")),
        places=places or {},
    )


def test_without_time_to_catch_up_nothing_is_fenced_and_the_next_run_goes_on() -> None:
    """With time for little more than is looked at again it still comes forward each time."""
    found, _ = hands()
    found[B].applied = [found[A].tell() for _ in range(3 * LOOKED_AT_AGAIN)]
    takeover = plan_failover(REGIONS, NOBODY_KNOWS, failed=A)
    page = LOOKED_AT_AGAIN // 10
    seen: set[Any] = set()
    places: dict[str, Any] = {}
    while not (report := hurried(takeover, found, page=page, looks=13, places=places)).caught_up:
        assert not any(hand.stored for hand in found.values())
        assert (report.unserved_seconds, report.places[A] in seen) == (0, False)
        places = report.places
        seen.add(places[A])
    assert len(seen) > 3
    assert found[C].stored[A]["servedBy"] == B


def test_what_came_too_early_is_not_passed_over_by_the_next_run() -> None:
    found, _ = hands()
    beginning = found[C].tell()
    early = found[A].tell(beginning)
    later = [found[A].tell() for _ in range(30)]
    report = hurried(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found, looks=3)
    assert (report.caught_up, report.places) == (False, {})
    done = hurried(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found, places=report.places)
    assert (done.caught_up, done.early) == (True, 0)
    assert {beginning, early, *later} <= set(found[B].applied)


def test_without_time_to_drain_it_says_that_nobody_serves_and_is_run_again() -> None:
    found, _ = hands()
    found[A].tell()
    takeover = plan_failover(REGIONS, NOBODY_KNOWS, failed=A)
    with pytest.raises(FailoverUnfinished, match="run it again at once"):
        hurried(takeover, found, drains=0)
    assert [hand.stored[A]["servedBy"] for hand in found.values()] == [None, None, None]
    again = plan_failover(REGIONS, {name: hand.roles() for name, hand in found.items()}, failed=A)
    assert hurried(again, found).caught_up
    assert [hand.stored[A]["servedBy"] for hand in found.values()] == [B, B, B]
