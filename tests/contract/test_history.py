"""A player's history on both stores: a walk over pages tells everything once, in order, whatever is added."""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.arena.cursors import Cursors
from chalicelib.arena.history_service import LEDGER_FIELDS, HistoryService, PageRequest
from chalicelib.arena.ports import Document
from chalicelib.errors import BadRequest
from tests.worlds import NOON, SECRET, World, memory_world

CURRENCIES = ("NEUR", "AIBA")
REASONS = ("battle_reward", "train")
ARENAS = ("prediction", "arbitrage")
LEAGUES = ("rookie", "pro")


@dataclass(frozen=True)
class Fact:
    """A ledger row and a battle of one moment; few values, so that many share them."""

    millisecond: int
    number: int
    """Of the id: ids are not made in the order of time."""
    kind: int
    """0..3: which values the filtered fields have."""


@dataclass(frozen=True)
class Walk:
    """What was there, what came after each page, and how one walked."""

    before: Sequence[Fact]
    added: Sequence[Sequence[Fact]]
    kind: int | None
    limits: Sequence[int]
    since: int | None
    until: int | None


FACTS = st.lists(st.builds(Fact, st.integers(0, 6), st.integers(0, 2**32 - 1), st.integers(0, 3)), max_size=12)
WALKS = st.builds(
    Walk,
    before=FACTS,
    added=st.lists(FACTS, max_size=4),
    kind=st.one_of(st.none(), st.integers(0, 3)),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    since=st.one_of(st.none(), st.integers(0, 6)),
    until=st.one_of(st.none(), st.integers(0, 7)),
)


class Listing:
    """One of the two listings, filled and read in the same way."""

    def __init__(self, world: World, name: str, telegram_id: str) -> None:
        self.world = world
        self.name = name
        self.telegram_id = telegram_id
        service = HistoryService(world.history, Cursors(SECRET))
        self.read: Callable[[PageRequest], Document] = getattr(service, name)

    def add(self, facts: Sequence[Fact]) -> list[Document]:
        return [self._add(fact) for fact in facts]

    def _add(self, fact: Fact) -> Document:
        # The middle of the id is random: two facts of one moment and number must still differ.
        identifier = ObjectId(f"{fact.number:08x}{uuid.uuid4().hex[:16]}")
        common = {"_id": identifier, "createdAt": moment(fact.millisecond), "requestId": uuid.uuid4().hex}
        if self.name == "battles":
            return self.world.add("battles", ownerTelegramId=self.telegram_id, **common, **self.filters(fact.kind))
        row = {"direction": "credit", "amount": fact.number, "arena": "a", "league": "l", "battleId": None}
        return self.world.add(
            "ledgerentries",
            telegramId=self.telegram_id,
            sourceType="battle",
            sourceId=str(identifier),
            meta={"secret": 1},
            **common,
            **row,
            **self.filters(fact.kind),
        )

    def filters(self, kind: int | None) -> dict[str, str]:
        if kind is None:
            return {}
        first, second = kind % 2, kind // 2
        if self.name == "battles":
            return {"arena": ARENAS[first], "league": LEAGUES[second], "modeKey": f"{ARENAS[first]}-{LEAGUES[second]}"}
        return {"currency": CURRENCIES[first], "reason": REASONS[second]}

    def request(self, walk: Walk) -> PageRequest:
        return PageRequest(
            telegram_id=self.telegram_id,
            equal=self.filters(walk.kind),
            since=None if walk.since is None else moment(walk.since),
            until=None if walk.until is None else moment(walk.until),
        )

    def expected(self, walk: Walk, documents: Sequence[Document]) -> list[ObjectId]:
        """Ids of what belongs to the walk, by brute force."""
        wanted = self.filters(walk.kind)
        low, high = moment(walk.since or 0), moment(100 if walk.until is None else walk.until)
        fits = [
            document
            for document in documents
            if low <= document["createdAt"] < high and all(document[name] == wanted[name] for name in wanted)
        ]
        return [document["_id"] for document in newest_first(fits)]


def moment(millisecond: int) -> datetime:
    return NOON + timedelta(milliseconds=millisecond)


def newest_first(documents: Sequence[Document]) -> list[Document]:
    return sorted(documents, key=lambda d: (d["createdAt"], str(d["_id"])), reverse=True)


def identifier(item: Document) -> Any:
    return item["id"] if "id" in item else item["_id"]


