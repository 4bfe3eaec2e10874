"""A game in full swing, and how to make a generated request refer to what there is in it."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bson import ObjectId
from chalice.app import Chalice
from pymongo.database import Database
from schemathesis import Case

from chalicelib import wiring
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.modes import DEFAULT_MODES
from chalicelib.clock import ManualClock
from chalicelib.data.extended_json import to_json
from chalicelib.replication.asking import ENTITY
from chalicelib.replication.hands import ENTITY as HAND
from chalicelib.replication.hands import asked
from chalicelib.replication.questions import question
from tests.gateway import Answer, call
from tests.installed import OPERATOR, Warm, init_data
from tests.replicated import KEYRING, WEST, signed

PLAYER: Final = 777
AT_LIBERTY: Final = {"neurBalance": 10**9, "aibaBalance": 10**9, "bannedUntil": None, "anomalyFlags": 0}


@dataclass(frozen=True)
class Game:
    """One player with money and brokers, and an operator, on a running arena."""

    app: Chalice
    database: Database[dict[str, Any]]
    clock: ManualClock
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def prepare(self) -> None:
        """What every request may find: a player who has fought, a realm."""
        assert self.as_player("GET", "/api/economy/me").status == 200
        self.database.users.update_one({"telegramId": str(PLAYER)}, {"$set": AT_LIBERTY})
        realm = {"key": "ai", "name": "AI", "description": "", "level": 1, "order": 1, "active": True}
        self.database.realms.insert_one({**realm, "unlockCriteria": {}, "tracks": ["research"]})
        self.battle()
        self.pooled()
        vars(wiring.arena())["cache_warming"] = Warm()

    def credentials(self) -> dict[str, str]:
        token = call(self.app, "POST", "/api/admin/auth/login", OPERATOR).data["token"]
        return {"X-Telegram-Init-Data": init_data(PLAYER, self.clock()), "Authorization": f"Bearer {token}"}

    def as_player(self, method: str, url: str, body: object = None, user: int = PLAYER) -> Answer:
        return call(self.app, method, url, body, {"x-telegram-init-data": init_data(user, self.clock())})

    def fresh(self) -> str:
        """An id no request has used yet."""
        return f"fresh-{next(self._numbers)}"

    def broker(self) -> str:
        """A broker that may fight anything at once, and whose owner can pay for everything.

        Whatever requests to operators' routes have made of the settings, and the settings of the player.
        """
        self.database.economyconfigs.update_one({}, {"$set": DEFAULTS})
        self.database.users.update_one({"telegramId": str(PLAYER)}, {"$set": AT_LIBERTY})
        broker = {**new_broker(str(PLAYER), self.clock()), "energy": 100, "level": 30}
        return str(self.database.brokers.insert_one(broker).inserted_id)

    def battle(self) -> str:
        """The requestId of a battle fought."""
        body = {"requestId": self.fresh(), "brokerId": self.broker()}
        assert self.as_player("POST", "/api/battle/run", body).status == 200
        return body["requestId"]

    def guild(self) -> str:
        """The id of a guild the player owns."""
        answer = self.as_player("POST", "/api/guilds/create", {"name": self.fresh()})
        assert answer.status == 201
        return str(answer.data["_id"])

    def pooled(self) -> dict[str, str]:
        """A guild and a broker in its pool."""
        ids = {"guildId": self.guild(), "brokerId": self.broker()}
        assert self.as_player("POST", "/api/guilds/deposit-broker", ids).status == 200
        return ids

    def mode(self) -> str:
        """The id of a game mode of its own."""
        mode = {**DEFAULT_MODES[0], "key": self.fresh(), "createdAt": self.clock(), "updatedAt": self.clock(), "__v": 0}
        return str(self.database.gamemodes.insert_one({**mode, "_id": ObjectId()}).inserted_id)


def _fields(case: Case[Any]) -> dict[str, Any]:
    return case.body if isinstance(case.body, dict) else {}


def _with(case: Case[Any], **fields: Any) -> None:
    case.body = {**_fields(case), **fields}


def _own_broker(game: Game, case: Case[Any]) -> None:
    _with(case, brokerId=game.broker(), requestId=game.fresh())


def _battle(game: Game, case: Case[Any]) -> None:
    kept = {name: value for name, value in _fields(case).items() if name not in ("arena", "league", "modeKey")}
    case.body = {**kept, "brokerId": game.broker(), "requestId": game.fresh()}


def _combine(game: Game, case: Case[Any]) -> None:
    _with(case, baseBrokerId=game.broker(), sacrificeBrokerId=game.broker(), requestId=game.fresh())


def _mode_id(game: Game, case: Case[Any]) -> None:
    case.path_parameters["id"] = game.mode()


def _change_mode(game: Game, case: Case[Any]) -> None:
    _mode_id(game, case)
    case.body = {"description": game.fresh()}


def _own_guild(game: Game, case: Case[Any]) -> None:
    _with(case, guildId=game.guild())


def _envelopes(game: Game, case: Case[Any]) -> None:
    changes = [{"collection": "users", "key": game.fresh(), "set": {"username": "x"}, "entries": {}, "base": {}}]
    case.body = {"events": [signed(changes, source_region=WEST, event_id=str(ObjectId())).wire()]}


def _question(game: Game, case: Case[Any]) -> None:
    ask = {"kind": "digests", "places": [game.fresh(), None]}
    case.body = _asked(game, ask, "guilds", ENTITY)


def _asked(game: Game, ask: Mapping[str, Any], key: str, entity: str) -> dict[str, Any]:
    event_id = str(ObjectId())
    asks = question(ask, key, entity=entity, region=WEST, event_id=event_id, now=game.clock(), keyring=KEYRING)
    return asks.wire()


def _hand(game: Game, case: Case[Any]) -> None:
    case.body = _asked(game, asked("roles", "us-east-1", {}, to_json), "roles", HAND)


def _failover(_: Game, case: Case[Any]) -> None:
    case.body = {"from": "eu-west-1", "dryRun": True, "force": True}


def _path(**values: str) -> Callable[[Game, Case[Any]], None]:
    return lambda _, case: case.path_parameters.update(values)


ADAPTED: Final[Mapping[str, Callable[[Game, Case[Any]], None]]] = {
    "POST /api/admin/auth/login": lambda _, case: _with(case, **OPERATOR),
    "PATCH /api/admin/economy/config": lambda _, case: _with(case, dailyRewardNeur=51),
    "POST /api/admin/game-modes": lambda game, case: _with(case, key=game.fresh()),
    "PATCH /api/admin/game-modes/{id}": _change_mode,
    "DELETE /api/admin/game-modes/{id}": _mode_id,
    "POST /api/battle/run": _battle,
    "POST /api/battle/queue": _battle,
    "GET /api/battle/status": lambda game, case: case.query.update(requestId=game.battle()),
    "GET /api/battle/{requestId}": lambda game, case: case.path_parameters.update(requestId=game.battle()),
    "POST /api/brokers/train": _own_broker,
    "POST /api/brokers/repair": _own_broker,
    "POST /api/brokers/upgrade": _own_broker,
    "POST /api/brokers/combine": _combine,
    "POST /api/guilds/create": lambda game, case: _with(case, name=game.fresh()),
    "POST /api/guilds/join": _own_guild,
    "POST /api/guilds/leave": _own_guild,
    "POST /api/guilds/deposit-broker": lambda game, case: _with(case, guildId=game.guild(), brokerId=game.broker()),
    "POST /api/guilds/withdraw-broker": lambda game, case: _with(case, **game.pooled()),
    "GET /api/guilds/{guildId}/pool": lambda game, case: case.path_parameters.update(guildId=game.pooled()["guildId"]),
    "GET /api/ops/dead-letters": lambda _, case: case.query.update(queue="battles"),
    "POST /api/ops/dead-letters/replay": lambda _, case: _with(case, queue="battles"),
    "POST /api/ops/scaling/override": lambda _, case: _with(case, desired=5),
    "GET /api/realms/{key}": _path(key="ai"),
    "POST /api/home": lambda _, case: _with(case, region="us-east-1"),
    "POST /api/replication/receive": _envelopes,
    "POST /api/replication/digests": _question,
    "POST /api/replication/hand": _hand,
    "POST /api/ops/failover": _failover,
    "GET /docs/{asset}": _path(asset="start.js"),
    "GET /console/{asset}": _path(asset="theme.js"),
}
"""By operation: how a documented request is made to succeed, where a random one would not."""
