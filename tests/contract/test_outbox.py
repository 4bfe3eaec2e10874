"""The outbox: each event to each region that waits for it, by one publisher at a time, and kept until all have it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from chalicelib.arena.outbox import COLLECTION, KEPT
from chalicelib.replication.outbox_ports import CLAIMED, Waiting
from tests.worlds import NOON, World

EAST, WEST = "ap-southeast-1", "eu-west-1"


def committed(world: World, number: int, *pending: str, **fields: Any) -> Any:
    """The id of an event, the later the higher its number."""
    moment = NOON + timedelta(seconds=number)
    return world.add(COLLECTION, key=str(number), occurredAt=moment, pending=list(pending), **fields)["_id"]


def keys(events: list[dict[str, Any]]) -> list[str]:
    return [event["key"] for event in events]


def test_a_region_gets_what_it_waits_for_oldest_first(world: World) -> None:
    for number in (3, 1, 2, 4):
        committed(world, number, EAST)
    committed(world, 0, WEST)
    assert keys(world.outbox.claim(EAST, NOON, 3)) == ["1", "2", "3"]
    assert keys(world.outbox.claim(EAST, NOON, 3)) == ["4"]
    assert world.outbox.claim(EAST, NOON, 3) == []


def test_a_claim_ends_by_itself_and_is_one_regions(world: World) -> None:
    committed(world, 1, EAST, WEST)
    assert keys(world.outbox.claim(EAST, NOON, 9)) == ["1"]
    assert keys(world.outbox.claim(WEST, NOON, 9)) == ["1"]
    assert world.outbox.claim(EAST, NOON + CLAIMED - timedelta(milliseconds=1), 9) == []
    assert keys(world.outbox.claim(EAST, NOON + CLAIMED, 9)) == ["1"]


def test_what_one_region_has_the_others_still_wait_for(world: World) -> None:
    event = committed(world, 1, EAST, WEST)
    world.outbox.claim(EAST, NOON, 9)
    world.outbox.sent(EAST, [event], NOON)
    assert world.one(COLLECTION)["pending"] == [WEST]
    assert "expiresAt" not in world.one(COLLECTION)
    assert world.outbox.claim(EAST, NOON + CLAIMED, 9) == []
    world.outbox.sent(WEST, [event], NOON)
    assert world.one(COLLECTION)["expiresAt"] == NOON + KEPT


def test_an_event_with_work_left_to_do_is_kept(world: World) -> None:
    event = committed(world, 1, EAST, followUpsDueAt=NOON)
    world.outbox.sent(EAST, [event], NOON)
    assert "expiresAt" not in world.one(COLLECTION)


def test_nothing_sent_is_nothing_done(world: World) -> None:
    world.outbox.sent(EAST, [], NOON)
    world.outbox.set_aside(EAST, {}, NOON)


def test_what_cannot_be_sent_is_kept_and_says_why(world: World) -> None:
    event = committed(world, 1, EAST, WEST)
    world.outbox.set_aside(EAST, {event: "too_large"}, NOON)
    stored = world.one(COLLECTION)
    assert (stored["pending"], stored["setAside"]) == ([WEST], [{"region": EAST, "fault": "too_large", "at": NOON}])
    assert world.outbox.claim(EAST, NOON, 9) == []
    world.outbox.sent(WEST, [event], NOON)
    assert "expiresAt" not in world.one(COLLECTION)


def test_it_is_known_how_much_each_region_waits_for(world: World) -> None:
    assert world.outbox.waiting(EAST) == Waiting(events=0, oldest_at=None, set_aside=0)
    late, early = committed(world, 7, EAST), committed(world, 5, EAST, WEST)
    world.outbox.set_aside(EAST, {late: "too_large"}, NOON)
    assert world.outbox.waiting(EAST) == Waiting(events=1, oldest_at=NOON + timedelta(seconds=5), set_aside=1)
    world.outbox.sent(WEST, [early], NOON)
    assert world.outbox.waiting(WEST) == Waiting(events=0, oldest_at=None, set_aside=0)


def test_two_publishers_never_have_the_same_event(world: World) -> None:
    for number in range(60):
        committed(world, number, EAST)
    start = threading.Barrier(4, timeout=60)

    def claim_all() -> list[str]:
        start.wait()
        return [key for _ in range(12) for key in keys(world.outbox.claim(EAST, NOON, 20))]

    with ThreadPoolExecutor(4) as pool:
        claimed = [key for found in pool.map(lambda _: claim_all(), range(4)) for key in found]
    assert sorted(claimed, key=int) == [str(number) for number in range(60)]
