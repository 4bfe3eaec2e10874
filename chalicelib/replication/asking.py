"""One region asks another for digests of what it holds, and is answered; by signed HTTP, for databases that only their
own region reaches. Pure.

What a question is: ``questions``. Answers hold digests only, never a document.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from chalicelib.clock import Clock
from chalicelib.errors import BadRequest, PayloadTooLarge
from chalicelib.replication.content import BALANCES, BOSSES, Key, Row, order_of, rows_of
from chalicelib.replication.conversion import FromJson, ToJson
from chalicelib.replication.questions import verified
from chalicelib.replication.ranges import Digest, Range, digest_of_rows
from chalicelib.replication.rules import DOCUMENTS, FACTS
from chalicelib.replication.signing import Keyring
from chalicelib.replication.verify_ports import RegionBooks

ENTITY: Final = "digests"
RANGES_MAX: Final = 32
KEYS_MAX: Final = 500
DOCUMENTS_MAX: Final = 10_000
"""Read for one answer."""
PAGE: Final = 1000
EXPIRY_MARGIN: Final = timedelta(hours=1)
COLLECTIONS: Final = frozenset({*DOCUMENTS, *FACTS, BALANCES, BOSSES})


class RangeTooWide(PayloadTooLarge):
    """More documents than are read for one answer: ask for less."""


def ask_digests(ranges: Sequence[Range], to_json: ToJson) -> dict[str, Any]:
    """Digests of consecutive ranges of one collection: each but the first begins where the one before it ends."""
    places = [ranges[0].after, *(one.upto for one in ranges)]
    return {"kind": "digests", "places": to_json(places)}


def ask_rows(wanted: Range, to_json: ToJson) -> dict[str, Any]:
    """Digests of a range's documents."""
    return {"kind": "rows", "places": to_json([wanted.after, wanted.upto])}


def ask_named(keys: Sequence[Key], to_json: ToJson) -> dict[str, Any]:
    """Digests of documents by key."""
    return {"kind": "named", "keys": to_json([list(key) for key in keys])}


def read_digests(answer: Any) -> list[Digest]:
    return [Digest(int(documents), bytes.fromhex(value)) for documents, value in answer["digests"]]


def read_rows(answer: Any, from_json: FromJson) -> dict[Key, bytes]:
    return {tuple(key): bytes.fromhex(value) for key, value in from_json(answer["rows"])}


def read_range(books: RegionBooks, wanted: Range, now: datetime, most: int) -> list[Row]:
    """The rows of ``wanted``. Raises ``RangeTooWide`` for more than ``most`` documents."""
    rows: list[Row] = []
    after, seen = wanted.after, 0
    while True:
        documents, last = books.page(wanted.collection, after, PAGE)
        rows += [row for row in rows_of(wanted.collection, documents, now)[0] if wanted.covers(row.place)]
        seen += len(documents)
        if seen > most + PAGE:
            raise RangeTooWide("range_too_wide", f"more than {most} documents between these places")
        if last is None or (wanted.upto is not None and order_of(last) >= order_of(wanted.upto)):
            return rows
        after = last


def rows_named(books: RegionBooks, collection: str, keys: Sequence[Key], now: datetime) -> dict[Key, bytes]:
    """Digests of documents by key; those that are not there are left out."""
    if collection == BALANCES:
        money = books.money([str(key[0]) for key in keys])
        documents = [one for one in money.values() if one["balances"] is not None]
    else:
        documents = books.named("globalbosses" if collection == BOSSES else collection, keys)
    return {row.key: row.digest for row in rows_of(collection, documents, now)[0]}


class Answering:
    """Answers other regions' questions. ``sources``: the regions that are answered."""

    def __init__(
        self,
        books: RegionBooks,
        keyring: Keyring,
        sources: Collection[str],
        clock: Clock,
        *,
        to_json: ToJson,
        from_json: FromJson,
    ) -> None:
        self._books = books
        self._keyring = keyring
        self._sources = frozenset(sources)
        self._clock = clock
        self._to_json = to_json
        self._from_json = from_json
        self._kinds: Mapping[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
            "digests": self._digests,
            "rows": self._rows,
            "named": self._named,
        }

    def answer(self, found: Any) -> dict[str, Any]:
        """To decoded JSON. Raises its refusal, and ``Unavailable``."""
        envelope = verified(found, keyring=self._keyring, sources=self._sources, now=self._clock())
        ask = envelope.payload.get("ask")
        if envelope.entity != ENTITY or not isinstance(ask, Mapping) or ask.get("kind") not in self._kinds:
            raise BadRequest("malformed_question", f"asks nothing; payload.ask.kind: one of {', '.join(self._kinds)}")
        if envelope.key not in COLLECTIONS:
            raise BadRequest("malformed_question", "key: no collection that is compared")
        try:
            return self._kinds[str(ask["kind"])](envelope.key, ask)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadRequest("malformed_question", f"can't be answered: {type(error).__name__}") from error

    def _digests(self, collection: str, ask: Mapping[str, Any]) -> dict[str, Any]:
        places = self._from_json(ask["places"])
        if not 2 <= len(places) <= RANGES_MAX + 1:
            raise BadRequest("malformed_question", f"places: 2 to {RANGES_MAX + 1}")
        rows = read_range(self._books, Range(collection, places[0], places[-1]), self._horizon(), DOCUMENTS_MAX)
        digests = []
        for after, upto in pairwise(places):
            part = Range(collection, after, upto)
            digest = digest_of_rows([row for row in rows if part.covers(row.place)])
            digests.append([digest.documents, digest.value.hex()])
        return {"digests": digests}

    def _rows(self, collection: str, ask: Mapping[str, Any]) -> dict[str, Any]:
        after, upto = self._from_json(ask["places"])
        rows = read_range(self._books, Range(collection, after, upto), self._horizon(), DOCUMENTS_MAX)
        return {"rows": [[self._to_json(list(row.key)), row.digest.hex()] for row in rows]}

    def _named(self, collection: str, ask: Mapping[str, Any]) -> dict[str, Any]:
        keys = [tuple(key) for key in self._from_json(ask["keys"])]
        if len(keys) > KEYS_MAX:
            raise BadRequest("malformed_question", f"keys: at most {KEYS_MAX}")
        found = rows_named(self._books, collection, keys, self._horizon())
        return {"rows": [[self._to_json(list(key)), digest.hex()] for key, digest in found.items()]}

    def _horizon(self) -> datetime:
        return self._clock() + EXPIRY_MARGIN
