"""``verify``: whatever is damaged in one region is found and healed in all, and nothing else is touched."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from bson import ObjectId

from chalicelib.arena.ports import Document, Insert
from chalicelib.clock import ManualClock
from chalicelib.replication.ports import APPLIED
from chalicelib.replication.verify import GRACE, Verifier
from chalicelib.replication.verify_report import Position
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_region_books import MemoryRegionBooks
from tests.fakes.memory_store import MemoryCatalogue
from tests.regions_apart import REGIONS, Apart, Content, apart, content, damage, meaning, untouched
from tests.worlds import NOON

SEEDS = range(10)


def opened(regions: Mapping[str, Content]) -> list[MemoryRegionBooks]:
    books = []
    for region, found in regions.items():
        database = MemoryDatabase()
        database.commit([Insert(name, tuple(documents)) for name, documents in found.items()])
        books.append(MemoryRegionBooks(region, database, MemoryCatalogue(database), ManualClock(NOON)))
    return books


def verifier(books: Sequence[MemoryRegionBooks], waited: list[timedelta] | None = None) -> Verifier:
    return Verifier(books, ManualClock(NOON), ([] if waited is None else waited).append)


def read(books: MemoryRegionBooks) -> dict[str, list[Document]]:
    moment = books.database.now()
    return {name: moment.find(name) for name in moment.tables}


def damaged(seed: int, count: int) -> Apart:
    draw = random.Random(seed)
    world = apart(content(draw, players=40, battles=120))
    damage(draw, world, count)
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_differs_is_found_and_healed_and_nothing_else_is_touched(seed: int) -> None:
    """Random damage of every kind, in random regions."""
    world = damaged(seed, 12)
    print(f"seed {seed}\n" + "\n".join(world.told))
    books = opened(world.regions)
    before = verifier(books).run(repair=False, segment=50)
    assert before.differences
    assert not before.agrees
    assert [read(one) for one in books] == [read(one) for one in opened(world.regions)], "without --repair nothing is"
    report = verifier(books).run(repair=True, segment=50)
    assert (report.blocked, report.stale, report.remaining) == ([], 0, 0), report.data()
    assert report.agrees
    right = meaning(world.base)
    for one in books:
        now = read(one)
        held = meaning(now)
        wrong = {name: (held.get(name), right.get(name)) for name in held | right if held.get(name) != right.get(name)}
        assert not wrong
        count, changed = untouched(world, world.regions[one.region], now)
        assert not changed
        assert count > 300
    assert verifier(books).run(repair=False).agrees


def test_what_is_under_way_is_no_difference() -> None:
    """An event not sent, or sent and not applied; once it is applied elsewhere, or long ago, it explains nothing."""
    for pending, applied, age, under_way in (
        (["ap-southeast-1"], True, timedelta(), 2),
        (["ap-southeast-1"], False, timedelta(days=3), 2),
        ([], False, timedelta(), 2),
        ([], True, timedelta(), 0),
        ([], False, timedelta(days=3), 0),
    ):
        world = apart(content(random.Random(1), players=10, battles=5))
        changes = []
        for collection in ("battles", "brokers"):
            document = world.regions[REGIONS[2]][collection].pop()
            facts = {"facts": [document]} if collection == "battles" else {"key": document["_id"], "new": True}
            changes.append({"collection": collection, **facts})
        event_id = ObjectId.from_datetime(NOON - age)
        world.regions[REGIONS[0]]["outbox"] = [{"_id": event_id, "pending": pending, "changes": changes}]
        for region in REGIONS[1:] if applied else ():
            world.regions[region][APPLIED] = [{"_id": event_id}]
        waited: list[timedelta] = []
        report = verifier(opened(world.regions), waited).run(repair=False)
        assert report.under_way == under_way
        # Standings are of one region's own battles, which nothing under way explains.
        assert {one.collection for one in report.differences} - {"users"} == (
            set() if under_way else {"battles", "brokers"}
        )
        assert waited == [GRACE]


def test_a_run_over_a_part_goes_on_where_it_stopped() -> None:
    """Every difference is found by one of the runs, and each run looks at as much as it may."""
    world = damaged(4, 12)
    whole = {str(one.shown()) for one in verifier(opened(world.regions)).run(repair=False).differences}
    found: set[str] = set()
    position: Position | None = Position("users")
    runs = 0
    while position is not None:
        report = verifier(opened(world.regions)).run(repair=False, first=position, segments_max=2, segment=20)
        found |= {str(one.shown()) for one in report.differences}
        position, runs = report.stopped_at, runs + 1
        assert report.cost.documents <= 2 * 3 * 60
    assert found == whole
    assert runs > 5


def test_an_empty_region_is_not_repaired_document_by_document() -> None:
    """That is for a backup: the run stops looking, says so, and does nothing by halves."""
    world = apart(content(random.Random(1), players=40, battles=120))
    world.regions[REGIONS[1]] = {}
    books = opened(world.regions)
    report = Verifier(books, ManualClock(NOON), lambda _: None, suspects_max=100).run(repair=True)
    assert (report.truncated, report.agrees, report.made) == (True, False, 0)
    assert read(books[1]) == {}


def test_cost_beyond_reading_grows_with_the_differences() -> None:
    """Nothing but one digest per range and region is told when nothing differs."""
    told = []
    for count in (0, 1, 10):
        world = apart(content(random.Random(2), players=60, battles=200))
        for battle in world.base["battles"][:count]:
            world.document(REGIONS[1], "battles", battle["_id"])["score"] += 1
        cost = verifier(opened(world.regions)).run(repair=False).cost
        print(count, cost)
        told.append((cost.rows, cost.whole))
    assert told[0] == (0, 0)
    assert [whole for _, whole in told] == [0, 3, 30]


def test_reports_are_json() -> None:
    """As the command line prints them."""
    report = verifier(opened(damaged(3, 12).regions)).run(repair=True)
    data = json.loads(json.dumps(report.data()))
    assert data["agrees"] is True
    assert data["repaired"] == len(data["differences"]) > 0
    assert sum(report.counted().values()) == len(report.differences)
