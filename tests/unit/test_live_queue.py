"""The live queue: what is sent, how it is read back, and what its consumer makes of a batch."""

import itertools
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.arena.live import HANDSHAKE, Feed
from chalicelib.arena.live_announcements import (
    BoardChanged,
    IllegibleAnnouncement,
    MoreFollowers,
    ResultReady,
    correlation_of,
    from_message,
)
from chalicelib.arena.live_ports import Delivery
from chalicelib.clock import ManualClock, system_clock
from chalicelib.entrypoints.live import RESERVE_MILLISECONDS, live_push
from chalicelib.errors import Unavailable
from chalicelib.messaging.connections_api import BUDGET_SECONDS, LAST_DELIVERY_SECONDS
from chalicelib.messaging.live_queue import AWAY, SqsLiveQueue
from chalicelib.messaging.sqs import HURRIED_CONNECT_SECONDS, HURRIED_READ_SECONDS, SqsClient
from chalicelib.monitoring.meters import Meters
from chalicelib.monitoring.usage import Identity
from chalicelib.settings import load
from tests.fakes.memory_connections import MemoryConnections
from tests.live_worlds import LiveWorld
from tests.logged import Logged
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import NOON

FOUGHT = {"status": "done", "battle": {"score": 7}}


@dataclass
class Outbox:
    """Remembers what was sent, with its delay."""

    sent: list[tuple[str, int]] = field(default_factory=list)
    broken: bool = False

    def __call__(self, body: str, *, delay_seconds: int = 0) -> None:
        if self.broken:
            raise Unavailable("queue_unavailable")
        self.sent.append((body, delay_seconds))


@pytest.fixture
def silent_queue() -> Iterator[socket.socket]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def attempts(server: socket.socket) -> int:
    """How often it was called since last asked."""
    server.setblocking(False)
    for number in itertools.count():
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return number
    raise AssertionError("counting ended")


def unexpected(error: Exception) -> None:
    raise error


class TestSending:
    def test_an_announcement_says_what_it_came_of(self) -> None:
        outbox = Outbox()
        SqsLiveQueue(outbox, outbox, ManualClock(NOON), unexpected, lambda: "ticket").result("777", "r")
        SqsLiveQueue(outbox, outbox, ManualClock(NOON), unexpected).result("777", "r")
        assert [correlation_of(body) for body, _ in outbox.sent] == ["ticket", None]
        assert len({from_message(body) for body, _ in outbox.sent}) == 1

    def test_what_is_sent_is_read_back(self) -> None:
        outbox = Outbox()
        queue = SqsLiveQueue(outbox, outbox, ManualClock(NOON), failed=unexpected)
        queue.result("777", "r/1 ä")
        queue.board("league:pro")
        queue.followers("all", "current", "c9=")
        queue.followers("all", None, "c9=")
        assert [(from_message(body), delay) for body, delay in outbox.sent] == [
            (ResultReady("777", "r/1 ä"), 0),
            (BoardChanged("league:pro"), 2),
            (MoreFollowers(Feed("all", "current"), "c9="), 0),
            (MoreFollowers(Feed("all"), "c9="), 0),
        ]

    def test_a_board_s_changes_are_announced_once_while_the_announcement_rests(self) -> None:
        outbox, clock = Outbox(), ManualClock(NOON)
        queue = SqsLiveQueue(outbox, outbox, clock, failed=unexpected)
        for _ in range(5):
            queue.board("all")
            queue.board("league:pro")
            clock.advance(0.39)
        assert len(outbox.sent) == 2
        clock.advance(0.05)
        queue.board("all")
        assert len(outbox.sent) == 3

    def test_what_can_t_be_sent_is_told_and_not_raised(self) -> None:
        told: list[Exception] = []
        outbox = Outbox(broken=True)
        queue = SqsLiveQueue(outbox, outbox, ManualClock(NOON), failed=told.append)
        queue.board("all")
        queue.result("777", "r1")
        assert [type(error) for error in told] == [Unavailable, Unavailable]

    def test_after_a_failure_boards_wait_and_results_do_not(self) -> None:
        told: list[Exception] = []
        patient, hurried, clock = Outbox(), Outbox(broken=True), ManualClock(NOON)
        queue = SqsLiveQueue(patient, hurried, clock, failed=told.append)
        for board in ("all", "league:pro", "realm:north"):
            queue.board(board)
        queue.result("777", "r1")
        assert (len(told), len(patient.sent)) == (1, 1)
        hurried.broken = False
        clock.advance(AWAY.total_seconds() - 0.001)
        queue.board("league:pro")
        assert hurried.sent == []
        clock.advance(0.001)
        queue.board("league:pro")
        assert len(hurried.sent) == 1

    def test_a_queue_that_does_not_answer_holds_nobody_up(
        self, silent_queue: socket.socket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One attempt for all boards, of a client that soon gives up."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        url = f"http://127.0.0.1:{silent_queue.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        settings = load({**DEVELOPMENT, "ARENA_LIVE_QUEUE_URL": f"{url}/0/live"})
        arena = wiring.Arena(settings, clock=ManualClock(NOON))
        assert arena.live_queue is not None
        for board in ("all", "league:pro", "realm:north"):
            arena.live_queue.board(board)
        assert attempts(silent_queue) == 1
        told = SqsClient("us-east-1", hurried=True).raw.meta.config
        assert (told.connect_timeout, told.read_timeout) == (HURRIED_CONNECT_SECONDS, HURRIED_READ_SECONDS)
        assert HURRIED_CONNECT_SECONDS + HURRIED_READ_SECONDS < 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"format":2,"kind":"result","telegramId":"7","requestId":"r"}',
        '{"format":1,"kind":"other"}',
        '{"format":1,"kind":"result","telegramId":7,"requestId":"r"}',
        '{"format":1,"kind":"result","telegramId":"7"}',
        '{"format":1,"kind":"board","board":""}',
        '{"format":1,"kind":"board","board":"all","season":null,"after":""}',
    ],
)
def test_what_nobody_wrote_is_illegible(text: str) -> None:
    with pytest.raises(IllegibleAnnouncement):
        from_message(text)


