"""Who may take over from whom, in which order, and what is refused."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.replication.failover import (
    SETTLE_SECONDS,
    FailoverRefused,
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
        self.events: list[Document] = []
        self.applied: list[Any] = []

    def roles(self) -> list[Document]:
        return list(self.stored.values())

    def write_role(self, region: str, served_by: str | None, epoch: int, now: datetime) -> None:
        if self.stored.get(region, {"epoch": 0})["epoch"] < epoch:
            self.stored[region] = {"_id": region, "servedBy": served_by, "epoch": epoch, "changedAt": now}
        self.log.append(f"{self.name}: {region} by {served_by}")

    def told(self, after: Any, limit: int) -> list[Document]:
        return [event for event in self.events if after is None or event["_id"] > after][:limit]

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
        event_id = ObjectId()
        version = f"{len(self.events):017x}"
        self.events.append(
            {"_id": event_id, "region": self.name, "version": version, "occurredAt": NOON, "changes": list(needs)}
        )
        return event_id


def hands() -> tuple[dict[str, Hand], list[str]]:
    log: list[str] = []
    return {region: Hand(region, log) for region in REGIONS}, log


def done(takeover: Takeover, found: dict[str, Hand], log: list[str]) -> Report:
    clock = ManualClock(NOON)

    def sleep(seconds: float) -> None:
        log.append("waited")
        clock.advance(seconds)

    return carry_out(takeover, found, clock=clock, sleep=sleep, tell=lambda _: None)


def test_fence_wait_drain_serve() -> None:
    found, log = hands()
    events = [found[A].tell() for _ in range(50)]
    found[B].applied = events[:40]
    takeover = plan_failover(REGIONS, NOBODY_KNOWS, failed=A)
    report = done(takeover, found, log)
    assert log == [
        *(f"{region}: {A} by None" for region in REGIONS),
        "waited",
        f"{B}: applied 10",
        f"{B}: {A} by {B}",
        f"{A}: {A} by {B}",
        f"{C}: {A} by {B}",
    ]
    assert (set(found[B].applied), report.drained, report.early) == (set(events), {A: 10}, 0)
    assert report.unserved_seconds == SETTLE_SECONDS
    assert all(hand.stored[A]["epoch"] == 2 for hand in found.values())


def test_a_run_that_died_is_run_again() -> None:
    """The first fenced and died: the second's fence has a higher number, and ends as the first would have."""
    found, log = hands()
    for hand in found.values():
        hand.write_role(A, None, 1, NOON)
    takeover = plan_failover(REGIONS, {name: hand.roles() for name, hand in found.items()}, failed=A)
    assert (takeover.serving, takeover.epoch) == (B, 2)
    done(takeover, found, log)
    assert found[C].stored[A]["servedBy"] == B


def test_a_return_catches_up_before_anything_is_fenced() -> None:
    found, log = hands()
    done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found, log)
    events = [found[B].tell() for _ in range(3)]
    log.clear()
    report = done(plan_return(REGIONS, {name: hand.roles() for name, hand in found.items()}, region=A), found, log)
    assert log[0] == f"{A}: applied 3"
    assert log[1:4] == [f"{region}: {A} by None" for region in REGIONS]
    assert log[-3:] == [f"{region}: {A} by {A}" for region in REGIONS]
    assert (found[A].applied, report.drained) == (events, {B: 3})
    assert found[B].stored[A] == {**found[B].stored[A], "servedBy": A, "epoch": 4}


def test_what_comes_too_early_is_tried_again_and_what_needs_nothing_there_is_counted() -> None:
    found, log = hands()
    beginning = found[C].tell()
    found[A].tell(beginning)
    found[A].tell("nowhere")
    report = done(plan_failover(REGIONS, NOBODY_KNOWS, failed=A), found, log)
    assert (report.drained, report.early) == ({A: 1, C: 1}, 1)


@pytest.mark.parametrize(
    ("arguments", "found", "reason"),
    [
        ({"failed": "mars"}, NOBODY_KNOWS, "no region 'mars'; there are: us-east-1, eu-west-1, ap-southeast-1"),
        ({"failed": A, "to": A}, NOBODY_KNOWS, "can't take over from itself"),
        ({"failed": A}, {A: []}, "no other region answers"),
        ({"failed": A}, {B: [], C: []}, "with --force"),
        ({"failed": A, "to": C}, {A: [], B: []}, "choose of: eu-west-1"),
        ({"failed": A}, {B: [{"_id": A, "servedBy": C, "epoch": 2}], A: [], C: []}, "serves for us-east-1 already"),
    ],
)
def test_refusals(arguments: dict[str, Any], found: dict[str, list[Document]], reason: str) -> None:
    with pytest.raises(FailoverRefused) as refusal:
        plan_failover(REGIONS, found, **arguments)
    assert reason in str(refusal.value)


def test_force_is_for_a_database_that_is_gone() -> None:
    takeover = plan_failover(REGIONS, {B: [], C: []}, failed=A, force=True)
    assert (takeover.forced, takeover.serving, takeover.unreachable) == (True, B, (A,))
    assert not plan_failover(REGIONS, NOBODY_KNOWS, failed=A, force=True).forced


def test_nothing_to_return() -> None:
    with pytest.raises(FailoverRefused, match="serves itself"):
        plan_return(REGIONS, NOBODY_KNOWS, region=A)
