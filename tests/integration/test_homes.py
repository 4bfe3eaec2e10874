"""Two regions over HTTP: any of them takes a player's request, and the player's home decides it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import pytest
from bson import ObjectId
from pymongo.database import Database

import app as composition
from chalicelib import wiring
from chalicelib.arena.ports import Document
from chalicelib.clock import Clock, ManualClock
from chalicelib.data.seed import seed_defaults
from chalicelib.entrypoints.passing_on import SERVED_BY
from chalicelib.errors import Unavailable
from chalicelib.messaging.home_region import HomeAnswer
from chalicelib.settings import Settings, load
from tests.databases import Lender
from tests.gateway import Answer, call
from tests.installed import Fixed, init_data
from tests.logged import Logged
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import NOON

REGIONS = ("us-east-1", "eu-west-1")
FIRST, SECOND = REGIONS
URLS = {region: f"https://{region}.arena.test" for region in REGIONS}


@dataclass
class Network:
    """Stands where HTTP between regions does; ``cut`` regions can't be reached."""

    arenas: dict[str, wiring.Arena] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    seen: list[str] = field(default_factory=list)

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HomeAnswer:
        parts = urlsplit(url)
        (region,) = (region for region in REGIONS if URLS[region] == f"{parts.scheme}://{parts.netloc}")
        if region in self.cut:
            raise Unavailable("home_unreachable")
        self.seen.append(region)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self.send(region, method, path, body.decode() or None, headers)
        return HomeAnswer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.text)

    def send(self, region: str, method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
        wiring.install(Fixed(self.arenas[region]))
        return call(composition.app, method, url, body, dict(headers))


class RegionArena(wiring.Arena):
    """One region's arena, whose way to the others is ``network``."""

    def __init__(self, settings: Settings, *, clock: Clock, network: Network) -> None:
        super().__init__(settings, clock=clock)
        self.network = network

    @cached_property
    def home_api(self) -> Any:
        return self.network


@dataclass(frozen=True)
class Regions:
    """Both, and a player's hands."""

    network: Network
    databases: Mapping[str, Database[Document]]

    def player(self, region: str, method: str, url: str, body: object = None, **more: str) -> Answer:
        headers = {"x-telegram-init-data": init_data(777, NOON), **more}
        return self.network.send(region, method, url, body, headers)


@pytest.fixture
def databases(lender: Lender) -> Iterator[Mapping[str, Database[Document]]]:
    with lender.lent_to(REGIONS) as found:
        yield found


@pytest.fixture
def regions(mongo_uri: str, databases: Mapping[str, Database[Document]]) -> Iterator[Regions]:
    clock, network = ManualClock(NOON), Network()
    for region, database in databases.items():
        seed_defaults(database, NOON)
        database.regions.insert_many([{"_id": one, "url": URLS[one], "servedBy": one, "epoch": 1} for one in REGIONS])
        environ = {
            **DEVELOPMENT,
            "AWS_REGION": region,
            "MONGO_URI": mongo_uri,
            "MONGO_DATABASE": database.name,
            "REDIS_URL": "",
            "ARENA_REGIONS": ",".join(REGIONS),
            "REPLICATION_SECRET": "k1:" + "s" * 32,
        }
        network.arenas[region] = RegionArena(load(environ), clock=clock, network=network)
    yield Regions(network, databases)
    wiring.install(None)
    for arena in network.arenas.values():
        arena.close()


def starter(regions: Regions, region: str) -> str:
    answer = regions.player(region, "POST", "/api/brokers/starter", {})
    assert answer.status == 201
    return str(answer.data["_id"])


def test_a_battle_anywhere_is_fought_at_home(regions: Regions) -> None:
    broker = starter(regions, SECOND)
    answer = regions.player(SECOND, "POST", "/api/battle/run", {"requestId": "one", "brokerId": broker})
    assert (answer.status, answer.headers[SERVED_BY.lower()]) == (200, FIRST)
    assert regions.databases[FIRST].battles.count_documents({"requestId": "one"}) == 1
    assert regions.databases[SECOND].battles.count_documents({}) == 0
    direct = regions.player(FIRST, "POST", "/api/battle/run", {"requestId": "one", "brokerId": broker})
    assert direct.data["seedHex"] == answer.data["seedHex"]
    assert SERVED_BY.lower() not in direct.headers
    status = regions.player(SECOND, "GET", "/api/battle/one")
    assert (status.status, status.data["status"]) == (200, "done")


def test_a_request_that_is_passed_on_has_one_id_in_both_regions(regions: Regions, logged: Logged) -> None:
    regions.player(SECOND, "POST", "/api/brokers/starter", {}, **{"x-request-id": "ticket"})
    assert [line["message"] for line in logged.lines if line["correlation_id"] == "ticket"].count("request") == 2
    (line,) = logged.saying("passed on")
    assert (line["correlation_id"], line["home"]) == ("ticket", FIRST)


def test_a_refusal_comes_back_as_it_is(regions: Regions) -> None:
    answer = regions.player(
        SECOND, "POST", "/api/battle/run", {"requestId": "one", "brokerId": str(ObjectId())}, **{"x-request-id": "mine"}
    )
    assert (answer.status, answer.error["code"], answer.json["requestId"]) == (404, "broker not found", "mine")


def test_an_unreachable_home_is_said_so(regions: Regions) -> None:
    regions.network.cut.add(FIRST)
    answer = regions.player(SECOND, "POST", "/api/brokers/starter", {})
    assert (answer.status, answer.error["code"]) == (503, "home_unreachable")


def test_only_regions_may_pass_on(regions: Regions) -> None:
    stamp = int(NOON.timestamp())
    for value in ("nonsense", f"{FIRST};203.0.113.5;{stamp};k1;{'0' * 64}", f"{FIRST};203.0.113.5;{stamp};k1;\ud800"):
        answer = regions.player(FIRST, "POST", "/api/brokers/starter", {}, **{"x-arena-forwarded": value})
        assert (answer.status, answer.error["code"]) == (401, "bad_forwarding")


def test_a_player_moves_over_http(regions: Regions) -> None:
    broker = starter(regions, FIRST)
    assert regions.player(FIRST, "GET", "/api/home").data == {
        "home": FIRST,
        "servedBy": FIRST,
        "answeredBy": FIRST,
    }
    moved = regions.player(FIRST, "POST", "/api/home", {"region": SECOND})
    assert (moved.status, moved.data["home"]) == (200, SECOND)
    # Nothing has been told yet: each takes the other for the home, and says so instead of going round.
    answer = regions.player(FIRST, "POST", "/api/battle/run", {"requestId": "two", "brokerId": broker})
    assert (answer.status, answer.error["code"]) == (503, "home_moving")
    assert regions.player(FIRST, "POST", "/api/home", {"region": "mars"}).status in (400, 503)


def test_a_fenced_region_decides_nothing(regions: Regions) -> None:
    broker = starter(regions, FIRST)
    regions.databases[FIRST].regions.update_one({"_id": FIRST}, {"$set": {"servedBy": None, "epoch": 2}})
    deadline = time.monotonic() + 60
    while True:
        answer = regions.player(FIRST, "POST", "/api/battle/run", {"requestId": str(ObjectId()), "brokerId": broker})
        if answer.status == 503 or time.monotonic() > deadline:
            break
    assert (answer.status, answer.error["code"]) == (503, "home_unavailable")
