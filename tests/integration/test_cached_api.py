"""Answers of the API with the cache: the same as without it, and never older than what was just changed."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib import wiring
from chalicelib.cache.cached_values import PAGES
from chalicelib.cache.door import CacheUnavailable, RedisDoor
from chalicelib.clock import ManualClock
from localcloud.drill import Drill
from localcloud.ports import free_ports
from localcloud.valkey import Valkey
from tests.environments import Environment, Environments, environments
from tests.gateway import Answer
from tests.redis_doors import eventually
from tests.servers import supervised

STEPS = 40
MODE = {"key": "night", "name": "Night", "arena": "night"}
READS = (
    "/api/game-modes",
    "/api/game-modes?arena=prediction",
    "/api/game-modes?league=pro",
    "/api/game-modes?arena=night&league=pro",
    "/api/game-modes?arena=nowhere",
    "/api/comms/config",
    "/api/realms",
    "/api/realms/nowhere",
    "/api/realms/north",
)
PLAYERS_READS = (
    "/api/guilds/list",
    "/api/guilds/top?limit=2",
    "/api/guilds/mine",
    "/api/leaderboard/seasons",
    "/api/leaderboard/my-rank?league=night",
    "/api/leaderboard/around-me?season=2026-10",
)
LISTS = (
    "/api/leaderboard",
    "/api/leaderboard?by=battles&limit=3",
    "/api/leaderboard?league=rookie&season=current",
    "/api/leaderboard?realm=north",
    "/api/leaderboard?league=night",
)


@pytest.fixture
def region(mongo_uri: str, database: Database[dict[str, Any]], clock: ManualClock) -> Iterator[Environments]:
    with environments(mongo_uri, database, clock) as made:
        yield made


@pytest.fixture(params=["single", "cluster", "none"])
def redis_url(request: pytest.FixtureRequest) -> str:
    servers = {"single": "valkey_url", "cluster": "valkey_cluster"}
    return "" if request.param == "none" else str(request.getfixturevalue(servers[request.param]))


def keys(answer: Answer) -> list[str]:
    return [mode["key"] for mode in answer.data]


def test_what_an_operator_changes_everybody_sees_at_once(region: Environments, redis_url: str) -> None:
    """In whatever environment, on a single node, a cluster, or without Redis."""
    operators, *others = (region.open(redis_url) for _ in range(3))
    support = "https://help.example"

    def everywhere(url: str, seen: Callable[[Answer], object]) -> list[object]:
        return [seen(one.as_player("GET", url)) for one in (*others, operators) for _ in range(2)]

    listed = "/api/game-modes?arena=night"
    assert everywhere(listed, keys) == [[]] * 6
    assert everywhere("/api/leaderboard?league=moon", lambda answer: answer.status) == [404] * 6
    made = operators.as_operator("POST", "/api/admin/game-modes", {**MODE, "league": "moon"})
    assert made.status == 201
    assert everywhere(listed, keys) == [["night"]] * 6
    assert everywhere("/api/leaderboard?league=moon", lambda answer: answer.status) == [200] * 6
    one = f"/api/admin/game-modes/{made.data['_id']}"
    for number in range(5):
        operators.as_operator("PATCH", one, {"name": f"Night {number}"})
        assert everywhere(listed, lambda answer: answer.data[0]["name"]) == [f"Night {number}"] * 6
    operators.as_operator("DELETE", one)
    assert everywhere(listed, keys) == [[]] * 6
    assert everywhere("/api/comms/config", lambda answer: answer.data["supportLink"]) == [None] * 6
    operators.as_operator("PATCH", "/api/admin/economy/config", {"supportLink": support})
    assert everywhere("/api/comms/config", lambda answer: answer.data["supportLink"]) == [support] * 6


class Story:
    """Random operations in several environments."""

    def __init__(self, places: list[Environment], clock: ManualClock, seed: int) -> None:
        self._places = places
        self._clock = clock
        self.draws = random.Random(seed)
        self._modes: list[str] = []
        self._guilds: list[str] = []
        self._brokers: dict[int, str] = {}

    def step(self) -> tuple[str, int, Answer | None]:
        """What was done, by whom, with which answer."""
        actions = (self.add_mode, self.change_mode, self.delete_mode, self.configure, self.found, self.join)
        action = self.draws.choice((*actions, self.leave, self.pool, self.fight, self.wait))
        user = self.draws.choice((777, 888, 999))
        return action.__name__, user, action(self._place(), user)

    def read(self, url: str, user: int) -> Answer:
        return self._place().as_player("GET", url, user=user)

    def _place(self) -> Environment:
        return self.draws.choice(self._places)

    def add_mode(self, place: Environment, _user: int) -> Answer:
        key = f"night{self.draws.randrange(6)}"
        mode = {**MODE, "key": key, "league": self.draws.choice(["pro", "rookie", "night"])}
        answer = place.as_operator("POST", "/api/admin/game-modes", mode)
        if answer.status == 201:
            self._modes.append(answer.data["_id"])
        return answer

    def change_mode(self, place: Environment, _user: int) -> Answer | None:
        if not self._modes:
            return None
        change = {"enabled": self.draws.random() < 0.7, "energyCost": self.draws.randrange(9)}
        return place.as_operator("PATCH", f"/api/admin/game-modes/{self.draws.choice(self._modes)}", change)

    def delete_mode(self, place: Environment, _user: int) -> Answer | None:
        if not self._modes:
            return None
        return place.as_operator("DELETE", f"/api/admin/game-modes/{self.draws.choice(self._modes)}")

    def configure(self, place: Environment, _user: int) -> Answer:
        change = {
            "supportLink": f"https://help{self.draws.randrange(3)}.example",
            "seasonLength": self.draws.choice(["month", "week"]),
        }
        return place.as_operator("PATCH", "/api/admin/economy/config", change)

    def found(self, place: Environment, user: int) -> Answer:
        answer = place.as_player("POST", "/api/guilds/create", {"name": f"guild {self.draws.randrange(9)}"}, user)
        if answer.status == 201:
            self._guilds.append(answer.data["_id"])
        return answer

    def join(self, place: Environment, user: int) -> Answer | None:
        if not self._guilds:
            return None
        return place.as_player("POST", "/api/guilds/join", {"guildId": self.draws.choice(self._guilds)}, user)

    def leave(self, place: Environment, user: int) -> Answer | None:
        if not self._guilds:
            return None
        return place.as_player("POST", "/api/guilds/leave", {"guildId": self.draws.choice(self._guilds)}, user)

    def pool(self, place: Environment, user: int) -> Answer | None:
        if not self._guilds:
            return None
        ids = {"guildId": self.draws.choice(self._guilds), "brokerId": self._broker(place, user)}
        action = self.draws.choice(["deposit", "withdraw"])
        return place.as_player("POST", f"/api/guilds/{action}-broker", ids, user)

    def fight(self, place: Environment, user: int) -> Answer:
        body = {"requestId": f"request-{self.draws.random()}", "brokerId": self._broker(place, user)}
        return place.as_player("POST", "/api/battle/run", body, user)

    def wait(self, _place: Environment, _user: int) -> None:
        """Longer than a page is kept; shorter than what operators publish, or longer."""
        self._clock.advance(self.draws.choice([11, 100, 700]))

    def _broker(self, place: Environment, user: int) -> str:
        if user not in self._brokers:
            self._brokers[user] = place.as_player("POST", "/api/brokers/starter", {}, user).data["_id"]
        return self._brokers[user]


def test_answers_are_those_without_the_cache(
    region: Environments, valkey_url: str, database: Database[dict[str, Any]], clock: ManualClock
) -> None:
    """Byte for byte, after each of many random operations. Lists of leaderboards, whose rows may be some seconds old,
    are compared as whoever has just fought sees them, and as everybody does after those seconds."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    database["realms"].insert_one({"key": "north", "name": "North", "level": 1, "order": 1, "active": True})
    assert PAGES.lifetime.kept_seconds < 11
    plain = region.open()
    story = Story([region.open(valkey_url) for _ in range(3)], clock, seed)
    done: Counter[tuple[str, object]] = Counter()
    for _ in range(STEPS):
        name, user, answer = story.step()
        done[name, answer and answer.status] += 1
        urls = [*READS, *PLAYERS_READS]
        if name == "wait" or (name == "fight" and answer is not None and answer.status == 200):
            urls += LISTS
        for url in urls:
            expected = plain.as_player("GET", url, user=user)
            found = story.read(url, user)
            assert (found.status, found.text) == (expected.status, expected.text), f"{url} after {name}"
    print(dict(done))


