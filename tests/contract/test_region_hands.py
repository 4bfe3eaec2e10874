"""A region's hand: on its database, and asked by another region's HTTP, behave alike."""

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.emission import STRIPES
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.data.operations import Operations
from chalicelib.data.region_hands import MongoRegionHand
from chalicelib.data.store import MongoStore
from chalicelib.errors import ArenaError, Unavailable
from chalicelib.messaging.hand import BYTES_MAX, PATH, HttpHand
from chalicelib.messaging.home_region import HomeAnswer, HomeRegionApi
from chalicelib.messaging.region_api import RegionApi
from chalicelib.replication.conversion import stored_event
from chalicelib.replication.draining import RegionHand
from chalicelib.replication.hands import EVENTS_MAX, Handing
from chalicelib.replication.ports import APPLIED, Event
from chalicelib.replication.versions import next_version
from tests.replicated import HERE, KEYRING, WEST
from tests.worlds import NOON, mongo_world

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


@dataclass
class Wire(HomeRegionApi):
    """Carries questions as text to the answering side, as often as they are asked."""

    handing: Handing
    sent: list[int] = field(default_factory=list)
    """Bytes of each question."""
    lost: int = 0
    """Answers that get lost, from now on."""
    url: str = "https://west.example"

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        assert (method, url) == ("POST", self.url + PATH)
        self.sent.append(len(body))
        try:
            text = json.dumps({"ok": True, "data": self.handing.answer(json.loads(body))[1]})
        except ArenaError as error:
            return HomeAnswer(error.status, {}, error.code)
        if self.lost:
            self.lost -= 1
            raise Unavailable("home_unreachable", "the answer is lost")
        return HomeAnswer(200, {}, text)


@dataclass(frozen=True)
class Region:
    """The region whose hand it is."""

    hand: RegionHand
    database: Database[Document]
    wire: Wire


@pytest.fixture
def west(database: Database[Document], mongo_uri: str) -> Iterator[Region]:
    world, pools = mongo_world(database, mongo_uri)
    assert isinstance(world.store, MongoStore)
    direct = MongoRegionHand(Operations(pools, database.name, budget_seconds=20), world.store, world.clock, name=WEST)
    handing = Handing(
        direct,
        KEYRING,
        sources=[HERE],
        regions=REGIONS,
        clock=ManualClock(NOON),
        to_json=to_json,
        from_json=from_json,
    )
    yield Region(direct, database, Wire(handing))
    pools.close()


@pytest.fixture(params=["database", "http"])
def region(request: pytest.FixtureRequest, west: Region) -> Region:
    return west if request.param == "database" else replace(west, hand=asking(west.wire))


def asking(wire: Wire) -> HttpHand:
    ids = itertools.count(1)
    api = RegionApi(
        WEST,
        lambda: wire.url,
        wire,
        own_region=HERE,
        keyring=KEYRING,
        clock=ManualClock(NOON),
        new_id=lambda: f"{next(ids):024x}",
    )
    return HttpHand(api, to_json=to_json, from_json=from_json)


def event(number: int, bio: str = "told") -> Event:
    """The player of that number is told."""
    changes = [{"collection": "users", "key": str(number), "set": {"bio": bio}, "entries": {}, "base": {}}]
    version = next_version(NOON, (), 14)[:-5] + f"{number:05x}"
    # In the order they are told in; the driver's own counter begins anew every 16 million.
    event_id = ObjectId(f"{number + 1:024x}")
    return Event(event_id=event_id, source_region=HERE, version=version, occurred_at=NOON, changes=changes)


def stored(database: Database[Document], *events: Event) -> list[Any]:
    rows = [
        {
            "_id": one.event_id,
            "region": WEST,
            "version": one.version,
            "occurredAt": one.occurred_at,
            "changes": list(one.changes),
            "pending": [HERE],
        }
        for one in events
    ]
    database.outbox.insert_many(rows)
    return [row["_id"] for row in rows]