class Context:
    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


class FixedPush(wiring.Wiring):
    """A wiring whose arena knows how to push, and nothing else."""

    def __init__(self, live: LiveWorld) -> None:
        super().__init__({})
        self.live_push = live.push
        self.meters = Meters(Identity(instance="test"), None, system_clock, time.monotonic, failed=lambda _: None)

    def arena(self) -> Any:
        return self


@pytest.fixture
def live() -> Iterator[LiveWorld]:
    world = LiveWorld(MemoryConnections())
    for name, player in [("a1", "777"), ("b1", "888")]:
        world.service.connect(name, player)
        world.outcomes.decided[player, "r1"] = FOUGHT
    wiring.install(FixedPush(world))
    yield world
    wiring.install(None)


def consume(*bodies: Any, milliseconds: int = 60_000) -> list[str]:
    """The messages (m0, m1, …) to be tried again."""
    records = [
        {"messageId": f"m{n}", "receiptHandle": "", "body": body if isinstance(body, str) else json.dumps(body)}
        for n, body in enumerate(bodies)
    ]
    answer = live_push({"Records": records}, Context(milliseconds))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def result(player: str, request_id: str = "r1") -> dict[str, Any]:
    return {"format": 1, "kind": "result", "telegramId": player, "requestId": request_id}


BOARD = {"format": 1, "kind": "board", "board": "all"}


class TestConsuming:
    def test_each_message_of_a_batch_has_its_own_fate(self, live: LiveWorld) -> None:
        live.gateway.outcomes["b1"] = Delivery.FAILED
        assert consume(BOARD, result("777"), "nonsense", result("888"), result("999")) == ["m2", "m3"]
        assert len(live.gateway.heard("a1")) == 1

    def test_a_message_twice_in_a_batch_is_delivered_once(self, live: LiveWorld) -> None:
        assert consume(result("777"), result("777")) == []
        assert len(live.gateway.heard("a1")) == 1

    def test_each_message_is_logged_under_its_id_and_one_of_several_under_all(
        self, live: LiveWorld, logged: Logged
    ) -> None:
        told = [{**result("777"), "correlationId": name} for name in ("a", "b", "a", "not one\n")]
        assert consume({**BOARD, "correlationId": "c"}, *told, result("888")) == []
        (ours, other, board) = logged.saying("live push")
        assert (ours["correlation_id"], ours["correlation_ids"]) == ("a", ["a", "b"])
        assert (board["correlation_id"], "correlation_ids" in board) == ("c", False)
        assert other["correlation_id"] not in ("", "a", "b", "c")

    def test_a_gone_connection_is_no_reason_to_try_again(self, live: LiveWorld) -> None:
        live.clock.advance(HANDSHAKE.total_seconds())
        live.gateway.outcomes["a1"] = Delivery.GONE
        assert consume(result("777")) == []

    def test_a_failed_board_is_not_tried_again_but_an_error_is(self, live: LiveWorld) -> None:
        live.follow("a1")
        live.gateway.outcomes["a1"] = Delivery.FAILED
        assert consume(BOARD) == []
        live.boards.leaders.clear()
        assert consume(BOARD, result("888")) == ["m0"]

    def test_results_come_before_boards(self, live: LiveWorld) -> None:
        live.follow("a1")
        assert consume(BOARD, result("777")) == []
        assert [json.loads(text)["type"] for text in live.gateway.heard("a1")] == ["battle.result", "leaderboard"]

    def test_what_there_is_no_time_for_is_left_for_another_invocation(self, live: LiveWorld) -> None:
        assert consume(result("777"), milliseconds=RESERVE_MILLISECONDS) == ["m0"]
        assert live.gateway.sent == []


def test_an_announcement_fits_into_the_time_kept_for_it() -> None:
    leaderboards = 2
    worst = leaderboards * (BUDGET_SECONDS + LAST_DELIVERY_SECONDS)
    assert worst * 1000 <= RESERVE_MILLISECONDS
