"""What ``bench.battle`` compares, in one environment: the arena behind its handler, the same transaction written by
hand, a handler that does nothing.

Every contestant is a client with a connection of its own; a ``fight`` is what is timed.
"""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, Protocol

from bson import ObjectId
from chalice.app import Chalice
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from chalicelib import wiring
from chalicelib.arena.brokers import new_broker
from chalicelib.arena.emission import STRIPES
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.monitoring.families import DATABASE_COMMANDS
from chalicelib.monitoring.registry import parse_series
from chalicelib.settings import Settings, load
from tests.fleet import address_of
from tests.gateway import proxy_event
from tests.installed import Fixed, init_data
from tests.recorder import Recorder
from tests.unit.test_settings import DEVELOPMENT

ROUTE: Final = "/api/battle/run"
ENERGY: Final = 100
PLAYERS: Final = 50
"""Of each environment; each fights once in a round."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an environment fights. ``number`` tells it from the others; no ``redis_url`` means no cache."""

    number: int
    mongo_uri: str
    database: str
    redis_url: str = ""

    @property
    def players(self) -> list[int]:
        return [1_000_000 + self.number * 10_000 + player for player in range(PLAYERS)]

    def settle(self) -> None:
        """Its players and their brokers come to exist."""
        now = datetime.now(UTC)
        with MongoClient[Document](self.mongo_uri, tz_aware=True) as client:
            database = client[self.database]
            database["users"].insert_many([{"telegramId": str(player), **new_player(now)} for player in self.players])
            database["brokers"].insert_many([new_broker(str(player), now) for player in self.players])

    def brokers(self) -> dict[int, ObjectId]:
        """By player."""
        with MongoClient[Document](self.mongo_uri) as client:
            found = client[self.database]["brokers"].find({"ownerTelegramId": {"$in": self._owners()}})
            return {int(broker["ownerTelegramId"]): broker["_id"] for broker in found}

    def rest(self) -> None:
        """Brokers may fight again."""
        rested = {"energy": ENERGY, "energyUpdatedAt": datetime.now(UTC), "cooldowns": {}}
        with MongoClient[Document](self.mongo_uri) as client:
            mine = {"ownerTelegramId": {"$in": self._owners()}}
            client[self.database]["brokers"].update_many(mine, {"$set": rested})

    def _owners(self) -> list[str]:
        return [str(player) for player in self.players]


class Contestant(Protocol):
    """One way to answer a request for a battle."""

    def prepare(self, player: int) -> Any:
        """What ``fight`` needs, made before the clock runs."""

    def fight(self, prepared: Any) -> None:
        """Raises ``RuntimeError`` when the answer is not as it must be."""

    def commands(self) -> int:
        """Sent to the database since the contestant began."""

    def close(self) -> None: ...


def settings(place: Place) -> Settings:
    """As deployed, but for one region; rate limits count where there is a cache."""
    stores = {"MONGO_URI": place.mongo_uri, "MONGO_DATABASE": place.database, "REDIS_URL": place.redis_url}
    # All requests come from few addresses of one machine; what counting costs is the same.
    limits = {"ARENA_RATE_LIMITS": "on" if place.redis_url else "off", "RATE_LIMIT_PER_MINUTE": "1000000"}
    return load({**DEVELOPMENT, **limits, **stores})


class StripedArena(wiring.Arena):
    """An environment that draws its emission stripe again as it did before: contestants meet the same rivals."""

    number = 0

    @cached_property
    def stripe(self) -> int:
        return random.Random(f"stripe {self.number}").randrange(STRIPES)


class ArenaHandler:
    """The whole application, as Lambda calls it."""

    def __init__(self, place: Place, kind: type[StripedArena] = StripedArena) -> None:
        # Imported here: the application's log level is that of the process which first logs.
        import app as composition

        self._app = composition.app
        self._arena = kind(settings(place))
        self._arena.number = place.number
        self._wiring = Fixed(self._arena)
        self._brokers = place.brokers()
        self._signed = {player: init_data(player, datetime.now(UTC)) for player in place.players}

    def prepare(self, player: int) -> Document:
        wiring.install(self._wiring)
        body = {"requestId": str(ObjectId()), "brokerId": str(self._brokers[player]), "modeKey": "prediction"}
        headers = {"x-telegram-init-data": self._signed[player]}
        return proxy_event(self._app, "POST", ROUTE, body, headers, address_of(player))

    def fight(self, prepared: Document) -> None:
        answer = self._app(prepared, None)
        if answer["statusCode"] != HTTPStatus.OK:
            raise RuntimeError(answer["body"])

    def commands(self) -> int:
        counted = self._arena.meters.registry.values().items()
        return sum(value for key, value in counted if (one := parse_series(key)) and one.family == DATABASE_COMMANDS)

    def close(self) -> None:
        wiring.install(None)
        self._arena.close()