def test_a_role_is_written_once_for_each_epoch(region: Region) -> None:
    """Whoever comes second learns that it is another's, however often it asks."""
    hand = region.hand
    assert hand.roles() == []
    assert hand.write_role(HERE, None, 1, "mine", NOON)
    assert hand.write_role(HERE, None, 1, "mine", NOON)
    assert not hand.write_role(HERE, WEST, 1, "another's", NOON)
    assert hand.write_role(HERE, WEST, 2, "mine", NOON)
    assert not hand.write_role(HERE, None, 1, "mine", NOON)
    (role,) = hand.roles()
    assert role == {"_id": HERE, "servedBy": WEST, "epoch": 2, "run": "mine", "changedAt": NOON}


def test_a_fence_writes_every_stripe_after_the_role_and_nothing_else_does(region: Region) -> None:
    hand, stripes = region.hand, region.database.economydays
    assert hand.write_role(HERE, WEST, 1, "mine", NOON)
    assert stripes.count_documents({}) == 0
    assert hand.write_role(HERE, None, 2, "mine", NOON)
    assert sorted(stripes.distinct("stripe")) == list(range(STRIPES))
    # Called again, because the first was held up, it waits again; somebody else's fence is not waited for.
    assert hand.write_role(HERE, None, 2, "mine", NOON)
    assert not hand.write_role(HERE, None, 2, "another's", NOON)
    # Of the hand's own day: the database's clock may come to another one between the two.
    assert stripes.distinct("fences", {"day": utc_day(NOON)}) == [2]


def test_a_fence_goes_by_the_databases_clock_too(region: Region) -> None:
    """The hand's is a week or more behind."""
    (there,) = region.database.aggregate([{"$documents": [{"now": "$$NOW"}]}])
    assert region.hand.write_role(HERE, None, 1, "mine", NOON)
    stripes = region.database.economydays.find({"day": utc_day(there["now"])})
    assert sorted(stripe["stripe"] for stripe in stripes) == list(range(STRIPES))


def test_events_are_told_in_order_and_read_by_id(region: Region) -> None:
    """As they are applied elsewhere: nothing is lost on the way."""
    events = [event(number) for number in range(EVENTS_MAX + 5)]
    ids = stored(region.database, *events)
    assert region.hand.told(None, 10) == ids[:10]
    assert region.hand.told(ids[9], 100) == ids[10:]
    assert region.hand.told(ids[-1], 100) == []
    found = {row["_id"]: stored_event(row) for row in region.hand.events(ids)}
    assert found == {one.event_id: replace(one, source_region=WEST) for one in events}
    assert region.hand.events([]) == []


def test_events_are_applied_once_and_what_is_early_is_said(region: Region) -> None:
    begun, unknown = event(1), {"collection": "brokers", "key": ObjectId(), "set": {"level": 2}, "entries": {}}
    changed = replace(event(2), changes=[{**unknown, "base": {}}])
    assert region.hand.lacking([begun.event_id, changed.event_id]) == {begun.event_id, changed.event_id}
    assert region.hand.apply([begun, changed]) == [changed.event_id]
    assert region.hand.apply([begun, changed]) == [changed.event_id]
    assert region.hand.lacking([begun.event_id, changed.event_id]) == {changed.event_id}
    assert region.database[APPLIED].count_documents({}) == 1
    assert region.database.users.find_one({"telegramId": "1"}, {"bio": 1, "_id": 0}) == {"bio": "told"}


def test_many_and_large_ones_are_applied_in_parts(region: Region) -> None:
    events = [event(number, bio="x" * 60_000) for number in range(EVENTS_MAX + 10)]
    assert region.hand.apply(events) == []
    assert region.database.users.count_documents({}) == len(events)
    assert max(region.wire.sent, default=0) < BYTES_MAX + 65_536


def test_an_answer_that_is_lost_is_asked_for_again(west: Region) -> None:
    """Once: everything may be asked twice. Roles are asked once, whoever does not answer at once is not there."""
    wire, hand, one = west.wire, asking(west.wire), event(1)
    wire.lost = 1
    assert hand.write_role(HERE, None, 1, "mine", NOON)
    wire.lost = 1
    assert hand.apply([one]) == []
    assert hand.lacking([one.event_id]) == set()
    for lost, ask in ((1, hand.roles), (2, lambda: hand.told(None, 1))):
        wire.lost = lost
        with pytest.raises(Unavailable, match="lost"):
            ask()
