"""Loading and mending the sorted sets of boards. Slower and more patient than what answers requests."""

import contextlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast

from chalicelib.arena.leaderboard_upkeep_ports import CACHE_UNAVAILABLE, Board, Loading, expiry_of
from chalicelib.arena.moments import epoch_ms, from_epoch_ms
from chalicelib.arena.standings import METRICS, Standing, Totals
from chalicelib.cache.leaderboard import COMPLETE, LOADING, BoardKeys, raises
from chalicelib.errors import Unavailable

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

PATIENCE_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 3600
"""How long a paused loading may wait to be taken up."""


def patient_client(url: str) -> "Redis":
    """A client for work nobody waits for."""
    import redis

    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        max_connections=1,
    )


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    import redis

    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(CACHE_UNAVAILABLE, "Redis did not answer in time", retry_after_seconds=2) from error


class RedisRankSets:
    """``leaderboard_upkeep_ports.RankSets``."""

    def __init__(self, client: "Redis", database: str) -> None:
        self._client = client
        self._keys = BoardKeys(database)
        self._reconciled = f"board:{database}:reconciled"

    def close(self) -> None:
        self._client.close()

    def incomplete(self, boards: Sequence[Board]) -> list[Board]:
        pipeline = self._client.pipeline(transaction=False)
        for board in boards:
            for key in self._sets(board):
                pipeline.zcount(key, COMPLETE, COMPLETE)
        with _translated():
            answers = pipeline.execute()
        count = len(METRICS)
        return [board for place, board in enumerate(boards) if not all(answers[place * count : (place + 1) * count])]

    def begin(self, board: Board) -> Loading:
        with _translated():
            paused = self._paused(board)
            if paused is not None:
                return paused
            loading = Loading(f"#{uuid.uuid4().hex}")
            pipeline = self._client.pipeline(transaction=False)
            for key in self._sets(board):
                pipeline.zadd(key, {loading.token: LOADING})
            self._expire(pipeline, board)
            pipeline.execute()
        return loading

    def load(self, board: Board, players: Sequence[tuple[str, Totals]]) -> None:
        self.raise_to((telegram_id, Standing(*board, totals)) for telegram_id, totals in players)

    def pause(self, board: Board, loading: Loading) -> None:
        text = json.dumps({"token": loading.token, "after": loading.after})
        with _translated():
            self._client.set(self._pause_key(board), text, ex=PAUSE_SECONDS)

    def complete(self, board: Board, loading: Loading) -> bool:
        pipeline = self._client.pipeline(transaction=True)
        for key in self._sets(board):
            # Only where the mark still is: a set lost on the way has lost it, too.
            pipeline.zadd(key, {loading.token: COMPLETE}, xx=True)
            pipeline.zscore(key, loading.token)
            pipeline.zremrangebyscore(key, LOADING, LOADING)
        pipeline.delete(self._pause_key(board))
        with _translated():
            answers = pipeline.execute()
        return all(score == COMPLETE for score in answers[1:-1:3])

    def forget(self, board: Board) -> None:
        with _translated():
            self._client.unlink(*self._sets(board), self._pause_key(board))

    def raise_to(self, standings: Iterable[tuple[str, Standing]]) -> None:
        found = list(standings)
        pipeline = self._client.pipeline(transaction=False)
        for key, values in raises(self._keys, found).items():
            pipeline.zadd(key, dict(values), gt=True)
        for board in {(standing.season, standing.board) for _, standing in found}:
            self._expire(pipeline, board)
        with _translated():
            pipeline.execute()

    def reconciled_until(self) -> datetime | None:
        with _translated():
            stored = cast("str | None", self._client.get(self._reconciled))
        return None if stored is None else from_epoch_ms(int(stored))

    def set_reconciled_until(self, moment: datetime) -> None:
        with _translated():
            self._client.set(self._reconciled, epoch_ms(moment))

    def values(self, board: Board, metric: str, telegram_ids: Sequence[str]) -> list[int | None]:
        with _translated():
            scores = cast("list[Any]", self._client.zmscore(self._keys.ranking(*board, metric), list(telegram_ids)))
        return [None if score is None else int(score) for score in scores]

    def size(self, board: Board, metric: str) -> int:
        with _translated():
            return self._client.zcount(self._keys.ranking(*board, metric), 0, "+inf")

    def _sets(self, board: Board) -> list[str]:
        return [self._keys.ranking(*board, metric) for metric in METRICS]

    def _expire(self, pipeline: "Pipeline", board: Board) -> None:
        expires_at = expiry_of(board[0])
        if expires_at is not None:
            for key in self._sets(board):
                pipeline.expireat(key, expires_at)

    def _pause_key(self, board: Board) -> str:
        return f"{self._keys.board(*board)}:paused"

    def _paused(self, board: Board) -> Loading | None:
        """Where an earlier run stopped, if every set still has its mark."""
        text = cast("str | None", self._client.get(self._pause_key(board)))
        if text is None:
            return None
        loading = Loading(**json.loads(text))
        pipeline = self._client.pipeline(transaction=False)
        for key in self._sets(board):
            pipeline.zscore(key, loading.token)
        return loading if all(score == LOADING for score in pipeline.execute()) else None
