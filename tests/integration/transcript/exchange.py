"""The language of the transcript: one request, what is given before it, and the answer the game promises.

Expectations are written by hand from the game's facts, never recorded from an answer of ours. Where today's back end
answers something else, ``instead`` says what; the expectation is the intended behaviour.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bson import ObjectId
from chalice.app import Chalice
from pymongo.database import Database

from chalicelib.arena.brokers import new_broker
from chalicelib.arena.players import new_player
from chalicelib.clock import ManualClock
from tests.gateway import Answer, call
from tests.installed import OPERATOR, SentMessages, init_data

ME: Final = 777
OTHER: Final = 888
CALL_ID: Final = "call-1"
"""The X-Request-Id every exchange sends unless it says otherwise."""
CLIENT: Final = "203.0.113.5"
"""The address requests come from."""

BROKER: Final = "6b042290b0d099afb79631d1"
SECOND_BROKER: Final = "6b042290b0d099afb79631d2"
GUILD: Final = "6b042290b0d099afb79631d3"
NOBODYS: Final = "6b042290b0d099afb79631df"
"""The id of nothing."""


@dataclass(frozen=True)
class Like:
    """Stands for any value of a form, where the game does not fix the value."""

    name: str
    fits: Callable[[Any], bool] = field(compare=False)

    def __eq__(self, other: object) -> bool:
        return self.fits(other)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{self.name}>"


def matching(name: str, pattern: str) -> Like:
    return Like(name, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


ID: Final = matching("ObjectId", "[0-9a-f]{24}")
TIME: Final = matching("time", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UUID4: Final = matching("UUID v4", "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
HEX64: Final = matching("64 hex digits", "[0-9a-f]{64}")
TEXT: Final = Like("text", lambda value: isinstance(value, str) and value != "")
WHOLE: Final = Like("whole number", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0)
POSITIVE: Final = Like("positive number", lambda value: isinstance(value, int) and value is not True and value > 0)
SECONDS: Final = matching("seconds", r"\d+")


@dataclass(frozen=True)
class Scene:
    """The arena before a request, and hands to set it."""

    app: Chalice
    database: Database[dict[str, Any]]
    clock: ManualClock
    messages: SentMessages

    @property
    def now(self) -> datetime:
        return self.clock()

    def send(
        self, method: str, url: str, body: object = None, user: int | None = ME, address: str = CLIENT, **headers: str
    ) -> Answer:
        signed = {} if user is None else {"x-telegram-init-data": init_data(user, self.now)}
        return call(self.app, method, url, body, {"x-request-id": CALL_ID, **signed, **headers}, address)

    def operator_token(self) -> str:
        return str(self.send("POST", "/api/admin/auth/login", OPERATOR, None).data["token"])


Given = Callable[[Scene], object]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and the answer it must have."""

    about: str
    """Section and row of the game's facts, then what this exchange shows."""
    request: str
    """Method and URL."""
    body: Any = None
    """JSON; text and bytes are sent as they are."""
    user: int | None = ME
    """Whose signed initData is sent. None = nobody's."""
    operator: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    given: tuple[Given, ...] = ()
    status: int
    answer: Any
    """The whole body; None = not looked at."""
    answer_headers: Mapping[str, Any] = field(default_factory=dict)
    """Header names in lower case; None = must be absent."""
    instead: str = ""
    """What today's back end answers, where that is a defect."""


def data(value: Any, request_id: Any = CALL_ID) -> dict[str, Any]:
    """The envelope of a success."""
    return {"ok": True, "data": value, "requestId": request_id}


def refusal(code: str, details: Any = None, *, message: Any = None) -> dict[str, Any]:
    """The envelope of a refusal; the message is the code unless said."""
    error = {"code": code, "message": message or code}
    return {"ok": False, "error": error if details is None else {**error, "details": details}, "requestId": CALL_ID}


def invalid(**fields: str) -> dict[str, Any]:
    """The refusal of wrong fields."""
    return refusal("validation_error", fields)


