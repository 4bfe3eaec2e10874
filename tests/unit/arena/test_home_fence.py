"""Which writes of a decision and of a fence meet."""

from datetime import UTC, datetime

from chalicelib.arena.emission import STRIPES
from chalicelib.arena.home_fence import minding, raised
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Insert, Update
from chalicelib.arena.stripes import COLLECTION, counters
from tests.worlds import NOON

WRITE = Update("users", {"telegramId": "1"}, {"$set": {"bio": "x"}})


def test_a_decision_writes_a_stripe_of_its_day_once() -> None:
    paid = (WRITE, counters(utc_day(NOON), 3, [("spentNeur", 5)]), Insert("outbox", ({},)))
    assert minding(paid, NOON, 3) == paid
    first, touched = minding([WRITE], NOON, 3)
    assert first == WRITE
    assert (touched.collection, getattr(touched, "upsert", None)) == (COLLECTION, True)
    assert touched.where == {"_id": f"{utc_day(NOON)}#3"}  # type: ignore[union-attr]  # an Update


def test_a_fence_writes_every_stripe_a_decision_may_write() -> None:
    """In whichever day somebody stalled around midnight, or whose clock differs, believes to be."""
    ids = {write.where["_id"] for write in raised(NOON)}
    assert ids == {f"{utc_day(NOON)}#{stripe}" for stripe in range(STRIPES)}
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    ids = {write.where["_id"] for write in raised(midnight)}
    assert ids == {f"{day}#{stripe}" for day in ("2026-11-23", "2026-11-24") for stripe in range(STRIPES)}
    ids = {write.where["_id"] for write in raised(NOON, midnight)}
    assert {name.partition("#")[0] for name in ids} == {utc_day(NOON), "2026-11-23", "2026-11-24"}


def test_no_write_is_one_that_changes_nothing() -> None:
    """Such a one would not conflict."""
    for write in (*raised(NOON), minding([], NOON, 0)[0]):
        assert isinstance(write, Update)
        assert list(write.change["$inc"].values()) == [1]
