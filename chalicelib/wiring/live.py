"""Builds what live results are made of."""

from typing import TYPE_CHECKING

from chalicelib.errors import Unavailable
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.arena.leaderboard_service import LeaderboardService
    from chalicelib.arena.live_boards import LiveBoards
    from chalicelib.arena.live_ports import ConnectionGateway, Connections, FollowersQueue, Outcomes
    from chalicelib.arena.live_push import LivePush
    from chalicelib.arena.live_service import LiveService
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations
    from chalicelib.messaging.connections_api import ManagementApi
    from chalicelib.settings import Settings


def connections_api(settings: "Settings") -> "ManagementApi":
    from chalicelib.messaging.connections_api import ManagementApi

    return ManagementApi(settings.region, lambda fault: logger().warning("connection not reached", fault=fault))


def boards(leaderboards: "LeaderboardService", operations: "Operations", clock: "Clock") -> "LiveBoards":
    from chalicelib.arena.live_boards import LiveBoards
    from chalicelib.data.catalogue import MongoCatalogue

    return LiveBoards(leaderboards, MongoCatalogue(operations), clock)


def service(
    settings: "Settings", connections: "Connections", boards: "LiveBoards", gateway: "ConnectionGateway", clock: "Clock"
) -> "LiveService":
    from chalicelib.arena.live_service import LiveService

    return LiveService(connections, boards, gateway, clock, endpoint=settings.websocket_endpoint)


def push(
    connections: "Connections",
    outcomes: "Outcomes",
    boards: "LiveBoards",
    gateway: "ConnectionGateway",
    queue: "FollowersQueue | None",
    clock: "Clock",
) -> "LivePush":
    """Raises ``Unavailable`` where there is no live queue: followers beyond the first page would hear nothing."""
    from chalicelib.arena.live_push import LivePush

    if queue is None:
        raise Unavailable("live_unavailable", "ARENA_LIVE_QUEUE_URL is not set")
    return LivePush(connections, outcomes, boards, gateway, queue, clock)
