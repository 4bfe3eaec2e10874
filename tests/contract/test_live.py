"""Live results on both kinds of connection store: who hears what, and for how long."""

import json
from collections.abc import Iterator

import pytest
from pymongo.database import Database

from chalicelib.arena.live import CONNECTIONS_PER_PLAYER, FEEDS_PER_CONNECTION, HANDSHAKE, IDLE, Feed
from chalicelib.arena.live_ports import Delivery
from chalicelib.arena.live_push import PAGE, Pushed
from chalicelib.arena.live_service import LiveService
from chalicelib.arena.ports import Document
from chalicelib.data import live_queries
from chalicelib.data.connections import MongoConnections
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.entrypoints import wire
from chalicelib.errors import Unavailable
from tests.fakes.memory_connections import MemoryConnections
from tests.live_worlds import ENDPOINT, LiveWorld, MemoryBoards
from tests.worlds import NOON

FOUGHT = {"status": "done", "battle": {"score": 7}}


@pytest.fixture(params=["memory", "mongo"])
def live(request: pytest.FixtureRequest) -> Iterator[LiveWorld]:
    if request.param == "memory":
        yield LiveWorld(MemoryConnections())
        return
    database: Database[Document] = request.getfixturevalue("database")
    pools = Pools(request.getfixturevalue("mongo_uri"), without_secondaries(GUIDE_POOLS))
    yield LiveWorld(MongoConnections(Operations(pools, database.name, budget_seconds=20)))
    pools.close()


class TestConnecting:
    def test_a_connection_is_stored_with_its_player_and_hears_results_at_once(self, live: LiveWorld) -> None:
        live.service.connect("c1", "777")
        (stored,) = live.connections.of_player("777", live.clock(), 10)
        assert stored == {
            "_id": "c1",
            "telegramId": "777",
            "results": True,
            "boards": [],
            "endpoint": ENDPOINT,
            "connectedAt": NOON,
            "lastSeenAt": NOON,
            "expiresAt": NOON + IDLE,
        }

    def test_living_connections_are_counted(self, live: LiveWorld) -> None:
        assert live.connections.living(live.clock()) == 0
        live.service.connect("c1", "777")
        live.clock.advance(IDLE.total_seconds() - 1)
        live.service.connect("c2", "888")
        assert live.connections.living(live.clock()) == 2
        live.clock.advance(1)
        assert live.connections.living(live.clock()) == 1

    def test_a_player_s_oldest_connections_are_closed_beyond_the_limit(self, live: LiveWorld) -> None:
        names = [f"c{number}" for number in range(CONNECTIONS_PER_PLAYER + 2)]
        live.service.connect("other", "888")
        for name in names:
            live.service.connect(name, "777")
            live.clock.advance(1)
        living = [c["_id"] for c in live.connections.of_player("777", live.clock(), 100)]
        assert living == names[:1:-1]
        assert live.gateway.closed == names[:2]
        assert live.say("c0", action="ping")["error"]["code"] == "connection_expired"
        assert live.say("other", action="ping")["type"] == "pong"

    def test_without_an_endpoint_nobody_connects(self, live: LiveWorld) -> None:
        service = LiveService(live.connections, live.boards, live.gateway, live.clock, endpoint=None)
        with pytest.raises(Unavailable, match="not configured"):
            service.connect("c1", "777")
        assert live.connections.of_player("777", live.clock(), 10) == []

    def test_disconnecting_ends_it_and_may_be_repeated(self, live: LiveWorld) -> None:
        live.service.connect("c1", "777")
        live.follow("c1")
        for _ in range(2):
            live.service.disconnect("c1")
        live.service.disconnect("never-there")
        assert live.connections.of_player("777", live.clock(), 10) == []
        assert live.push.board("all", wire.dumps) == Pushed()


class TestExpiry:
    def test_pings_keep_a_connection_and_silence_ends_it(self, live: LiveWorld) -> None:
        live.service.connect("c1", "777")
        live.outcomes.decided["777", "r"] = FOUGHT
        for _ in range(3):
            live.clock.advance(IDLE.total_seconds() - 1)
            assert live.say("c1", action="ping") == {
                "type": "pong",
                "now": live.clock(),
                "expiresAt": live.clock() + IDLE,
            }
        live.clock.advance(IDLE.total_seconds() - 0.001)
        assert live.push.result("777", "r", wire.dumps) == Pushed(delivered=1)
        live.clock.advance(0.001)
        assert live.push.result("777", "r", wire.dumps) == Pushed()
        assert live.say("c1", action="ping") == {
            "type": "error",
            "error": {"code": "connection_expired", "message": "this connection has expired; connect again"},
        }
        assert len(live.gateway.heard("c1")) == 1

    def test_a_stale_follower_hears_no_more_of_a_leaderboard(self, live: LiveWorld) -> None:
        live.service.connect("c1", "777")
        live.follow("c1")
        live.clock.advance(IDLE.total_seconds())
        assert live.push.board("all", wire.dumps) == Pushed()
        assert live.gateway.sent == []


