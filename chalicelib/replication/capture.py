"""What a transaction changes, told to the other regions: derived from its writes, so that no service can forget it.

``Recorder.recorded`` is given a transaction's writes before they are made. It adds the versions of what they change and
one event with all of it: the outbox's row is part of the transaction, and so is everything the event says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from chalicelib.arena import outbox
from chalicelib.arena.ports import Document, Insert, Lookup, Update, Write
from chalicelib.clock import Clock
from chalicelib.replication.rules import (
    ALL_FIELDS,
    DOCUMENTS,
    FACTS,
    VERSIONS,
    Documents,
    entry_field,
    field_version,
    named_entries,
)
from chalicelib.replication.versions import next_version

KEPT_PAYLOAD: Final = ("battle",)
"""What of an event's payload is still read in its own region, by the follow-ups."""


class UnrecordedChange(Exception):
    """A write that has no meaning in another region: a rule is missing, or the write is wrong."""


class Recorder:
    """Records one region's transactions. ``targets`` are the other regions."""

    def __init__(self, clock: Clock, region: str, rank: int, targets: Sequence[str], new_id: Callable[[], Any]) -> None:
        self._clock = clock
        self._region = region
        self._rank = rank
        self._targets = tuple(targets)
        self._new_id = new_id

    def recorded(self, writes: Sequence[Write], lookup: Lookup) -> list[Write]:
        """``writes`` with versions and the event; unchanged when they are of no other region's business."""
        seen = [_document_of(write, lookup) for write in writes]
        if not any(_is_told(write) for write in writes):
            return list(writes)
        now = self._clock()
        version = next_version(now, _versions(document for document in seen if document), self._rank)
        changes: list[Document] = []
        result: list[Write] = []
        event: Document | None = None
        for write, before in zip(writes, seen, strict=True):
            if isinstance(write, Insert) and write.collection == outbox.COLLECTION:
                (document,) = write.documents
                event = dict(document)
            elif isinstance(write, Insert):
                result.append(_recorded_insert(write, version, changes))
            else:
                result.append(_recorded_update(write, before, version, changes))
        event = event or self._event(changes, now)
        payload = event["payload"]
        event |= {
            "payload": {name: payload[name] for name in KEPT_PAYLOAD if name in payload},
            "changes": changes,
            "version": version,
            "region": self._region,
            "pending": list(self._targets),
        }
        # Where the event stood: after what it tells.
        return [*result, Insert(outbox.COLLECTION, (event,))]

    def _event(self, changes: Sequence[Mapping[str, Any]], now: Any) -> Document:
        first, event_id = changes[0], self._new_id()
        (document,) = outbox.event(
            event_id=event_id,
            entity=first["collection"],
            key=str(first.get("key", event_id)),
            op="change",
            payload={},
            request_id="",
            now=now,
        ).documents
        return dict(document)


def _is_told(write: Write) -> bool:
    if isinstance(write, Insert):
        return write.collection in FACTS or write.collection in DOCUMENTS
    if write.collection in FACTS:
        raise UnrecordedChange(f"{write.collection} holds facts, which are never changed")
    return write.collection in DOCUMENTS


def _document_of(write: Write, lookup: Lookup) -> Document | None:
    if isinstance(write, Update) and write.collection in DOCUMENTS:
        return lookup(write.collection, write.where)
    return None


def _versions(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for document in documents:
        yield from (document.get(VERSIONS) or {}).values()


def _recorded_insert(write: Insert, version: str, changes: list[Document]) -> Insert:
    if write.collection in FACTS:
        changes.append({"collection": write.collection, "facts": [dict(fact) for fact in write.documents]})
        return write
    rule = DOCUMENTS.get(write.collection)
    if rule is None:
        return write
    made = []
    for document in write.documents:
        change: Document = {"collection": write.collection, "key": document[rule.key], "id": document["_id"]}
        sets: Document = {}
        entries: Document = {}
        for name, value in document.items():
            if name in rule.entries:
                entries[name] = dict(named_entries(rule.entries[name], value))
            elif name in rule.latest:
                change.setdefault("latest", {})[name] = value
            elif name in rule.counters and value:
                change.setdefault("add", {})[name] = value
            elif name != rule.key and not rule.is_own(name) and name not in rule.counters:
                sets[name] = value
        changes.append({**change, "set": sets, "entries": entries, "base": {}, "new": True})
        made.append({**document, VERSIONS: {ALL_FIELDS: version}})
    return replace(write, documents=tuple(made))


def _recorded_update(write: Update, before: Document | None, version: str, changes: list[Document]) -> Update:
    rule = DOCUMENTS.get(write.collection)
    if rule is None:
        return write
    key = (before or write.where).get(rule.key)
    if key is None:
        raise UnrecordedChange(f"{write.collection}: no {rule.key} in {sorted(write.where)}")
    told = _Told(rule, before)
    for operator, fields in write.change.items():
        for name, value in fields.items():
            told.take(operator, name, value)
    if told.is_empty():
        return write
    changes.append({"collection": write.collection, "key": key, **told.change(before)})
    versions = {f"{VERSIONS}.{name}": version for name in told.base}
    if not versions:
        return write
    return replace(write, change={**write.change, "$set": {**write.change.get("$set", {}), **versions}})


class _Told:
    """What one update is to the others."""

    def __init__(self, rule: Documents, before: Document | None) -> None:
        self._rule = rule
        self._before = before
        self._set: Document = {}
        self._unset: list[str] = []
        self._entries: Document = {}
        self._latest: Document = {}
        self._add: Document = {}
        self.base: dict[str, str] = {}
        """Versions of what is replaced, by field and ``list/name``."""

    def take(self, operator: str, name: str, value: Any) -> None:
        rule = self._rule
        if rule.is_own(name) or operator == "$setOnInsert":
            return
        if operator == "$set" and name in rule.latest:
            self._latest[name] = value
        elif operator == "$set" and name in rule.entries:
            self._take_entries(name, value)
        elif operator == "$set" and name not in rule.counters and "." not in name:
            self._set[name] = value
            self._replace(name)
        elif operator == "$unset" and name not in rule.counters and "." not in name:
            self._unset.append(name)
            self._replace(name)
        elif operator == "$inc" and name in rule.counters:
            self._add[name] = value
        else:
            raise UnrecordedChange(f"{operator} of {name!r} has no rule of replication")

    def _take_entries(self, name: str, value: Any) -> None:
        rule = self._rule.entries[name]
        old, new = named_entries(rule, (self._before or {}).get(name)), named_entries(rule, value)
        changed = {key: new.get(key) for key in sorted(old | new) if old.get(key) != new.get(key)}
        for key in changed:
            self._replace(entry_field(name, key))
        if changed:
            self._entries[name] = changed

    def _replace(self, name: str) -> None:
        self.base[name] = field_version(self._before, name)

    def is_empty(self) -> bool:
        """A change of nothing but moments is not worth telling."""
        return not (self._set or self._unset or self._entries or self._add)

    def change(self, before: Document | None) -> Document:
        found: Document = {"set": self._set, "entries": self._entries, "base": self.base}
        if before is not None:
            found["id"] = before["_id"]
        for name, value in (("unset", self._unset), ("latest", self._latest), ("add", self._add)):
            if value:
                found[name] = value
        return found