def take(listing: Listing, walk: Walk) -> tuple[list[ObjectId], list[ObjectId], list[ObjectId]]:
    """Ids told by the walk, those of what was there when it began, and those of all there is at its end."""
    listing.world.add("battles", ownerTelegramId="another", requestId=uuid.uuid4().hex)
    documents = listing.add(walk.before)
    there = listing.expected(walk, documents)
    told: list[ObjectId] = []
    request, added = listing.request(walk), list(walk.added)
    for page in range(200):
        answer = listing.read(replace(request, limit=walk.limits[page % len(walk.limits)]))
        told += [identifier(item) for item in answer["items"]]
        if answer["nextCursor"] is None:
            return told, there, listing.expected(walk, documents)
        request = replace(request, cursor=answer["nextCursor"])
        documents += listing.add(added.pop(0) if added else [])
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("name", ["transactions", "battles"])
def test_a_walk_tells_everything_once_and_in_order(world: World, name: str) -> None:
    """Equal moments, changing page sizes, filters, and rows of any time added between pages."""
    memory = type(world.history).__name__.startswith("Memory")

    @settings(max_examples=150 if memory else 20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(WALKS)
    def walked(walk: Walk) -> None:
        # A memory of its own for each walk: what is there already makes it slower.
        told, there, all_of_them = take(Listing(memory_world() if memory else world, name, uuid.uuid4().hex), walk)
        assert len(set(told)) == len(told), "told twice"
        assert [one for one in told if one in set(there)] == there, "skipped, or out of order"
        assert set(told) <= set(all_of_them)
        assert [one for one in all_of_them if one in set(told)] == told, "what was added is out of order"
        if not any(walk.added):
            assert told == there

    walked()


@pytest.mark.parametrize("name", ["transactions", "battles"])
def test_many_facts_of_one_moment_are_told_in_the_order_of_their_ids(world: World, name: str) -> None:
    """A page may end in the middle of them."""
    listing = Listing(world, name, "777")
    numbers = list(range(40))
    random.Random(7).shuffle(numbers)
    listing.add([Fact(5, number, 0) for number in numbers])
    told, there, _ = take(listing, Walk((), (), None, (7,), None, None))
    assert there == []
    assert [int(str(one)[:8], 16) for one in told] == sorted(numbers, reverse=True)


def test_a_row_tells_what_its_player_may_know(world: World) -> None:
    """Nothing of how it is stored, and the amount as it was."""
    listing = Listing(world, "transactions", "777")
    (row,) = listing.add([Fact(1, 9, 1)])
    (item,) = listing.read(PageRequest(telegram_id="777"))["items"]
    assert item == {"id": row["_id"], **{name: row[name] for name in LEDGER_FIELDS}}
    assert not {"meta", "sourceId", "applied", "_id", "telegramId"} & item.keys()
    assert item["createdAt"].astimezone(UTC) == NOON + timedelta(milliseconds=1)


def test_battles_are_told_as_a_replay_answers_them(world: World) -> None:
    """The stored document, nothing added."""
    world.add_player()
    broker = world.add_broker(energy=100)
    battles = world.battles()
    battles.run(world.command(broker, "first"))
    world.clock.advance(30)
    battles.run(world.command(broker, "second"))
    replays = [battles.run(world.command(broker, request)).body() for request in ("second", "first")]
    assert Listing(world, "battles", "777").read(PageRequest(telegram_id="777")) == {
        "items": replays,
        "nextCursor": None,
    }


def test_what_a_battle_paid_is_in_the_transactions(world: World) -> None:
    """Of one millisecond, each once, and nobody else's."""
    world.add_player()
    world.add_player("778", neurBalance=10)
    broker = world.add_broker(energy=100)
    other = world.add_broker("778", energy=100)
    world.configure(baseRewardNeurPerScore=3)
    battle = world.battles().run(world.command(broker)).battle
    world.battles().run(world.command(other, "request-2", telegram_id="778"))
    page = Listing(world, "transactions", "777").read(PageRequest(telegram_id="777"))
    assert {(row["currency"], row["reason"], row["amount"]) for row in page["items"]} == {
        ("AIBA", "battle_reward", battle["rewardAiba"]),
        ("NEUR", "battle_reward", battle["rewardNeur"]),
        ("STARS", "battle_reward", 1),
        ("DIAMONDS", "first_win", 1),
    }
    assert {row["battleId"] for row in page["items"]} == {battle["_id"]}


def test_a_cursor_serves_one_player_one_list_and_one_set_of_filters(world: World) -> None:
    """Any page size, though."""
    mine = Listing(world, "transactions", "777")
    mine.add([Fact(number, number, 0) for number in range(5)])
    first = PageRequest(telegram_id="777", limit=2)
    cursor = mine.read(first)["nextCursor"]
    assert len(mine.read(replace(first, cursor=cursor, limit=3))["items"]) == 3
    battles = Listing(world, "battles", "777")
    for read, request in (
        (mine.read, replace(first, telegram_id="778")),
        (mine.read, replace(first, equal={"currency": "NEUR"})),
        (mine.read, replace(first, since=NOON)),
        (mine.read, replace(first, until=NOON)),
        (battles.read, first),
    ):
        with pytest.raises(BadRequest, match="cursor"):
            read(replace(request, cursor=cursor))


def test_a_document_without_a_time_is_in_no_history(world: World) -> None:
    """Nor does it break the list it would stand in."""
    world.insert("battles", {"_id": ObjectId(), "ownerTelegramId": "777", "requestId": "timeless"})
    world.add("battles", ownerTelegramId="777", requestId="timely")
    page = Listing(world, "battles", "777").read(PageRequest(telegram_id="777", limit=1))
    assert [battle["requestId"] for battle in page["items"]] == ["timely"]
    assert page["nextCursor"] is None