class TestResults:
    def test_a_result_reaches_all_connections_of_its_player_and_nobody_else(self, live: LiveWorld) -> None:
        for name, player in [("a1", "777"), ("a2", "777"), ("b1", "888"), ("c1", "77")]:
            live.service.connect(name, player)
            live.follow(name)
        live.outcomes.decided["777", "r1"] = FOUGHT
        assert live.push.result("777", "r1", wire.dumps) == Pushed(delivered=2)
        said = {"type": "battle.result", "requestId": "r1", **FOUGHT}
        assert sorted((name, json.loads(text)) for name, text in live.gateway.sent) == [("a1", said), ("a2", said)]

    def test_a_requestid_of_another_player_brings_nothing(self, live: LiveWorld) -> None:
        live.service.connect("b1", "888")
        live.outcomes.decided["777", "r1"] = FOUGHT
        assert live.push.result("888", "r1", wire.dumps) == Pushed()
        assert live.gateway.sent == []

    def test_results_can_be_switched_off_and_on(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.outcomes.decided["777", "r1"] = FOUGHT
        answer = live.say("a1", action="unsubscribe", channel="results")
        assert answer == {"type": "unsubscribed", "channel": "results"}
        assert live.push.result("777", "r1", wire.dumps) == Pushed()
        assert live.say("a1", action="subscribe", channel="results")["type"] == "subscribed"
        assert live.push.result("777", "r1", wire.dumps) == Pushed(delivered=1)

    def test_a_dead_connection_ends_and_a_failing_one_stays(self, live: LiveWorld) -> None:
        for name in ("a1", "a2", "a3"):
            live.service.connect(name, "777")
        live.clock.advance(HANDSHAKE.total_seconds())
        live.outcomes.decided["777", "r1"] = FOUGHT
        live.gateway.outcomes = {"a1": Delivery.GONE, "a2": Delivery.FAILED}
        assert live.push.result("777", "r1", wire.dumps) == Pushed(delivered=1, gone=1, failed=1)
        assert {c["_id"] for c in live.connections.of_player("777", live.clock(), 10)} == {"a2", "a3"}

    def test_a_connection_whose_handshake_still_runs_is_not_gone(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.outcomes.decided["777", "r1"] = FOUGHT
        live.clock.advance(HANDSHAKE.total_seconds() - 0.001)
        live.gateway.outcomes = {"a1": Delivery.GONE}
        assert live.push.result("777", "r1", wire.dumps) == Pushed(failed=1)
        live.gateway.outcomes = {}
        assert live.push.result("777", "r1", wire.dumps) == Pushed(delivered=1)
        live.gateway.outcomes = {"a1": Delivery.GONE}
        live.clock.advance(0.001)
        assert live.push.result("777", "r1", wire.dumps) == Pushed(gone=1)
        assert live.connections.of_player("777", live.clock(), 10) == []


class TestLeaderboards:
    def test_following_answers_with_the_top_and_changes_follow(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.service.connect("b1", "888")
        rows = [{"telegramId": "2", "rank": 1}]
        answer = live.follow("a1", league="pro")
        assert answer == {
            "type": "subscribed",
            "channel": "leaderboard",
            "board": "league:pro",
            "season": None,
            "rows": rows,
        }
        live.follow("b1", season="current")
        live.boards.leaders["league:pro"] = "9"
        assert live.push.board("league:pro", wire.dumps) == Pushed(delivered=1)
        (heard,) = live.gateway.heard("a1")
        row = {"telegramId": "9", "rank": 1}
        assert json.loads(heard) == {"type": "leaderboard", "board": "league:pro", "season": None, "rows": [row]}
        assert live.gateway.heard("b1") == []

    def test_all_time_and_season_are_followed_apart(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.follow("a1")
        live.follow("a1", season="current")
        assert live.push.board("all", wire.dumps) == Pushed(delivered=2)
        assert [json.loads(text)["season"] for text in live.gateway.heard("a1")] == [None, "2026-11"]
        answer = live.say("a1", action="unsubscribe", channel="leaderboard")
        assert answer == {"type": "unsubscribed", "channel": "leaderboard", "board": "all", "season": None}
        live.boards.leaders["all"] = "5"
        assert live.push.board("all", wire.dumps) == Pushed(delivered=1)

    def test_an_unchanged_top_is_not_pushed_again(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.follow("a1")
        assert live.push.board("all", wire.dumps) == Pushed(delivered=1)
        assert live.push.board("all", wire.dumps) == Pushed()
        assert live.queue.boards == []

    def test_a_change_during_a_push_is_announced_again(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        live.follow("a1")
        live.gateway.before_post = lambda: live.boards.leaders.update({"all": "8"})
        live.push.board("all", wire.dumps)
        assert live.queue.boards == ["all"]

    def test_a_board_that_is_not_there_is_refused(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        assert live.follow("a1", league="none")["error"]["code"] == "league not found"

    def test_following_the_same_again_takes_no_room_and_too_many_are_refused(self, live: LiveWorld) -> None:
        live.service.connect("a1", "777")
        for number in range(FEEDS_PER_CONNECTION):
            live.boards.leaders[f"league:l{number}"] = "1"
            for _ in range(2):
                assert live.follow("a1", league=f"l{number}")["type"] == "subscribed"
        assert live.follow("a1")["error"]["code"] == "too_many_subscriptions"
        live.say("a1", action="unsubscribe", channel="leaderboard", league="l3")
        assert live.follow("a1")["type"] == "subscribed"

    def test_a_connection_that_ends_while_it_subscribes_is_told_so(self, live: LiveWorld) -> None:
        class Slow(MemoryBoards):
            def require(self, board: str) -> None:
                live.clock.advance(IDLE.total_seconds())

        service = LiveService(live.connections, Slow(), live.gateway, live.clock, endpoint=ENDPOINT)
        service.connect("a1", "777")
        answer = service.message("a1", '{"action":"subscribe","channel":"leaderboard"}')
        assert answer["error"]["code"] == "connection_expired"

    def test_followers_beyond_a_page_are_told_by_pages(self, live: LiveWorld) -> None:
        for number in range(PAGE + 3):
            name = f"c{number:04d}"
            live.connections.add({**_connection(name), "boards": ["all/all"]})
        first = live.push.board("all", wire.dumps)
        assert first == Pushed(delivered=PAGE)
        ((board, season, after),) = live.queue.pages
        assert (board, season, after) == ("all", None, f"c{PAGE - 1:04d}")
        assert live.push.page(Feed(board, season), after, wire.dumps) == Pushed(delivered=3)
        assert len({name for name, _ in live.gateway.sent}) == PAGE + 3
        assert len(live.queue.pages) == 1


def _connection(name: str) -> Document:
    return {
        "_id": name,
        "telegramId": "777",
        "results": True,
        "boards": [],
        "endpoint": ENDPOINT,
        "connectedAt": NOON,
        "lastSeenAt": NOON,
        "expiresAt": NOON + IDLE,
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("[1]", "invalid_json"),
        ("[" * 4000, "invalid_json"),
        ('"ping"', "invalid_json"),
        ("{}", "unknown_action"),
        ('{"action":"shout"}', "unknown_action"),
        ('{"action":["ping"]}', "unknown_action"),
        ('{"action":"subscribe"}', "validation_error"),
        ('{"action":"subscribe","channel":"everything"}', "validation_error"),
        ('{"action":"subscribe","channel":"leaderboard","season":"2020-01"}', "validation_error"),
        ('{"action":"subscribe","channel":"leaderboard","league":"pro","realm":"x"}', "validation_error"),
        ('{"action":"subscribe","channel":"leaderboard","league":7}', "validation_error"),
        ('{"action":"subscribe","channel":"leaderboard","realm":"' + "x" * 51 + '"}', "validation_error"),
        ('{"action":"ping","pad":"' + "x" * 4096 + '"}', "payload_too_large"),
    ],
)
def test_what_can_t_be_understood_is_refused_and_the_connection_stays(text: str, code: str) -> None:
    live = LiveWorld(MemoryConnections())
    live.service.connect("c1", "777")
    answer = live.service.message("c1", text)
    assert (answer["type"], answer["error"]["code"]) == ("error", code)
    assert live.say("c1", action="ping")["type"] == "pong"


def test_every_read_is_served_by_an_index(database: Database[Document]) -> None:
    reads = [live_queries.living_of_player("7", NOON, 10), live_queries.living_followers("all/all", NOON, "", 500)]
    for read in reads:
        found = database[read.collection].find(read.where, sort=list(read.sort), limit=read.limit).explain()
        plan = json.dumps(found["queryPlanner"]["winningPlan"], default=str)
        assert "IXSCAN" in plan
        assert "COLLSCAN" not in plan
        assert '"SORT"' not in plan
