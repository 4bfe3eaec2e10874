"""The scheduled comparison: by questions and answers that are signed, a part at a time, without false alarms."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.arena.ports import Update
from chalicelib.clock import ManualClock
from chalicelib.data.extended_json import from_json, to_json
from chalicelib.errors import ArenaError, Unavailable
from chalicelib.locks import Guard
from chalicelib.messaging.home_region import HomeAnswer, HomeRegionApi
from chalicelib.messaging.neighbour import HttpNeighbour
from chalicelib.messaging.region_api import RegionApi
from chalicelib.replication.asking import DOCUMENTS_MAX, ENTITY, Answering, ask_named
from chalicelib.replication.patrol import Patrol, Patrolling, PatrolReport, loaded, stored
from chalicelib.replication.questions import question
from chalicelib.replication.signing import Keyring
from tests.fakes.memory_region_books import MemoryRegionBooks
from tests.regions_apart import REGIONS, Apart, apart, content, damage
from tests.replicated import KEYRING, OTHER_KEYRING, nested
from tests.unit.replication.test_verify import opened, verifier
from tests.worlds import NOON

GUARD = Guard("schedule:replication_verify", 1)


class MemoryPatrol:
    """``patrol.PatrolMemory``."""

    def __init__(self) -> None:
        self.document: dict[str, Any] | None = None

    def load(self) -> Patrol:
        return loaded(self.document)

    def save(self, patrol: Patrol, guard: Guard, now: datetime) -> None:
        self.document = json.loads(json.dumps(to_json(stored(patrol))))
        self.document = from_json(self.document)


class Wire(HomeRegionApi):
    """Another region's API, as far as this goes: its answers as HTTP would bring them."""

    def __init__(self, answering: Answering) -> None:
        super().__init__()
        self.answering = answering
        self.away = False
        self.asked = 0
        self.ids: set[str] = set()
        """X-Request-Ids it was asked under."""
        self.bytes = 0

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        if self.away:
            raise Unavailable("home_unreachable")
        self.asked += 1
        self.ids.add(headers["X-Request-Id"])
        try:
            text = json.dumps({"data": self.answering.answer(json.loads(body))})
        except ArenaError as error:
            return HomeAnswer(error.status, {}, error.code)
        self.bytes += len(text)
        return HomeAnswer(200, {}, text)


def answering(books: MemoryRegionBooks, clock: ManualClock | None = None) -> Answering:
    return Answering(books, KEYRING, REGIONS, clock or ManualClock(NOON), to_json=to_json, from_json=from_json)


class World:
    """The first region's patrol, and wires to the others."""

    def __init__(self, regions: Apart) -> None:
        here, *others = opened(regions.regions)
        self.books = [here, *others]
        self.wires = {one.region: Wire(answering(one)) for one in others}
        self.memory = MemoryPatrol()
        ids = iter(range(1, 10**9))
        neighbours = [
            HttpNeighbour(
                RegionApi(
                    region,
                    lambda: "https://other.example",
                    wire,
                    own_region=here.region,
                    keyring=KEYRING,
                    clock=ManualClock(NOON),
                    new_id=lambda: f"{next(ids):024x}",
                    correlation=lambda: "run 1",
                ),
                to_json=to_json,
                from_json=from_json,
            )
            for region, wire in self.wires.items()
        ]
        self.patrol = Patrolling(here, neighbours, self.memory, ManualClock(NOON))

    def run(self, *, segments: int = 1000, segment: int = 50) -> PatrolReport:
        return self.patrol.run(lambda: True, GUARD, segments=segments, segment=segment)


@pytest.mark.parametrize("seed", range(5))
def test_what_verify_finds_the_patrol_finds_too_in_its_second_run(seed: int) -> None:
    """The first has suspects only: they may be under way."""
    print(f"seed {seed}")
    draw = random.Random(seed)
    regions = apart(content(draw, players=40, battles=120))
    damage(draw, regions, 12)
    found = {
        (one.collection, one.key)
        for one in verifier(opened(regions.regions)).run(repair=False).differences
        if one.action in ("insert", "change")
    }
    world = World(regions)
    first, second = world.run(), world.run()
    assert (first.rounds, first.differences) == (1, 0)
    assert second.differences > 0
    assert second.named
    assert [wire.ids for wire in world.wires.values()] == [{"run 1"}] * len(world.wires)
    suspects = {(one.collection, one.key) for one in world.memory.load().suspects}
    missing = {one for one in found if one not in suspects}
    # A fact that has another name in one region is two suspects under either name.
    assert not missing or {collection for collection, _ in missing} <= {"battles", "ledgerentries"}


def test_regions_that_agree_cost_a_question_per_range() -> None:
    """And an answer of a few bytes per document."""
    world = World(apart(content(random.Random(1), players=40, battles=120)))
    report = world.run()
    assert (report.suspects, report.unreachable, report.rounds) == (0, [], 1)
    for wire in world.wires.values():
        print(f"{report.documents} documents, {wire.asked} questions, {wire.bytes} bytes of answers")
        assert wire.asked <= report.documents / 50 + 13


