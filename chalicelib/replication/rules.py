"""How each collection is replicated and merged, as data.

Facts are added and never changed: regions hold the union. Documents are merged field by field, the higher version wins;
lists of things with a name are merged thing by thing; counters add up. What is computed from facts (balances,
standings, a boss's points) is not told but computed in each region (``effects``). What is not in a table here stays in
its region: day counters, sessions, queues, jobs, metrics, fences.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.replication.versions import NEVER, joined, newest_of


@dataclass(frozen=True, slots=True)
class Facts:
    """Documents that never change."""

    identity: tuple[str, ...]
    """Fields that name a fact: two of one identity are one fact, or a collision."""
    text: frozenset[str] = frozenset()
    """Of these, the ones a partial index holds only as text."""
    ids: frozenset[str] = frozenset()
    """Of these, the ones a partial index holds only as document ids."""

    def condition(self, name: str, operator: str, value: Any) -> dict[str, Any]:
        """A query's on a field of the identity: a partial index serves whoever asks for no more than it holds."""
        held = {"$type": "string"} if name in self.text else {"$type": "objectId"} if name in self.ids else {}
        return {operator: value, **held}


@dataclass(frozen=True, slots=True)
class Entries:
    """A list whose elements have names: merged one by one, so that two who join at once are both in."""

    name: str
    """The element's field that names it."""
    since: str
    """The element's field the list is ordered by, then by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """Documents that change."""

    key: str = "_id"
    """The field that names the document in every region."""
    local: frozenset[str] = frozenset({"__v"})
    """Fields each region has its own of."""
    derived: frozenset[str] = frozenset()
    """Fields computed from facts; path beginnings."""
    latest: frozenset[str] = frozenset({"updatedAt"})
    """Moments that go along with a change; the later one stays. Nothing rests on them: regions may differ."""
    counters: frozenset[str] = frozenset()
    """Whole numbers that only ever add up."""
    entries: Mapping[str, Entries] = field(default_factory=dict)
    unique: str | None = None
    """A text field besides the key that no two documents may share."""
    creatable: bool = False
    """Whether any change may begin a document: whoever is paid gets one. Others begin with an insert."""

    def is_own(self, name: str) -> bool:
        """Whether a field is none of the others' business."""
        return name in self.local or name.partition(".")[0] in self.derived or name == VERSIONS


VERSIONS: Final = "_versions"
"""Holds a document's stamps (``versions``) by field, by ``list/name`` for entries, and under ``*`` of its beginning,
which wrote every field. Left out of every answer."""
ALL_FIELDS: Final = "*"

NAMED_BY_ID: Final = Facts(("_id",))

FACTS: Final[Mapping[str, Facts]] = {
    "battles": Facts(("requestId",)),
    "ledgerentries": Facts(
        ("sourceType", "sourceId", "telegramId", "currency", "direction", "reason"),
        text=frozenset({"sourceType", "sourceId"}),
    ),
    "actionrunkeys": Facts(("scope", "requestId", "ownerTelegramId")),
    "bossdamages": Facts(("bossId", "battleId"), ids=frozenset({"battleId"})),
    "operatoractions": NAMED_BY_ID,
}

DOCUMENTS: Final[Mapping[str, Documents]] = {
    "users": Documents(
        key="telegramId",
        # A player is touched without anything to tell: by a visit, or a payment.
        local=frozenset({"_id", "__v", "createdAt", "updatedAt", "lastSeenAt", "standingsAt"}),
        latest=frozenset(),
        creatable=True,
        derived=frozenset({"totals", "seasons", *map(balance_field, CURRENCIES)}),
    ),
    "brokers": Documents(),
    "guilds": Documents(
        counters=frozenset({"vaultNeur", "vaultAiba"}),
        entries={
            "members": Entries("telegramId", "joinedAt"),
            "pooledBrokers": Entries("brokerId", "depositedAt"),
        },
        unique="name",
    ),
    "gamemodes": Documents(key="key", local=frozenset({"_id", "__v", "createdAt"})),
    # Each region's database is seeded at its own time.
    "economyconfigs": Documents(local=frozenset({"__v", "createdAt"})),
    "globalbosses": Documents(
        local=frozenset({"__v", "updatedAt", "defeatedAt"}),
        latest=frozenset(),
        derived=frozenset({"currentHp", "status"}),
    ),
}


def field_stamp(document: Mapping[str, Any] | None, name: str) -> str:
    """Which writes of a field (or ``list/name`` of an entry) a stored document knows."""
    versions: Mapping[str, str] = (document or {}).get(VERSIONS) or {}
    return joined(versions.get(name, NEVER), versions.get(ALL_FIELDS, NEVER))


def field_version(document: Mapping[str, Any] | None, name: str) -> str:
    """The version of the value of a field, or of an entry, of a stored document; ``""`` for what has none."""
    return newest_of(field_stamp(document, name))


def entry_field(list_name: str, entry_name: object) -> str:
    """What an entry's version is kept under."""
    return f"{list_name}/{entry_name}"


def named_entries(rule: Entries, stored: Any) -> dict[str, Mapping[str, Any]]:
    """A stored list by its elements' names, as text."""
    return {str(entry[rule.name]): entry for entry in stored or ()}