def test_after_an_outage_nothing_from_before_it_is_shown(region: Environments, clock: ManualClock) -> None:
    """Redis hangs with all it holds while an operator changes a mode and a player a guild; then it goes on."""
    with supervised() as (_, state):
        valkey = Valkey(free_ports(1)[0])
        with Drill(state, [valkey.server(state)]) as drill:
            one, another = region.open(valkey.uri, wiring.Arena), region.open(valkey.uri, wiring.Arena)
            made = one.as_operator("POST", "/api/admin/game-modes", MODE)
            assert names(another) == (["Night"], [])
            drill.pause("valkey")
            one.as_operator("PATCH", f"/api/admin/game-modes/{made.data['_id']}", {"name": "Day"})
            assert one.as_player("POST", "/api/guilds/create", {"name": "Wolves"}).status == 201
            assert names(another) == (["Day"], ["Wolves"])
            drill.resume("valkey")
            assert another.arena.redis is not None
            eventually("Redis is used again", lambda: answers(another.arena.redis))
            assert names(another) == (["Day"], ["Wolves"])


def names(place: Environment) -> tuple[list[str], list[str]]:
    """Of the modes and the guilds players see."""
    modes = place.as_player("GET", "/api/game-modes?arena=night").data
    return [mode["name"] for mode in modes], [
        guild["name"] for guild in place.as_player("GET", "/api/guilds/list").data
    ]


def answers(door: RedisDoor | None) -> bool:
    assert door is not None
    try:
        door.ping()
    except CacheUnavailable:
        return False
    return True
