"""Live results to test against: fakes of everything around them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.arena.live_ports import BoardTop, Connections, Delivery
from chalicelib.arena.live_push import LivePush
from chalicelib.arena.live_service import LiveService
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import wire
from chalicelib.errors import NotFound
from tests.fakes.live_queue import MemoryLiveQueue
from tests.worlds import NOON

ENDPOINT = "http://gateway.test/api"


@dataclass
class MemoryGateway:
    """``live_ports.ConnectionGateway``: remembers what was sent to whom; some may be gone or fail."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    outcomes: dict[str, Delivery] = field(default_factory=dict)
    before_post: Callable[[], None] = lambda: None
    """What happens meanwhile, before anything is sent."""

    def post(self, connections: Sequence[Mapping[str, Any]], text: str) -> dict[str, Delivery]:
        self.before_post()
        found = {c["_id"]: self.outcomes.get(c["_id"], Delivery.DELIVERED) for c in connections}
        self.sent += [(name, text) for name, outcome in found.items() if outcome is Delivery.DELIVERED]
        return found

    def close(self, connection: Mapping[str, Any]) -> None:
        self.closed.append(connection["_id"])

    def heard(self, connection_id: str) -> list[str]:
        return [text for name, text in self.sent if name == connection_id]


@dataclass
class MemoryBoards:
    """``live_ports.Boards``: one row per board, named by whoever leads."""

    leaders: dict[str, str] = field(default_factory=lambda: {"all": "1", "league:pro": "2"})

    def require(self, board: str) -> None:
        if board not in self.leaders:
            raise NotFound("league not found")

    def top(self, board: str, season: str | None, limit: int) -> BoardTop:
        rows = [{"telegramId": self.leaders[board], "rank": 1}][:limit]
        return BoardTop(None if season is None else "2026-11", rows)


@dataclass
class MemoryOutcomes:
    """``live_ports.Outcomes`` by (telegramId, requestId)."""

    decided: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def of(self, telegram_id: str, request_id: str) -> Mapping[str, Any] | None:
        return self.decided.get((telegram_id, request_id))


class LiveWorld:
    """The live services over one kind of ``Connections``."""

    def __init__(self, connections: Connections) -> None:
        self.clock = ManualClock(NOON)
        self.connections = connections
        self.gateway = MemoryGateway()
        self.boards = MemoryBoards()
        self.outcomes = MemoryOutcomes()
        self.queue = MemoryLiveQueue()
        self.service = LiveService(connections, self.boards, self.gateway, self.clock, endpoint=ENDPOINT)
        self.push = LivePush(connections, self.outcomes, self.boards, self.gateway, self.queue, self.clock)

    def say(self, connection_id: str, **message: Any) -> dict[str, Any]:
        return self.service.message(connection_id, wire.dumps(message))

    def follow(self, connection_id: str, **board: Any) -> dict[str, Any]:
        return self.say(connection_id, action="subscribe", channel="leaderboard", **board)
