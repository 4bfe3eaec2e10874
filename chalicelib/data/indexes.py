"""Every index of the arena, as data. Each read in ``queries.py`` is served by one of them.

What differs from the running game's:

* ``users.telegramId`` is unique: parallel first requests must not make two players of one person.
* ``economydays`` is unique by (day, stripe): a day has several documents (see ``chalicelib.arena.stripes``).
* A single-field index that is the beginning of a compound one is left out, and so are those of
  ``ledgerentries`` that nothing asks for: they would be written with every battle and never read.
* Added where the arena reads: a guild by member, a referral by owner, the outbox by who waits.
* Unique indexes of collections that can be sharded begin with the shard key's fields (see ``sharding``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pymongo import IndexModel
from pymongo.database import Database
from pymongo.errors import OperationFailure

from chalicelib.arena.ports import Document

_TEXT: Final = {"$type": "string"}
_CONFLICT_CODES: Final = (11000, 85, 86)
"""DuplicateKey, IndexOptionsConflict, IndexKeySpecsConflict."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index; its name is made of its keys, as the driver does."""

    collection: str
    keys: Sequence[tuple[str, int]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "_".join(f"{key}_{direction}" for key, direction in self.keys)


class IndexConflict(Exception):
    """An index can't be made as it must be; the text says why and what to do."""


def _index(collection: str, *keys: str, **options: Any) -> Index:
    """Keys are ascending, or descending with a leading minus."""
    return Index(collection, tuple((key.lstrip("-"), -1 if key.startswith("-") else 1) for key in keys), options)


INDEXES: Final[Sequence[Index]] = (
    _index("users", "telegramId", unique=True),
    _index("users", "schoolId"),
    _index("users", "wallet", sparse=True),
    # Every board and every way to order it, at once: boards come and go with leagues, realms and seasons.
    _index("users", "$**", wildcardProjection={"totals": 1, "seasons": 1}),
    _index("users", "standingsAt"),
    *(
        _index("seasonstandings", "season", "board", f"totals.{metric}", "telegramId")
        for metric in ("score", "aiba", "neur", "battles")
    ),
    _index("seasonstandings", "board", "telegramId", "season", unique=True),
    _index("seasonstandings", "season", "board", "rank"),
    _index("seasons", "startsAt"),
    _index("brokers", "ownerTelegramId", "-createdAt"),
    _index("brokers", "guildId"),
    _index("brokers", "createdWithTonTxHash", sparse=True),
    _index("battles", "requestId", unique=True),
    # A history's filters stand at the end: tested on the index, so that only what is told is fetched.
    _index("battles", "ownerTelegramId", "-createdAt", "-_id", "arena", "league", "modeKey"),
    _index("battles", "guildId"),
    _index("actionrunkeys", "scope", "requestId", "ownerTelegramId", unique=True),
    _index("actionrunkeys", "expiresAt", expireAfterSeconds=0),
    _index(
        "ledgerentries",
        *("telegramId", "sourceId", "sourceType", "currency", "direction", "reason"),
        unique=True,
        partialFilterExpression={"sourceType": _TEXT, "sourceId": _TEXT},
    ),
    _index("ledgerentries", "telegramId", "-createdAt", "-_id", "currency", "reason"),
    _index("ledgerentries", "-createdAt", "-_id"),
    _index("ledgerentries", "battleId"),
    _index("economydays", "day", "stripe", unique=True),
    _index("gamemodes", "key", unique=True),
    _index("gamemodes", "enabled", "arena", "league", "key"),
    _index("guilds", "name", unique=True),
    _index("guilds", "ownerTelegramId", "active"),
    _index("guilds", "members.telegramId"),
    _index("guilds", "active", "-createdAt", "-_id"),
    _index("guilds", "active", "-boostCount", "-createdAt", "-_id"),
    _index("realms", "key", unique=True),
    _index("realms", "active", "level", "order"),
    _index("boosts", "telegramId", "expiresAt"),
    _index("referrals", "code", unique=True),
    _index("referrals", "ownerTelegramId"),
    _index("referraluses", "refereeTelegramId", unique=True),
    _index("referraluses", "code"),
    _index("referraluses", "referrerTelegramId", "-createdAt"),
    _index("globalbosses", "status", "-createdAt"),
    # The running game's rows name no battle.
    _index(
        "bossdamages",
        *("bossId", "battleId"),
        unique=True,
        partialFilterExpression={"battleId": {"$type": "objectId"}},
    ),
    _index("bossdamages", "bossId", "telegramId"),
    _index("bossdamages", "bossId", "-damage"),
    _index("bossdamages", "telegramId"),
    _index("operatorsignins", "expiresAt", expireAfterSeconds=0),
    _index("operatoractions", "-createdAt", "-_id"),
    _index("outbox", "pending", "occurredAt"),
    # Only events that can't be sent have the field.
    _index("outbox", "setAside.region", sparse=True),
    # Only events that nobody waits for have the field.
    _index("outbox", "expiresAt", expireAfterSeconds=0),
    # Only events with work left to do have the field.
    _index("outbox", "followUpsDueAt", sparse=True),
    _index("connections", "telegramId", "-connectedAt", "-_id"),
    _index("connections", "boards", "_id"),
    _index("connections", "expiresAt", expireAfterSeconds=0),
    _index("battlejobs", "ownerTelegramId", "requestId", unique=True),
    _index("battlejobs", "status", "arena", "league", "acceptedAt"),
    # Only queued jobs have the field.
    _index("battlejobs", "dueAt", sparse=True),
    _index("battlejobs", "expiresAt", expireAfterSeconds=0),
    # Only reports of environments have the field.
    _index("metrics", "expiresAt", expireAfterSeconds=0),
    _index("metricminutes", "expiresAt", expireAfterSeconds=0),
    _index("replicationevents", "expiresAt", expireAfterSeconds=0),
    _index("conflicts", "-detectedAt", "-_id"),
    # Only decisions have the field; the controller's memory stays.
    _index("scaling", "expiresAt", expireAfterSeconds=0),
)

RETIRED: Final[Mapping[str, Sequence[str]]] = {"economydays": ("day_1",)}
"""Indexes of the running game that would refuse what the arena writes."""

REPLACED: Final[Mapping[str, Sequence[str]]] = {
    "battles": ("ownerTelegramId_1_createdAt_-1",),
    "ledgerentries": (
        "telegramId_1_createdAt_-1",
        "createdAt_-1",
        "sourceType_1_sourceId_1_telegramId_1_currency_1_direction_1_reason_1",
    ),
    "seasonstandings": ("season_1_board_1_telegramId_1",),
    "guilds": ("active_1_createdAt_-1",),
    "battlejobs": ("status_1_arena_1_league_1",),
}
"""Indexes that others have taken the place of: harmless, but written with every document. Unique ones among them stand
in the way of sharding (``sharding.uniqueness_conflicts``)."""


def ensure_indexes(database: Database[Document]) -> list[str]:
    """Creates what is missing; the names (``collection.index``) of what it created.

    Raises ``IndexConflict`` when an existing index, or existing data, stands in the way. Safe to run at any time and by
    several at once.
    """
    existing = {name: _names(database, name) for name in sorted({index.collection for index in INDEXES})}
    for collection, retired in RETIRED.items():
        for name in existing[collection].intersection(retired):
            raise IndexConflict(f"{collection}.{name} must go first: db.{collection}.dropIndex({name!r})")
    for collection in existing:
        _create(database, collection, [index for index in INDEXES if index.collection == collection])
    return [f"{index.collection}.{index.name}" for index in INDEXES if index.name not in existing[index.collection]]


def replaced_indexes(database: Database[Document]) -> list[str]:
    """The shell commands that drop what is there of ``REPLACED``.

    For a person to run: an older release that still serves may read by them.
    """
    return [
        f"db.{collection}.dropIndex({name!r})"
        for collection, replaced in REPLACED.items()
        for name in sorted(_names(database, collection).intersection(replaced))
    ]


def _names(database: Database[Document], collection: str) -> set[str]:
    return {str(name) for name in database[collection].index_information()}


def _create(database: Database[Document], collection: str, indexes: Sequence[Index]) -> None:
    """All of a collection in one command; where it is refused one by one, to know which of them it is."""
    try:
        database[collection].create_indexes([IndexModel(list(index.keys), **index.options) for index in indexes])
    except OperationFailure as error:
        if error.code not in _CONFLICT_CODES:
            raise
        if len(indexes) > 1:
            for index in indexes:
                _create(database, collection, [index])
            return
        wanted = f"{collection}.{indexes[0].name} {dict(indexes[0].options)}"
        raise IndexConflict(f"{wanted} can't be made: {error.details and error.details.get('errmsg')}") from error
