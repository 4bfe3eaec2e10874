"""Failover and return by an operator's request: three regions, each with a database of its own, that reach each
other's API only."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from bson import ObjectId
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.arena.ports import Document
from chalicelib.clock import ManualClock
from chalicelib.data.seed import seed_defaults
from chalicelib.errors import Unavailable
from chalicelib.messaging.home_region import HomeAnswer, HomeRegionApi
from chalicelib.replication.failover_desk import CATCH_UP_SECONDS, DRAIN_SECONDS, one_by_one
from chalicelib.replication.versions import next_version
from chalicelib.settings import load
from chalicelib.wiring.failover import Failover
from tests.databases import Lender
from tests.gateway import Answer, call
from tests.installed import OPERATOR, SEVERAL_REGIONS, Fixed, QueueingArena
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import NOON

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
FIRST, SECOND, THIRD = REGIONS
URL = "/api/ops/failover"
PLAYER = 777
FUNCTION_SECONDS = 28


@dataclass
class World(HomeRegionApi):
    """The regions, and the wires between them."""

    arenas: dict[str, QueueingArena]
    databases: dict[str, Database[Document]]
    down: set[str] = field(default_factory=set)
    """Regions whose API does not answer."""
    asked: list[str] = field(default_factory=list)
    fenced: Callable[[], object] | None = None
    """Done once, between the fence and what follows, when another region is asked."""

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        region = str(urlsplit(url).hostname).partition(".")[0]
        self.asked.append(region)
        if self.fenced is not None and self.roles() == [(None, 1)] * 3:
            fenced, self.fenced = self.fenced, None
            fenced()
        if region in self.down:
            raise Unavailable("home_unreachable", f"{region} is down")
        here = wiring.arena()
        answer = self.send(region, method, urlsplit(url).path, body, headers)
        wiring.install(Fixed(here))
        return HomeAnswer(answer.status, answer.headers, answer.text)

    def send(
        self, region: str, method: str, path: str, body: object, headers: Mapping[str, str] | None = None
    ) -> Answer:
        wiring.install(Fixed(self.arenas[region]))
        return call(composition.app, method, path, body, headers)

    def operate(self, region: str, **body: Any) -> Answer:
        token = self.send(THIRD, "POST", "/api/admin/auth/login", OPERATOR).data["token"]
        return self.send(region, "POST", URL, body, {"authorization": f"Bearer {token}"})

    def roles(self, of: str = FIRST) -> list[tuple[Any, Any]]:
        """Who serves, and under which epoch, as each database has it."""
        found = [database.regions.find_one({"_id": of}) or {} for database in self.databases.values()]
        return [(role.get("servedBy"), role.get("epoch")) for role in found]

    def tell(self, region: str, bio: str) -> None:
        """Something happens there that nobody was told yet."""
        version = next_version(NOON, (), 15 - REGIONS.index(region))[:-5] + f"{len(bio):05x}"
        change = {"collection": "users", "key": str(PLAYER), "set": {"bio": bio}, "entries": {}, "base": {}}
        row = {"_id": ObjectId(), "region": region, "version": version, "occurredAt": NOON, "changes": [change]}
        self.databases[region].outbox.insert_one({**row, "pending": [one for one in REGIONS if one != region]})

    def bio(self, region: str) -> Any:
        return (self.databases[region].users.find_one({"telegramId": str(PLAYER)}) or {}).get("bio")

    def actions(self, region: str) -> list[tuple[Any, Any, Any]]:
        found = self.databases[region].operatoractions.find({}, sort=[("_id", 1)])
        return [(row["action"], row["entityId"], row["after"]["serving"]) for row in found]


@pytest.fixture
def databases(lender: Lender) -> Iterator[dict[str, Database[Document]]]:
    with lender.lent_to(REGIONS) as found:
        yield found


@pytest.fixture
def world(mongo_uri: str, databases: dict[str, Database[Document]]) -> Iterator[World]:
    clock = ManualClock(NOON)
    arenas: dict[str, QueueingArena] = {}
    made = World(arenas, databases)
    for region, database in databases.items():
        seed_defaults(database, NOON)
        database.regions.insert_many(
            {"_id": name, "url": f"https://{name}.example", "servedBy": name, "epoch": 0} for name in REGIONS
        )
        stores = {"MONGO_URI": mongo_uri, "MONGO_DATABASE": database.name, "REDIS_URL": "", "AWS_REGION": region}
        arena = arenas[region] = QueueingArena(load({**DEVELOPMENT, **SEVERAL_REGIONS, **stores}), clock=clock)
        failover = Failover(arena, each=one_by_one)
        vars(failover)["api"] = made
        vars(arena.operating)["failover"] = failover
    yield made
    wiring.install(None)
    for arena in arenas.values():
        arena.close()


def test_a_region_is_taken_over_from_and_takes_its_players_back(world: World) -> None:
    """Asked for in the region that takes over, and then in the one that returns; each is on record there."""
    world.tell(FIRST, "unsent")
    planned = world.operate(SECOND, **{"from": FIRST, "dryRun": True}).data
    assert (planned["state"], planned["serving"], planned["epoch"]) == ("planned", SECOND, 2)
    assert (planned["reachable"], planned["unreachable"], world.roles()) == ([*REGIONS], [], [(FIRST, 0)] * 3)

    over = world.operate(SECOND, **{"from": FIRST}).data
    assert (over["state"], over["drained"], over["early"], over["tooOld"]) == ("done", {FIRST: 1}, 0, 0)
    assert world.roles() == [(SECOND, 2)] * 3
    assert (world.bio(SECOND), over["unservedSeconds"]) == ("unsent", 0)
    assert world.actions(SECOND) == [("failover.take_over", FIRST, SECOND)]

    world.tell(SECOND, "meanwhile")
    back = world.operate(FIRST, **{"return": FIRST}).data
    assert (back["state"], back["serving"], back["epoch"], back["drained"]) == ("done", FIRST, 4, {SECOND: 2})
    assert (world.roles(), world.bio(FIRST)) == ([(FIRST, 4)] * 3, "meanwhile")
    # The record of the first was told as well.
    assert world.actions(FIRST) == [("failover.take_over", FIRST, SECOND), ("failover.return", FIRST, FIRST)]


def test_any_surviving_region_can_be_asked(world: World) -> None:
    """What takes over is reached by HTTP then, too."""
    world.tell(FIRST, "unsent")
    over = world.operate(THIRD, **{"from": FIRST}).data
    assert (over["serving"], over["drained"][FIRST], world.bio(SECOND)) == (SECOND, 1, "unsent")
    assert (world.roles(), world.bio(THIRD)) == ([(SECOND, 2)] * 3, None)


def test_a_region_that_does_not_answer_is_refused_and_can_be_forced(world: World) -> None:
    """The forced one is told when it answers: by the same request again."""
    world.down = {FIRST}
    refused = world.operate(SECOND, **{"from": FIRST})
    assert (refused.status, refused.error["code"]) == (409, "failover_refused")
    assert refused.error["details"]["reasons"][0].startswith(f"{FIRST} does not answer")
    assert world.roles() == [(FIRST, 0)] * 3
    forced = world.operate(SECOND, **{"from": FIRST, "force": True}).data
    assert (forced["state"], forced["unreachable"]) == ("done", [FIRST])
    assert world.roles() == [(FIRST, 0), (SECOND, 2), (SECOND, 2)]
    world.down = set()
    assert world.operate(SECOND, **{"from": FIRST}).data["unreachable"] == []
    assert world.roles() == [(SECOND, 4)] * 3


def test_an_interrupted_request_is_sent_again(world: World) -> None:
    """It fenced, and then a region went away: 503, nobody serves; the same again ends it."""
    world.fenced = lambda: world.down.add(THIRD)
    interrupted = world.operate(SECOND, **{"from": FIRST})
    assert (interrupted.status, interrupted.error["code"]) == (503, "home_unreachable")
    assert world.roles() == [(None, 1)] * 3
    world.down = set()
    assert world.operate(SECOND, **{"from": FIRST}).data["state"] == "done"
    assert world.roles() == [(SECOND, 3)] * 3


def test_two_operators_at_once(world: World) -> None:
    """Between one's fence and the rest the other runs: the first finds its mark, and says so. One region serves."""

    def meanwhile() -> None:
        here = wiring.arena()
        assert world.operate(THIRD, **{"from": FIRST}).status == 200
        wiring.install(Fixed(here))

    world.fenced = meanwhile
    first = world.operate(SECOND, **{"from": FIRST})
    assert (first.status, first.error["code"]) == (409, "failover_refused")
    assert "another run" in first.error["message"]
    assert world.roles() == [(SECOND, 3)] * 3


def test_its_time_is_less_than_a_function_s(world: World) -> None:
    """Fenced at the latest when catching up must be over; drained and served before the function ends."""
    assert CATCH_UP_SECONDS + 10 <= DRAIN_SECONDS < FUNCTION_SECONDS - 3
    assert world.roles() == [(FIRST, 0)] * 3
