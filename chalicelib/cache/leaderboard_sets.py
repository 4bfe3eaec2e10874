"""Loading and mending the sorted sets of boards. Slower and more patient than what answers requests."""

import contextlib
import json
import math
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from chalicelib.arena.leaderboard_upkeep_ports import CACHE_UNAVAILABLE, Board, Loading, expiry_of
from chalicelib.arena.moments import epoch_ms, from_epoch_ms
from chalicelib.arena.standings import METRICS, Standing, Totals
from chalicelib.cache.door import CacheUnavailable, Command, RedisDoor, load_script
from chalicelib.cache.leaderboard import COMPLETE, LOADING, BoardKeys
from chalicelib.clock import Clock
from chalicelib.errors import Unavailable
from chalicelib.locks import FencedOut, Guard

SET_RECONCILED: Final = load_script("boards_reconciled")

PAUSE_SECONDS: Final = 3600
"""How long a paused loading may wait to be taken up."""


def zadd(key: str, values: Mapping[str, int], *options: str) -> Command:
    """ZADD of ``values`` by member."""
    return ("ZADD", key, *options, *(part for member, value in values.items() for part in (value, member)))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except CacheUnavailable as error:
        raise Unavailable(CACHE_UNAVAILABLE, "Redis did not answer in time", retry_after_seconds=2) from error


class RedisRankSets:
    """``leaderboard_upkeep_ports.RankSets``."""

    def __init__(self, door: RedisDoor, database: str, clock: Clock) -> None:
        self._door = door
        self._keys = BoardKeys(database)
        self._clock = clock

    def incomplete(self, boards: Sequence[Board]) -> list[Board]:
        commands = [("ZCOUNT", key, COMPLETE, COMPLETE) for board in boards for key in self._sets(board)]
        with _translated():
            answers = self._door.execute_all(commands)
        count = len(METRICS)
        return [board for place, board in enumerate(boards) if not all(answers[place * count : (place + 1) * count])]

    def begin(self, board: Board) -> Loading:
        with _translated():
            paused = self._paused(board)
            if paused is not None:
                return paused
            loading = Loading(f"#{uuid.uuid4().hex}")
            marks = [zadd(key, {loading.token: LOADING}) for key in self._sets(board)]
            self._door.execute_all([*marks, *self._expiries(board)])
        return loading

    def load(self, board: Board, players: Sequence[tuple[str, Totals]]) -> None:
        self.raise_to((telegram_id, Standing(*board, totals)) for telegram_id, totals in players)

    def pause(self, board: Board, loading: Loading) -> None:
        text = json.dumps({"token": loading.token, "after": loading.after})
        with _translated():
            self._door.execute("SET", self._keys.paused(*board), text, "EX", PAUSE_SECONDS)

    def complete(self, board: Board, loading: Loading) -> bool:
        commands: list[Command] = []
        for key in self._sets(board):
            # Only where the mark still is: a set lost on the way has lost it, too.
            commands.append(zadd(key, {loading.token: COMPLETE}, "XX"))
            commands.append(("ZSCORE", key, loading.token))
            commands.append(("ZREMRANGEBYSCORE", key, LOADING, LOADING))
        commands.append(("UNLINK", self._keys.paused(*board)))
        with _translated():
            answers = self._door.execute_all(commands, atomic=True)
        return all(score == COMPLETE for score in answers[1:-1:3])

    def forget(self, board: Board) -> None:
        with _translated():
            self._door.execute("UNLINK", *self._sets(board), self._keys.paused(*board))

    def raise_to(self, standings: Iterable[tuple[str, Standing]]) -> None:
        found = list(standings)
        raised: dict[str, dict[str, int]] = defaultdict(dict)
        for telegram_id, standing in found:
            for metric, key in zip(METRICS, self._sets((standing.season, standing.board)), strict=True):
                raised[key][telegram_id] = standing.totals.by(metric)
        commands = [zadd(key, values, "GT") for key, values in raised.items()]
        for board in {(standing.season, standing.board) for _, standing in found}:
            commands += self._expiries(board)
        with _translated():
            self._door.execute_all(commands)

    def reconciled_until(self) -> datetime | None:
        with _translated():
            stored = self._door.execute("HGET", self._keys.reconciled, "until")
        return None if stored is None else from_epoch_ms(int(stored))

    def set_reconciled_until(self, moment: datetime, guard: Guard | None = None) -> None:
        fence = "" if guard is None else str(guard.fence)
        with _translated():
            stored = self._door.script(SET_RECONCILED, [self._keys.reconciled], [epoch_ms(moment), fence])
        if guard is not None and not stored:
            raise FencedOut(guard)

    def values(self, board: Board, metric: str, telegram_ids: Sequence[str]) -> list[int | None]:
        with _translated():
            scores = self._door.execute("ZMSCORE", self._keys.ranking(*board, metric), *telegram_ids)
        return [None if score is None else int(score) for score in scores]

    def size(self, board: Board, metric: str) -> int:
        with _translated():
            return int(self._door.execute("ZCOUNT", self._keys.ranking(*board, metric), 0, "+inf"))

    def _sets(self, board: Board) -> Sequence[str]:
        return self._keys.rankings(*board)

    def _expiries(self, board: Board) -> list[Command]:
        expires_at = expiry_of(board[0])
        if expires_at is None:
            return []
        # In so long, not at that moment: seasons end by the arena's clock, and so do their sets.
        seconds = math.ceil((expires_at - self._clock()).total_seconds())
        return [("EXPIRE", key, seconds) for key in self._sets(board)]

    def _paused(self, board: Board) -> Loading | None:
        """Where an earlier run stopped, if every set still has its mark."""
        text = self._door.execute("GET", self._keys.paused(*board))
        if text is None:
            return None
        loading = Loading(**json.loads(text))
        scores = self._door.execute_all([("ZSCORE", key, loading.token) for key in self._sets(board)])
        return loading if all(score == LOADING for score in scores) else None