def test_it_goes_on_where_it_stopped() -> None:
    """A few ranges a run, until the round is done."""
    world = World(apart(content(random.Random(1), players=40, battles=120)))
    runs = 0
    while world.run(segments=2, segment=20).rounds == 0:
        runs += 1
    assert runs > 5


def test_what_arrives_meanwhile_is_no_difference() -> None:
    """Nor what changes from one run to the next: it is looked at again."""
    regions = apart(content(random.Random(1), players=10, battles=10))
    world = World(regions)
    battle = world.books[1].database
    document = battle.now().find("guilds")[0]
    battle.commit([Update("guilds", {"_id": document["_id"]}, {"$inc": {"vaultNeur": 5}})])
    assert world.run().suspects == 1
    world.books[0].database.commit([Update("guilds", {"_id": document["_id"]}, {"$inc": {"vaultNeur": 1}})])
    assert world.run().differences == 0
    world.books[0].database.commit([Update("guilds", {"_id": document["_id"]}, {"$inc": {"vaultNeur": 4}})])
    assert world.run().differences == 0
    # The third region has not heard of it yet.
    world.books[2].database.commit([Update("guilds", {"_id": document["_id"]}, {"$inc": {"vaultNeur": 5}})])
    world.run()
    assert world.memory.load().suspects == ()


def test_a_region_that_is_away_is_named_and_the_others_are_compared() -> None:
    """Its suspects wait."""
    regions = apart(content(random.Random(1), players=10, battles=10))
    regions.regions[REGIONS[1]]["brokers"].pop()
    regions.regions[REGIONS[2]]["brokers"].pop(0)
    world = World(regions)
    assert world.run().suspects == 2
    world.wires[REGIONS[1]].away = True
    report = world.run()
    assert report.unreachable == [f"{REGIONS[1]}: home_unreachable"]
    assert report.differences == 1
    world.wires[REGIONS[1]].away = False
    assert world.run().differences == 2


MANY = {"changes": [], "ask": {"kind": "named", "keys": [[number] for number in range(501)]}}


def asked(keyring: Keyring = KEYRING, **fields: Any) -> Any:
    ask = ask_named([("7",)], to_json)
    found = question(ask, "users", entity=ENTITY, region=REGIONS[0], event_id="a" * 24, now=NOON, keyring=KEYRING)
    return keyring.sign(replace(found, **fields)).wire()


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({}, "malformed_envelope"),
        (asked(source_region="mars-north-1"), "unknown_source"),
        (asked(sent_at="2020-01-01T00:00:00Z"), "stale"),
        (asked(entity="users"), "malformed_question"),
        (asked(key="secrets"), "malformed_question"),
        (asked(payload={"changes": [], "ask": {"kind": "whole"}}), "malformed_question"),
        (asked(payload={"changes": [], "ask": {"kind": "digests", "places": 5}}), "malformed_question"),
        (asked(payload=MANY), "malformed_question"),
        (asked(payload={"changes": [], "ask": {"kind": "named", "keys": nested()}}), "malformed_question"),
        ({**asked(), "key": "brokers"}, "bad_signature"),
        (asked(keyring=OTHER_KEYRING), "unknown_key"),
    ],
)
def test_only_good_questions_of_known_regions_are_answered(found: Any, code: str) -> None:
    """Each refusal with its code."""
    (books, *_) = opened(apart(content(random.Random(1), players=2, battles=1)).regions)
    with pytest.raises(ArenaError) as refusal:
        answering(books).answer(found)
    assert refusal.value.code == code
    assert answering(books).answer(asked()) == {"rows": []}


def test_a_range_too_wide_to_read_at_once_is_refused() -> None:
    """Of a region that has lost nearly everything: it learns so, and reads no million documents for it."""

    class Endless(MemoryRegionBooks):
        def page(self, collection: str, after: Any, limit: int) -> tuple[list[dict[str, Any]], Any]:
            first = int(after or 0)
            documents = [{"telegramId": f"{number:09}"} for number in range(first + 1, first + limit + 1)]
            return documents, documents[-1]["telegramId"]

    (books, *_) = opened(apart(content(random.Random(1), players=2, battles=1)).regions)
    endless = Endless(books.region, books.database, books.catalogue, ManualClock(NOON))
    with pytest.raises(ArenaError, match=str(DOCUMENTS_MAX)):
        answering(endless).answer(asked(payload={"changes": [], "ask": {"kind": "rows", "places": [None, None]}}))


def test_a_question_is_good_for_minutes() -> None:
    """By the answering region's clock."""
    (books, *_) = opened(apart(content(random.Random(1), players=2, battles=1)).regions)
    assert answering(books, ManualClock(NOON + timedelta(minutes=4))).answer(asked()) == {"rows": []}
    for minutes in (6, -6):
        with pytest.raises(ArenaError) as refusal:
            answering(books, ManualClock(NOON + timedelta(minutes=minutes))).answer(asked())
        assert refusal.value.code == "stale"
