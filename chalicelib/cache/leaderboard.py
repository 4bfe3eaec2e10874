"""Rankings as Redis sorted sets: fast answers to who stands where, and never the truth.

One sorted set per ranking, member telegramId, score the value; a set read backwards has the order of
``leaderboard_ports``. Values only grow, so sets are fed with absolute values by ``ZADD GT``: repeated, late and
reordered writes do no harm. Values are never negative, which leaves negative scores for the set's own state::

    -1  "#<token>"   complete: every player was loaded while this very set existed
    -2  "#<token>"   being loaded

The state lies in the set itself, so whatever takes the players (FLUSHALL, eviction, expiry, a failover) takes it, too,
and a set that a battle created afterwards is known to be incomplete. All keys of a board in a season share a slot; the
boards a battle counts on lie in several, and on a cluster each node gets its part of the update in one round trip.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from chalicelib.arena.battle_service import BattleResult
from chalicelib.arena.leaderboard_ports import Neighbours, Ranking
from chalicelib.arena.live_ports import LiveQueue
from chalicelib.arena.standings import METRICS
from chalicelib.cache.door import CacheUnavailable, Command, RedisDoor, load_script
from chalicelib.cache.keys import BOARD_FOLLOWED, BOARD_PAUSE, BOARD_PUSHED, BOARD_SET, BOARDS_RECONCILED

COMPLETE: Final = -1
LOADING: Final = -2

PUSH_EVERY_MS: Final = 2000
CLAIM_PUSH: Final = load_script("claim_push")
RAISE_VALUES: Final = load_script("raise_values")
FOLLOWED_SECONDS: Final = 150
"""How long a board counts as followed after it was last pushed; the minute's upkeep pushes it again before."""

ALL_TIME: Final = "all-time"

Failed = Callable[[CacheUnavailable], None]
"""Is told why Redis did not answer."""


class BoardKeys:
    """Names of the keys; ``database`` keeps environments that share a server apart."""

    def __init__(self, database: str) -> None:
        self._database = database
        self.reconciled = BOARDS_RECONCILED.key(database)
        # Every battle needs those of four boards, always nearly the same.
        self._rankings = lru_cache(maxsize=256)(self._ranking_keys)

    def ranking(self, season: str | None, board: str, metric: str) -> str:
        return self.rankings(season, board)[METRICS.index(metric)]

    def rankings(self, season: str | None, board: str) -> tuple[str, ...]:
        """Of all metrics, in their order."""
        return self._rankings(season, board)

    def _ranking_keys(self, season: str | None, board: str) -> tuple[str, ...]:
        season = season or ALL_TIME
        return tuple(BOARD_SET.key(self._database, season=season, board=board, metric=metric) for metric in METRICS)

    def paused(self, season: str | None, board: str) -> str:
        return BOARD_PAUSE.key(self._database, season=season or ALL_TIME, board=board)

    def pushed(self, board: str) -> str:
        return BOARD_PUSHED.key(self._database, season=ALL_TIME, board=board)

    def followed(self, board: str) -> str:
        return BOARD_FOLLOWED.key(self._database, season=ALL_TIME, board=board)


class RedisBoards:
    """``leaderboard_ports.Ranks`` on sorted sets, and the listener that feeds them.

    ``notes`` are what else Redis is told of a battle, in the same round trip.
    """

    def __init__(
        self,
        door: RedisDoor,
        database: str,
        *,
        failed: Failed,
        live: LiveQueue | None = None,
        notes: Sequence[Callable[[BattleResult], Command]] = (),
    ) -> None:
        self._door = door
        self._keys = BoardKeys(database)
        self._failed = failed
        self._live = live
        self._notes = tuple(notes)

    def fought(self, result: BattleResult) -> None:
        """Raises the player's values, in one round trip per node, and announces boards that are followed and due."""
        who = str(result.battle["ownerTelegramId"])
        boards = list(dict.fromkeys(standing.board for standing in result.standings))
        announced = boards if self._live is not None else []
        # A script a board, not a command a set: a third less for this process to do.
        commands: list[Command] = [
            (RAISE_VALUES, self._keys.rankings(one.season, one.board), (who, *map(one.totals.by, METRICS)))
            for one in result.standings
        ]
        commands += [note(result) for note in self._notes]
        for board in announced:
            commands.append((CLAIM_PUSH, [self._keys.followed(board), self._keys.pushed(board)], [PUSH_EVERY_MS]))
        answers = self._attempt(commands)
        if self._live is None:
            return
        for board, claimed in zip(announced, answers[len(answers) - len(announced) :], strict=True):
            if claimed:
                self._live.board(board)

    def followed(self, board: str) -> None:
        self._attempt([("SET", self._keys.followed(board), "1", "EX", FOLLOWED_SECONDS)])

    def top(self, ranking: Ranking, limit: int) -> list[str] | None:
        order = self._ask_complete(ranking, "ZREVRANGEBYSCORE", self._key(ranking), "+inf", 0, "LIMIT", 0, limit)
        return None if order is None else list(order)

    def higher(self, ranking: Ranking, value: int) -> int | None:
        count = self._ask_complete(ranking, "ZCOUNT", self._key(ranking), f"({value}", "+inf")
        return None if count is None else int(count)

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours | None:
        key = self._key(ranking)
        found = self._ask_complete(ranking, "ZREVRANK", key, telegram_id)
        if found is None:
            return None
        first, last = max(0, int(found) - reach), int(found) + reach
        window = self._ask_complete(ranking, "ZREVRANGE", key, first, last, "WITHSCORES")
        order = [(member, score) for member, score in window or () if score >= 0]
        place = next((place for place, (member, _) in enumerate(order) if member == telegram_id), None)
        if place is None or order[place][1] < value:
            # Moved out of the window between the two round trips, or the set missed a battle.
            return None
        names = [member for member, _ in order]
        return Neighbours(first + place + 1, names[:place], names[place + 1 :])

    def _key(self, ranking: Ranking) -> str:
        return self._keys.ranking(ranking.season, ranking.board, ranking.metric)

    def _ask_complete(self, ranking: Ranking, *command: Any) -> Any:
        """The answer, if the ranking's set is complete at that very moment."""
        if ranking.archived:
            return None
        complete = ("ZCOUNT", self._key(ranking), COMPLETE, COMPLETE)
        answer, whole = self._attempt([command, complete], one_moment=True)
        return answer if whole else None

    def _attempt(self, commands: Sequence[Command], *, one_moment: bool = False) -> list[Any]:
        """The answers; None for what Redis did not answer."""
        answers = self._door.attempt_all(commands, atomic=one_moment)
        failures = [answer for answer in answers if isinstance(answer, CacheUnavailable)]
        # One failure tells of all, and nothing is new about a node that is left alone.
        tried = next((failure for failure in failures if failure.tried), None)
        if tried is not None:
            self._failed(tried)
        return [None if isinstance(answer, CacheUnavailable) else answer for answer in answers]
