"""Rankings as Redis sorted sets: fast answers to who stands where, and never the truth.

One sorted set per ranking, member telegramId, score the value; a set read backwards has the order of
``leaderboard_ports``. Values only grow, so sets are fed with absolute values by ``ZADD GT``: repeated, late and
reordered writes do no harm. Values are never negative, which leaves negative scores for the set's own state::

    -1  "#<token>"   complete: every player was loaded while this very set existed
    -2  "#<token>"   being loaded

The state lies in the set itself, so whatever takes the players (FLUSHALL, eviction, expiry) takes it, too, and a set
that a battle created afterwards is known to be incomplete. The clients are made for a single node.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from chalicelib.arena.battle_service import BattleResult
from chalicelib.arena.leaderboard_ports import Neighbours, Ranking
from chalicelib.arena.live_ports import LiveQueue
from chalicelib.arena.standings import METRICS, Standing, escaped

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

COMPLETE: Final = -1
LOADING: Final = -2

CONNECT_SECONDS: Final = 0.05
ANSWER_SECONDS: Final = 0.1
AWAY_SECONDS: Final = 5.0
"""After a failure Redis is left alone for this long, so that a dead one costs one battle in many its budget."""

PUSH_EVERY_MS: Final = 2000
CLAIM_PUSH: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
"""
"""Whether a board (followed, pushed) is followed and due. An unfollowed one is left without the mark, or whoever
comes next would miss changes until it goes."""
FOLLOWED_SECONDS: Final = 150
"""How long a board counts as followed after it was last pushed; the minute's upkeep pushes it again before."""

Failed = Callable[[Exception], None]
"""Is told why Redis did not answer."""


def quick_client(url: str) -> "Redis":
    """A client that answers within a tenth of a second or fails; a connection lost meanwhile is replaced once."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        # The client's own default tries thrice, seconds apart.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        max_connections=2,
    )


class BoardKeys:
    """Names of the keys; ``database`` keeps environments that share a server apart."""

    def __init__(self, database: str) -> None:
        self._database = database

    def board(self, season: str | None, board: str) -> str:
        """What all keys of a board begin with."""
        return f"board:{{{self._database}|{season or 'all-time'}|{escaped(board)}}}"

    def ranking(self, season: str | None, board: str, metric: str) -> str:
        return f"{self.board(season, board)}:{metric}"

    def pushed(self, board: str) -> str:
        return f"board:{self._database}:pushed:{escaped(board)}"

    def followed(self, board: str) -> str:
        return f"board:{self._database}:followed:{escaped(board)}"


def raises(keys: BoardKeys, standings: Iterable[tuple[str, Standing]]) -> Mapping[str, Mapping[str, int]]:
    """The values players' ``standings`` raise, by key."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for telegram_id, standing in standings:
        for metric in METRICS:
            value = standing.totals.by(metric)
            found[keys.ranking(standing.season, standing.board, metric)][telegram_id] = value
    return found


class RedisBoards:
    """``leaderboard_ports.Ranks`` on sorted sets, and the listener that feeds them."""

    def __init__(
        self,
        client: "Redis",
        database: str,
        *,
        failed: Failed,
        live: LiveQueue | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._keys = BoardKeys(database)
        self._failed = failed
        self._live = live
        self._monotonic = monotonic
        self._away_until = -float("inf")

    def fought(self, result: BattleResult) -> None:
        """Raises the player's values, in one round trip, and announces boards that are followed and due."""
        who = str(result.battle["ownerTelegramId"])
        boards = list(dict.fromkeys(standing.board for standing in result.standings))
        announced = boards if self._live is not None else []

        def commands(pipeline: "Pipeline") -> None:
            for key, values in raises(self._keys, ((who, standing) for standing in result.standings)).items():
                pipeline.zadd(key, dict(values), gt=True)
            for board in announced:
                pipeline.eval(CLAIM_PUSH, 2, self._keys.followed(board), self._keys.pushed(board), PUSH_EVERY_MS)

        answers = self._ask(commands)
        if answers is None or self._live is None:
            return
        for board, claimed in zip(announced, answers[len(answers) - len(announced) :], strict=True):
            if claimed:
                self._live.board(board)

    def close(self) -> None:
        self._client.close()

    def followed(self, board: str) -> None:
        self._ask(lambda pipeline: pipeline.set(self._keys.followed(board), "1", ex=FOLLOWED_SECONDS))

    def top(self, ranking: Ranking, limit: int) -> list[str] | None:
        def commands(pipeline: "Pipeline") -> None:
            pipeline.zrevrangebyscore(self._key(ranking), "+inf", 0, start=0, num=limit)

        answers = self._ask_complete(ranking, commands)
        return None if answers is None else list(answers[0])

    def higher(self, ranking: Ranking, value: int) -> int | None:
        def commands(pipeline: "Pipeline") -> None:
            pipeline.zcount(self._key(ranking), f"({value}", "+inf")

        answers = self._ask_complete(ranking, commands)
        return None if answers is None else int(answers[0])

    def around(self, ranking: Ranking, telegram_id: str, value: int, reach: int) -> Neighbours | None:
        key = self._key(ranking)
        answers = self._ask_complete(ranking, lambda pipeline: pipeline.zrevrank(key, telegram_id))
        if answers is None or answers[0] is None:
            return None
        first = max(0, int(answers[0]) - reach)
        last = int(answers[0]) + reach
        answers = self._ask_complete(ranking, lambda pipeline: pipeline.zrevrange(key, first, last, withscores=True))
        order = [] if answers is None else [(member, score) for member, score in answers[0] if score >= 0]
        place = next((place for place, (member, _) in enumerate(order) if member == telegram_id), None)
        if place is None or order[place][1] < value:
            # Moved out of the window between the two round trips, or the set missed a battle.
            return None
        names = [member for member, _ in order]
        return Neighbours(first + place + 1, names[:place], names[place + 1 :])

    def _key(self, ranking: Ranking) -> str:
        return self._keys.ranking(ranking.season, ranking.board, ranking.metric)

    def _ask_complete(self, ranking: Ranking, commands: "Callable[[Pipeline], object]") -> list[Any] | None:
        """The answers, if the ranking's set is complete at that very moment."""
        if ranking.archived:
            return None

        def asked(pipeline: "Pipeline") -> None:
            commands(pipeline)
            pipeline.zcount(self._key(ranking), COMPLETE, COMPLETE)

        answers = self._ask(asked, one_moment=True)
        return answers[:-1] if answers is not None and answers[-1] else None

    def _ask(self, commands: "Callable[[Pipeline], object]", *, one_moment: bool = False) -> list[Any] | None:
        """The answers to ``commands``, sent together; None when Redis does not answer, or lately did not."""
        import redis

        if self._monotonic() < self._away_until:
            return None
        pipeline = self._client.pipeline(transaction=one_moment)
        try:
            commands(pipeline)
            return pipeline.execute()
        except redis.RedisError as error:
            self._away_until = self._monotonic() + AWAY_SECONDS
            self._failed(error)
            return None