def player(user: int = ME, **fields: Any) -> Given:
    """Changes what is known of a player; every scene has ME and OTHER, with nothing."""
    return lambda scene: scene.database.users.update_one({"telegramId": str(user)}, {"$set": fields})


def broker(broker_id: str = BROKER, owner: int = ME, **fields: Any) -> Given:
    """A starter broker, with other ``fields``."""

    def insert(scene: Scene) -> None:
        document = {**new_broker(str(owner), scene.now), "_id": ObjectId(broker_id), **fields}
        scene.database.brokers.insert_one(document)

    return insert


def fought_ago(seconds: float, *modes: str) -> Given:
    """The broker's last battle in these modes was that long ago."""

    def change(scene: Scene) -> None:
        moment = scene.now - timedelta(seconds=seconds)
        changes = {f"cooldowns.{mode}": moment for mode in modes}
        scene.database.brokers.update_one({"_id": ObjectId(BROKER)}, {"$set": changes})

    return change


def guild(owner: int, guild_id: str = GUILD, **fields: Any) -> Given:
    """An active guild of its owner alone."""

    def insert(scene: Scene) -> None:
        member = {"telegramId": str(owner), "role": "owner", "joinedAt": scene.now}
        document = {
            "_id": ObjectId(guild_id),
            "name": f"Guild of {owner}",
            "ownerTelegramId": str(owner),
            "members": [member],
            "bio": "",
            "active": True,
            "pooledBrokers": [],
            "vaultNeur": 0,
            "vaultAiba": 0,
            "paidCreateTxHash": "",
            "boostCount": 0,
            "boostedUntil": None,
            "boostTxHashes": [],
            "createdAt": scene.now,
            "updatedAt": scene.now,
            "__v": 0,
        }
        scene.database.guilds.insert_one({**document, **fields})

    return insert


def mode(key: str, **fields: Any) -> Given:
    """Changes a game mode."""
    return lambda scene: scene.database.gamemodes.update_one({"key": key}, {"$set": fields})


def economy(**fields: Any) -> Given:
    """Changes the economy's settings."""
    return lambda scene: scene.database.economyconfigs.update_one({}, {"$set": fields})


def realm(key: str, **fields: Any) -> Given:
    """A realm; there are none by default."""
    standard = {"name": key.upper(), "description": "", "level": 1, "order": 1, "active": True}
    more = {"unlockCriteria": {}, "tracks": ["research"], **fields}
    return lambda scene: scene.database.realms.insert_one({"key": key, **standard, **more})


def in_pool(broker_id: str = BROKER, owner: int = ME) -> Given:
    """The broker lies in the pool of GUILD, put there by its owner."""

    def put(scene: Scene) -> None:
        entry = {"brokerId": ObjectId(broker_id), "depositedByTelegramId": str(owner), "depositedAt": scene.now}
        scene.database.guilds.update_one({"_id": ObjectId(GUILD)}, {"$push": {"pooledBrokers": entry}})
        scene.database.brokers.update_one({"_id": ObjectId(broker_id)}, {"$set": {"guildId": ObjectId(GUILD)}})

    return put


def sent(
    method: str,
    url: str,
    body: object = None,
    user: int = ME,
    status: int = 200,
    address: str = CLIENT,
    **headers: str,
) -> Given:
    """An earlier request of the same scene, which succeeded."""

    def send(scene: Scene) -> None:
        answer = scene.send(method, url, body, user, address, **headers)
        assert answer.status == status, answer.text

    return send


def signed_in(scene: Scene) -> None:
    """ME and OTHER, as their first sign-in leaves them."""
    for user in (ME, OTHER):
        names = {"username": f"u{user}", "firstName": "A", "lastName": "", "languageCode": "", "photoUrl": ""}
        known = {"telegramId": str(user), "username": f"u{user}", "telegram": names, "lastSeenAt": scene.now}
        stamps = {"createdAt": scene.now, "updatedAt": scene.now, "__v": 0}
        scene.database.users.insert_one({**new_player(scene.now), **known, **stamps})
