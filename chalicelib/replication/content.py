"""What of a stored document all regions must agree on, and its digest. Pure.

Left aside is what each region has of its own: local ids, moments, balances, standings. Two regions that hold the same
may have it in another order, spelt ``1`` or ``1.0``, or with versions told by field in one and for the whole document
in the other: their digests are equal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.players import new_player
from chalicelib.arena.ports import Document
from chalicelib.replication.rules import (
    ALL_FIELDS,
    DOCUMENTS,
    FACTS,
    VERSIONS,
    Documents,
    Facts,
    entry_field,
    field_stamp,
    named_entries,
)

Key = tuple[Any, ...]
"""Names a fact (its identity) or a document (one value) in every region."""
Place = Any
"""What a collection is read in the order of: text or an ObjectId."""

DIGEST_BYTES: Final = 16
BALANCES: Final = "balances"
"""Read like a collection: by player, what each balance is beyond the sum of its ledger."""
BOSSES: Final = "bosspoints"
"""Read like a collection: by boss, its points and state."""
BALANCE_FIELDS: Final = tuple(map(balance_field, CURRENCIES))
BOSS_FIELDS: Final = ("currentHp", "status")
NOT_CONTENT: Final = frozenset({"_id", "__v"})
"""Fields of a fact each region has of its own."""


_BEGINNING: Final = new_player(datetime.min.replace(tzinfo=UTC))


class _Gone:
    def __repr__(self) -> str:
        return "gone"


GONE: Final = _Gone()
"""In place of the value of a field or an entry that is not there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One document as regions compare it."""

    key: Key
    place: Place
    digest: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """A field's or an entry's value and stamp (``versions``); counters have none."""

    value: Any
    stamp: str

    def same(self, other: "Told") -> bool:
        return self.stamp == other.stamp and normal(self.value) == normal(other.value)


def place_field(collection: str) -> str:
    """The indexed field a collection is read in the order of; the same document stands at the same place everywhere.

    Facts named by several fields go by ``_id``, which travels with them.
    """
    if collection == BALANCES:
        return DOCUMENTS["users"].key
    if collection == BOSSES:
        return DOCUMENTS["globalbosses"].key
    if collection in DOCUMENTS:
        return DOCUMENTS[collection].key
    identity = FACTS[collection].identity
    return identity[0] if len(identity) == 1 else "_id"


def unread_fields(collection: str) -> frozenset[str]:
    """Fields a comparison need not fetch."""
    if collection in FACTS:
        return frozenset({"__v"})
    rule = DOCUMENTS[collection]
    return (rule.local | rule.derived | rule.latest) - {"_id", *BALANCE_FIELDS}


def order_of(place: Place) -> tuple[bool, Any]:
    """Sorts like MongoDB: text, then ObjectIds."""
    return not isinstance(place, str), place


def key_of(collection: str, document: Mapping[str, Any]) -> Key | None:
    """None for a fact without a name: of the running game's rows some have none, and nothing can be said of them."""
    if collection in (BALANCES, BOSSES):
        return (document[place_field(collection)],)
    if collection in DOCUMENTS:
        return (document[DOCUMENTS[collection].key],)
    rule: Facts = FACTS[collection]
    key = tuple(document.get(name) for name in rule.identity)
    named = all(
        value is not None and (name not in rule.text or isinstance(value, str))
        for name, value in zip(rule.identity, key, strict=True)
    )
    return key if named else None


def rows_of(collection: str, documents: Iterable[Document], now: datetime) -> tuple[list[Row], int]:
    """Rows of ``documents``, and how many of them have no name.

    Left out is what regions need not have in common: what is about to expire, which each removes when it gets to it;
    players without name or money, whom each makes when it needs them; players who have no more than their ledger says.
    """
    rows, unnamed = [], 0
    place = place_field(collection)
    for document in documents:
        expires = document.get("expiresAt")
        if collection in FACTS and isinstance(expires, datetime) and expires <= now:
            continue
        if (collection == "users" and _is_blank(document)) or (
            collection == BALANCES and not any(offsets_of(document).values())
        ):
            continue
        key = key_of(collection, document)
        if key is None:
            unnamed += 1
        else:
            rows.append(Row(key, document[place], digest_of(collection, document)))
    return rows, unnamed


def _is_blank(player: Mapping[str, Any]) -> bool:
    """Whether nothing was ever told of a player."""
    if player.get(VERSIONS) or any(player.get(name) for name in BALANCE_FIELDS):
        return False
    told = told_of(DOCUMENTS["users"], player)
    return all(name in _BEGINNING and one.value == _BEGINNING[name] for name, one in told.items())


def digest_of(collection: str, document: Mapping[str, Any]) -> bytes:
    """``DIGEST_BYTES`` over what regions must agree on."""
    content: Any
    if collection == BALANCES:
        content = sorted(offsets_of(document).items())
    elif collection == BOSSES:
        content = [normal(document.get(name)) for name in BOSS_FIELDS]
    elif collection in FACTS:
        content = normal(fact_content(document))
    else:
        content = [
            (name, normal(told.value), told.stamp)
            for name, told in sorted(told_of(DOCUMENTS[collection], document).items())
        ]
    named = (normal(key_of(collection, document)), content)
    return blake2b(repr(named).encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).digest()


def fact_content(fact: Mapping[str, Any]) -> Document:
    """A fact without what is local."""
    return {name: value for name, value in fact.items() if name not in NOT_CONTENT}


def told_of(rule: Documents, document: Mapping[str, Any]) -> dict[str, Told]:
    """By field and ``list/name``: what is there, and what is known to be gone."""
    found = {name: Told(0, "") for name in rule.counters}
    for name, value in document.items():
        if name == rule.key or rule.is_own(name) or name in rule.latest:
            continue
        if name in rule.counters:
            found[name] = Told(value or 0, "")
        elif name in rule.entries:
            for entry, content in named_entries(rule.entries[name], value).items():
                path = entry_field(name, entry)
                found[path] = Told(content, field_stamp(document, path))
        else:
            found[name] = Told(value, field_stamp(document, name))
    versions = document.get(VERSIONS) or {}
    for name in versions:
        stamp = field_stamp(document, name)
        # Gone since the document began is as good as never there.
        if name not in found and stamp != versions.get(ALL_FIELDS) and not rule.is_own(name):
            found[name] = Told(GONE, stamp)
    return found


def offsets_of(money: Mapping[str, Any]) -> dict[str, int]:
    """By balance: what it is beyond the sum of its ledger.

    ``money``: {telegramId, balances: {field: amount}, sums: {field: amount}}; balances are None of a player who is not
    known. 0, but for money from before there was a
    ledger, which is the same in every region.
    """
    balances, sums = money["balances"] or {}, money["sums"]
    return {name: (balances.get(name) or 0) - sums.get(name, 0) for name in BALANCE_FIELDS}


def normal(value: Any) -> Any:
    """The same for values that mean the same, whatever way they came: by driver or by JSON."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, Mapping):
        return ("object", *sorted((str(name), normal(part)) for name, part in value.items()))
    if isinstance(value, list | tuple):
        return [normal(part) for part in value]
    if isinstance(value, datetime):
        return ("moment", value.isoformat(timespec="milliseconds"))
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return value
