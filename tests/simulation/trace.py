"""Who had heard of what, kept apart from versions: the second opinion on every conflict.

An event's context is every event its region had committed or applied before. Two writes of one field whose events are
not in each other's context are concurrent, whatever versions say.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.replication.rules import DOCUMENTS

Field = tuple[str, Any, str]
"""Collection, key, field or ``list/name``."""


@dataclass(frozen=True, slots=True)
class FieldWrite:
    """One event's write of one field."""

    event_id: Any
    version: str
    value: Any
    begins: bool
    """With the whole document, which may not name the field."""


class Trace:
    """Everything regions told."""

    def __init__(self, regions: Iterable[str]) -> None:
        self.events: dict[Any, str] = {}
        """Region by event."""
        self._known: dict[str, set[Any]] = {region: set() for region in regions}
        self._contexts: dict[Any, frozenset[Any]] = {}
        self._writes: defaultdict[Field, list[FieldWrite]] = defaultdict(list)
        self._begun: defaultdict[tuple[str, Any], list[tuple[Any, str]]] = defaultdict(list)

    def told(self, region: str, event: Document) -> None:
        event_id = event["_id"]
        self.events[event_id] = region
        self._contexts[event_id] = frozenset(self._known[region])
        self._known[region].add(event_id)
        for change in event["changes"]:
            if change["collection"] in DOCUMENTS:
                document = (change["collection"], change["key"])
                if change.get("new"):
                    self._begun[document].append((event_id, event["version"]))
                for name, value in _fields(change):
                    write = FieldWrite(event_id, event["version"], value, bool(change.get("new")))
                    self._writes[*document, name].append(write)

    def applied(self, region: str, event_id: Any) -> None:
        self._known[region].add(event_id)

    def fields(self) -> Iterator[tuple[Field, list[FieldWrite]]]:
        """Every field with its writes; where a document was begun twice, each beginning writes every field."""
        for field, writes in self._writes.items():
            named = {write.event_id for write in writes}
            silent = [
                FieldWrite(event_id, version, None, begins=True)
                for event_id, version in self._begun[field[:2]]
                if event_id not in named
            ]
            yield field, [*writes, *silent]

    def knew(self, later: FieldWrite, earlier: FieldWrite) -> bool:
        return earlier.event_id in self._contexts[later.event_id]

    def concurrent(self, one: FieldWrite, other: FieldWrite) -> bool:
        return one.event_id != other.event_id and not self.knew(one, other) and not self.knew(other, one)

    def must_be_listed(self, writes: list[FieldWrite]) -> list[FieldWrite]:
        """Writes that are gone although nobody who saw them replaced them."""
        newest = max(writes, key=lambda write: write.version)
        return [
            write
            for write in writes
            if write is not newest and not write_is_seen(self, write, writes) and not self._is_shared(write, writes)
        ]

    def _is_shared(self, write: FieldWrite, writes: list[FieldWrite]) -> bool:
        """Somebody else meant the same: nobody has lost by that."""
        return any(self.concurrent(write, other) and other.value == write.value for other in writes)


def write_is_seen(trace: Trace, write: FieldWrite, writes: list[FieldWrite]) -> bool:
    """Whether somebody wrote over ``write`` with it before their eyes."""
    for later in writes:
        if trace.knew(later, write):
            visible = max((other for other in writes if trace.knew(later, other)), key=lambda other: other.version)
            if visible is write:
                return True
    return False


def _fields(change: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from change["set"].items()
    yield from ((name, None) for name in change.get("unset", ()))
    for list_name, entries in change.get("entries", {}).items():
        yield from ((f"{list_name}/{name}", entry) for name, entry in entries.items())
