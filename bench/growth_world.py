"""An arena of any size for ``bench.growth``: documents as battles leave them, made by number and put in directly."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena import ledger
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import new_job
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.guilds import new_guild
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.arena.seasons import MONTH, season_at
from chalicelib.arena.standings import ALL, league_board
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults

BATTLES_EACH: Final = 10
MAIN: Final = "1000000"
MAIN_EVERY: Final = 10
"""Every so many-th battle is the main player's, whose history grows with everything else."""
_BATCH: Final = 5_000


class GrowingWorld:
    """So many players with ten battles each, a queued battle each, and a guild for every ten of them."""

    def __init__(self, players: int, seed: int) -> None:
        self.players = players
        self._draw = random.Random(f"{seed} {players}")
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._brokers = [ObjectId() for _ in range(players)]

    def player(self, number: int) -> str:
        return str(int(MAIN) + number)

    def broker(self, number: int) -> str:
        return str(self._brokers[number])

    def command(self, number: int, request_id: str) -> BattleCommand:
        """A battle of the player's one broker."""
        return BattleCommand(
            telegram_id=self.player(number), request_id=request_id, broker_id=self.broker(number), mode_key="prediction"
        )

    def fill(self, database: Database[Document], progress: Callable[[str, int, int], None]) -> None:
        """Indexes first: what is put in then is stored as by an arena that has grown."""
        ensure_indexes(database)
        seed_defaults(database, self._now)
        database["economyconfigs"].update_one({}, {"$set": {"dailyCapAiba": 10**9, "dailyCapNeur": 10**9}})
        battles = self.players * BATTLES_EACH
        for collection, count, make in (
            ("users", self.players, self._user),
            ("brokers", self.players, self._broker),
            ("guilds", max(1, self.players // 10), self._guild),
            ("battlejobs", self.players, self._job),
            ("battles", battles, self._battle),
            ("ledgerentries", battles, self._row),
            ("outbox", battles, self._event),
        ):
            for start in range(0, count, _BATCH):
                numbers = range(start, min(start + _BATCH, count))
                database[collection].insert_many([make(number) for number in numbers], ordered=False)
                progress(collection, numbers.stop, count)

    def rest(self, database: Database[Document]) -> None:
        """Every broker may fight again."""
        database["brokers"].update_many({}, {"$set": {"energy": 100, "cooldowns": {}}})

    def owner(self, number: int) -> str:
        """Whose battle it is."""
        return MAIN if number % MAIN_EVERY == 0 else self.player(number % self.players)

    def _at(self, number: int) -> datetime:
        return self._now - timedelta(seconds=number)

    def _user(self, number: int) -> Document:
        sums = {"score": self._draw.randrange(1, 10**6), "aiba": number, "neur": 0, "battles": BATTLES_EACH}
        boards = {ALL: sums, league_board("rookie"): sums}
        standings = {"totals": boards, "seasons": {season_at(self._now, MONTH).id: boards}, "standingsAt": self._now}
        profile = {"telegramId": self.player(number), "username": f"player{number}", "lastSeenAt": self._now}
        return {**new_player(self._now), **profile, **standings}

    def _broker(self, number: int) -> Document:
        return {"_id": self._brokers[number], **new_broker(self.player(number), self._now)}

    def _guild(self, number: int) -> Document:
        people = [self.player(member % self.players) for member in range(10 * number, 10 * number + 10)]
        members = [{"telegramId": who, "role": "member", "joinedAt": self._at(number)} for who in people]
        guild = new_guild(people[0], f"guild {number}", "", self._at(number), guild_id=ObjectId())
        return {**guild, "members": members, "boostCount": number % 7}

    def _job(self, number: int) -> Document:
        return new_job(self.command(number, self.queued(number)), None, "", self._now)

    def queued(self, number: int) -> str:
        """The requestId of the player's queued battle."""
        return f"queued-{number}"

    def fought(self, number: int) -> str:
        """The requestId of a battle."""
        return f"fought-{number}"

    def _battle(self, number: int) -> Document:
        return {
            "_id": ObjectId(),
            "requestId": self.fought(number),
            "ownerTelegramId": self.owner(number),
            "brokerId": self._brokers[number % self.players],
            **{"arena": "prediction", "league": "rookie", "modeKey": "prediction"},
            **{"seedHex": "0" * 64, "score": number % 200, "rewardAiba": 100, "rewardNeur": 0},
            **{"guildId": None, "opponentGuildId": None, "guildShareNeur": 0},
            **{"createdAt": self._at(number), "updatedAt": self._at(number), "__v": 0},
        }

    def _row(self, number: int) -> Document:
        row = ledger.credit(
            telegram_id=self.owner(number),
            currency="AIBA",
            amount=100,
            reason="battle_reward",
            request_id=self.fought(number),
            now=self._at(number),
            battle_id=ObjectId(),
        )
        return {"_id": ObjectId(), **row}

    def _event(self, number: int) -> Document:
        """Of a battle, told to everybody who had to hear of it."""
        kept: dict[str, Any] = {"occurredAt": self._at(number), "expiresAt": self._now + timedelta(days=7)}
        return {"_id": ObjectId(), "entity": "battle", "key": self.fought(number), "op": "insert", **kept}

    def numbers(self, count: int, of: int) -> Iterator[int]:
        """So many numbers below ``of``, drawn without repeating one while there are others."""
        left: list[int] = []
        for _ in range(count):
            left = left or self._draw.sample(range(of), of)
            yield left.pop()
