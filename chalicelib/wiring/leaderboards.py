"""Builds what leaderboards are made of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.arena.battle import BattleResult
    from chalicelib.arena.battle_service import BattleListener
    from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
    from chalicelib.arena.live_ports import LiveQueue
    from chalicelib.arena.season_archive import SeasonArchive
    from chalicelib.cache.door import Command, RedisDoor
    from chalicelib.cache.leaderboard import RedisBoards
    from chalicelib.clock import Clock
    from chalicelib.data.operations import Operations


class BestEffort:
    """A listener whose failures are logged: the battle it hears of is fought and paid already."""

    def __init__(self, listener: "BattleListener") -> None:
        self._listener = listener

    def fought(self, result: "BattleResult") -> None:
        try:
            self._listener.fought(result)
        except Exception:  # noqa: BLE001 - whatever a listener fails with, the player gets the battle
            logger().exception("battle listener failed", listener=type(self._listener).__name__)


def boards(
    door: "RedisDoor | None", database: str, live: "LiveQueue | None", note: "Callable[[BattleResult], Command]"
) -> "RedisBoards | None":
    """The sorted sets, where Redis is configured; ``note`` is told it with each battle."""
    if door is None:
        return None
    from chalicelib.cache.leaderboard import RedisBoards

    return RedisBoards(
        door,
        database,
        failed=lambda error: logger().warning("leaderboards not reached in Redis", reason=error.reason),
        live=live,
        notes=[note],
    )


def upkeep(
    door: "RedisDoor | None", database: str, operations: "Operations", clock: "Clock", live: "LiveQueue | None"
) -> "LeaderboardUpkeep":
    from chalicelib.arena.leaderboard_upkeep import LeaderboardUpkeep
    from chalicelib.data.catalogue import MongoCatalogue
    from chalicelib.data.leaderboard_upkeep import MongoStandingsPages

    sets = None
    if door is not None:
        from chalicelib.cache.leaderboard_sets import RedisRankSets

        sets = RedisRankSets(door, database, clock)
    return LeaderboardUpkeep(MongoStandingsPages(operations), MongoCatalogue(operations), clock, sets=sets, live=live)


def archive(operations: "Operations", clock: "Clock") -> "SeasonArchive":
    from chalicelib.arena.season_archive import SeasonArchive
    from chalicelib.data.catalogue import MongoCatalogue
    from chalicelib.data.leaderboard_upkeep import MongoSeasonRecords
    from chalicelib.data.leaderboards import MongoStandings

    return SeasonArchive(
        MongoStandings(operations, pool="primary"), MongoSeasonRecords(operations), MongoCatalogue(operations), clock
    )
