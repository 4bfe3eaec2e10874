"""One change of another region, merged into the document that is here. Pure.

Field by field the higher version wins, in whatever order changes arrive, so regions that have heard the same agree.
A winner that was written in ignorance of what it replaces has beaten somebody: both are kept as a ``Conflict``. It is
found where the loser was written, and wherever the winner comes later: a region that hears of the winner first does not
know what the loser had read, and leaves it to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.ports import Document
from chalicelib.replication.rules import (
    ALL_FIELDS,
    VERSIONS,
    Documents,
    Entries,
    entry_field,
    field_version,
    named_entries,
)
from chalicelib.replication.versions import rank_of

MISSING: Final = None
"""How the loss of a field or of an entry is told in a conflict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A write that lost against one its writer had not heard of."""

    collection: str
    key: Any
    field: str
    loser: Any
    loser_version: str
    winner: Any
    winner_version: str

    def document(self, event_id: str, now: Any) -> Document:
        """For the ledger of conflicts. Its ``_id`` is the same wherever and however often it is found."""
        return {
            "_id": f"{self.collection}:{self.key}:{self.field}:{self.loser_version}:{self.winner_version}",
            "collection": self.collection,
            "key": self.key,
            "field": self.field,
            "loser": {"version": self.loser_version, "value": self.loser},
            "winner": {"version": self.winner_version, "value": self.winner},
            "eventId": event_id,
            "detectedAt": now,
        }


def merged(
    collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
) -> tuple[Document, list[Conflict]]:
    """The document after ``change``, written at ``version``, and who lost. ``here`` is left as it is.

    ``here`` is None where the document is not known; then ``change`` must be its beginning.
    """
    return _Merge(collection, rule, here, change, version).result()


class _Merge:
    def __init__(
        self, collection: str, rule: Documents, here: Document | None, change: Mapping[str, Any], version: str
    ) -> None:
        self._collection = collection
        self._rule = rule
        self._change = change
        self._version = version
        self._conflicts: list[Conflict] = []
        self._before: Mapping[str, Any] = here or {}
        self._document: Document = dict(here) if here is not None else self._begun()
        self._versions: dict[str, str] = dict(self._document.get(VERSIONS) or {})

    def _begun(self) -> Document:
        rule, change = self._rule, self._change
        empty: dict[str, Any] = {name: [] for name in rule.entries}
        return {"_id": change["id"], rule.key: change["key"], **dict.fromkeys(rule.counters, 0), **empty}

    def result(self) -> tuple[Document, list[Conflict]]:
        change = self._change
        if change.get("new") and not self._before:
            self._versions[ALL_FIELDS] = self._version
            self._document.update(change["set"])
        else:
            self._merge_fields()
        for name, entries in change.get("entries", {}).items():
            self._merge_entries(name, entries)
        for name, moment in change.get("latest", {}).items():
            known = self._document.get(name)
            self._document[name] = moment if known is None or moment > known else known
        for name, amount in change.get("add", {}).items():
            self._document[name] = (self._document.get(name) or 0) + amount
        if self._versions:
            self._document[VERSIONS] = self._versions
        return self._document, self._conflicts

    def _merge_fields(self) -> None:
        for name, value in self._change["set"].items():
            if self._wins(name, self._document.get(name), value):
                self._document[name] = value
        for name in self._change.get("unset", ()):
            if self._wins(name, self._document.get(name), MISSING):
                self._document.pop(name, None)

    def _merge_entries(self, name: str, entries: Mapping[str, Any]) -> None:
        rule = self._rule.entries[name]
        stored = named_entries(rule, self._document.get(name))
        for key, entry in entries.items():
            whole = self._change.get("new") and not self._before
            if whole or self._wins(entry_field(name, key), stored.get(key), entry):
                stored[key] = entry
        self._document[name] = ordered(rule, stored)

    def _wins(self, name: str, here: Any, value: Any) -> bool:
        known = field_version({VERSIONS: self._versions}, name)
        if self._version <= known:
            return False
        base = self._change["base"].get(name, "")
        # Written by another region than what it replaces, by somebody who had read less than that.
        if known > base and rank_of(known) != rank_of(self._version) and here != value:
            self._conflicts.append(
                Conflict(
                    collection=self._collection,
                    key=self._change["key"],
                    field=name,
                    loser=here,
                    loser_version=known,
                    winner=value,
                    winner_version=self._version,
                )
            )
        self._versions[name] = self._version
        return True


def ordered(rule: Entries, entries: Mapping[str, Any]) -> list[Any]:
    """A list of the entries that are there, in the order all regions have it."""
    present = [(key, entry) for key, entry in entries.items() if entry is not None]
    return [entry for _, entry in sorted(present, key=lambda pair: (pair[1][rule.since], pair[0]))]