class NewToEnvironment(ArenaHandler):
    """Every player comes for the first time in five minutes: signing in asks the database, too."""

    def prepare(self, player: int) -> Document:
        self._arena.__dict__.pop("sign_in", None)
        return super().prepare(player)


class BareHandler:
    """A Chalice application that does nothing."""

    def __init__(self) -> None:
        self._app = Chalice(app_name="bare")
        self._app.route(ROUTE, methods=["POST"])(lambda: {"ok": True})

    def prepare(self, player: int) -> Document:
        return proxy_event(self._app, "POST", ROUTE, {"requestId": str(ObjectId()), "brokerId": str(player)})

    def fight(self, prepared: Document) -> None:
        if self._app(prepared, None)["statusCode"] != HTTPStatus.OK:
            raise RuntimeError("a handler that does nothing failed")

    def commands(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing is open."""


Write = tuple[str, str, list[Document]]
"""``insert`` or ``update``, a collection, and the documents inserted or the statements."""


def recorded_writes(place: Place) -> list[Write]:
    """What a player's third battle writes, in the order of its transaction: nothing in it happens but once."""
    recorder = Recorder()

    class Recorded(StripedArena):
        @cached_property
        def pools(self) -> Pools:
            return Pools(self.settings.mongo_uri, without_secondaries(ENVIRONMENT_POOLS), listeners=[recorder])

    handler = ArenaHandler(place, Recorded)
    for _ in range(3):
        place.rest()
        recorder.taken()
        handler.fight(handler.prepare(place.players[0]))
    handler.close()
    parts = {"insert": "documents", "update": "updates"}
    return [
        (kind, str(command[kind]), list(command[part]))
        for command in recorder.taken()
        for kind, part in parts.items()
        if kind in command and command[kind] != "metrics"
    ]


class BareTransaction:
    """A battle written by hand: reads the player and the broker, then writes the documents a battle of the arena does.

    With ``reads`` off it decides nothing and only writes: the floor under every way to fight one.
    """

    def __init__(self, place: Place, writes: Sequence[Write], *, reads: bool = True) -> None:
        self._client: MongoClient[Document] = MongoClient(place.mongo_uri, tz_aware=True)
        self._database = self._client[place.database]
        self._writes = writes
        self._reads = reads
        self._brokers = place.brokers()
        self._sent = 0

    def prepare(self, player: int) -> list[Write]:
        """The recorded battle as one of ``player``'s, with ids of its own."""
        owner, broker, battle, request = str(player), self._brokers[player], ObjectId(), str(ObjectId())
        same = {"telegramId": owner, "ownerTelegramId": owner, "battleId": battle, "brokerId": broker}
        same |= {"requestId": request, "sourceId": request}
        where = {"brokers": {"_id": broker}, "users": {"telegramId": owner}}

        def own(collection: str, given: Document) -> Document:
            if "q" not in given:
                named = {name: same.get(name, value) for name, value in given.items()}
                return {**named, "_id": battle if collection == "battles" else ObjectId()}
            sets = {name: request if name == "lastRequestId" else v for name, v in given["u"].get("$set", {}).items()}
            return {"q": where.get(collection, given["q"]), "u": {**given["u"], **({"$set": sets} if sets else {})}}

        return [(kind, name, [own(name, one) for one in given]) for kind, name, given in self._writes]

    def fight(self, prepared: Sequence[Write]) -> None:
        def work(session: ClientSession) -> None:
            for _, name, (one, *_) in prepared:
                if self._reads and name in ("brokers", "users"):
                    self._sent += 1
                    if self._database[name].find_one(one["q"], session=session) is None:
                        raise RuntimeError(f"{name}: there is no {one['q']}")
            for kind, name, given in prepared:
                self._sent += 1
                if kind == "update":
                    (one,) = given
                    if not self._database[name].update_one(one["q"], one["u"], session=session).matched_count:
                        raise RuntimeError(f"{name}: there is no {one['q']}")
                elif len(given) == 1:
                    self._database[name].insert_one(given[0], session=session)
                else:
                    self._database[name].insert_many(given, session=session)

        # A duplicate is this very battle: an earlier attempt came through, and its answer did not.
        with self._client.start_session() as session, contextlib.suppress(DuplicateKeyError):
            session.with_transaction(work, ReadConcern("snapshot"), WriteConcern("majority", j=True))
        self._sent += 1

    def commands(self) -> int:
        return self._sent

    def close(self) -> None:
        self._client.close()
