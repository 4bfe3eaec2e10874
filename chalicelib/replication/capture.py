"""What a transaction changes, told to the other regions: derived from its writes, so that no service can forget it.

``Recorder.recorded`` is given a transaction's writes before they are made. It adds the versions of what they change and
one event with all of it: the outbox's row is part of the transaction, and so is everything the event says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
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
    field_stamp,
    named_entries,
)
from chalicelib.replication.versions import joined, next_version

KEPT_PAYLOAD: Final = ("battle",)
"""What of an event's payload is still read in its own region, by the follow-ups."""


class UnrecordedChange(Exception):
    """A write that has no meaning in another region: a rule is missing, or the write is wrong."""


class Recorder:
    """Records one region's transactions. ``targets`` are the other regions; ``correlation`` tells the id of what is
    being done, by which logs of all regions know the event.

    ``version`` is there for tests, which must notice when it is wrong.
    """

    def __init__(
        self,
        clock: Clock,
        region: str,
        rank: int,
        targets: Sequence[str],
        new_id: Callable[[], Any],
        correlation: Callable[[], str] = str,
        *,
        version: Callable[[datetime, Iterable[str], int], str] = next_version,
    ) -> None:
        self._clock = clock
        self._region = region
        self._rank = rank
        self._targets = tuple(targets)
        self._new_id = new_id
        self._correlation = correlation
        self._version = version

    def recorded(self, writes: Sequence[Write], lookup: Lookup) -> list[Write]:
        """``writes`` with versions and the event; unchanged when they are of no other region's business."""
        if not any(_is_told(write) for write in writes):
            return list(writes)
        seen = [_document_of(write, lookup) for write in writes]
        now = self._clock()
        version = self._version(now, _versions(document for document in seen if document), self._rank)
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
        if not changes:
            return list(writes)
        _refuse_twice(changes)
        _name_season(writes, changes)
        event = event or self._event(changes, now)
        payload = event["payload"]
        # It expires once the others have it.
        event.pop("expiresAt", None)
        event |= {
            "payload": {name: payload[name] for name in KEPT_PAYLOAD if name in payload},
            "changes": changes,
            "version": version,
            "region": self._region,
            "pending": list(self._targets),
        }
        correlation_id = self._correlation()
        if correlation_id:
            event["correlationId"] = correlation_id
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
    """The document an update changes, where it matters to others: a payment alone need not be looked up."""
    if isinstance(write, Insert) or write.collection not in DOCUMENTS:
        return None
    rule = DOCUMENTS[write.collection]
    told = any(
        operator in ("$set", "$unset") and name not in rule.latest and not rule.is_own(name)
        for operator, fields in write.change.items()
        for name in fields
    )
    return lookup(write.collection, write.where) if told or rule.key not in write.where else None


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
        begin: Document = {}
        for name, value in document.items():
            if name in rule.entries:
                entries[name] = dict(named_entries(rule.entries[name], value))
            elif name in rule.latest:
                change.setdefault("latest", {})[name] = value
            elif name in rule.counters:
                if value:
                    change.setdefault("add", {})[name] = value
            elif name not in ("_id", rule.key):
                (begin if rule.is_own(name) else sets)[name] = value
        changes.append({**change, "set": sets, "entries": entries, "begin": begin, "base": {}, "new": True})
        made.append({**document, VERSIONS: {ALL_FIELDS: version}})
    return replace(write, documents=tuple(made))


def _recorded_update(write: Update, before: Document | None, version: str, changes: list[Document]) -> Update:
    rule = DOCUMENTS.get(write.collection)
    if rule is None:
        return write
    told = _Told(rule, before)
    for operator, fields in write.change.items():
        for name, value in fields.items():
            told.take(operator, name, value)
    if told.is_empty():
        return write
    key = (before or write.where).get(rule.key)
    if key is None:
        raise UnrecordedChange(f"{write.collection}: no {rule.key} in {sorted(write.where)}")
    if before is None and write.upsert and not rule.creatable:
        raise UnrecordedChange(f"{write.collection}: a document begins with an insert, not with an upsert")
    changes.append({"collection": write.collection, "key": key, **told.change()})
    versions = {f"{VERSIONS}.{name}": joined(base, version) for name, base in told.base.items()}
    if not versions:
        return write
    return replace(write, change={**write.change, "$set": {**write.change.get("$set", {}), **versions}})


def _refuse_twice(changes: Sequence[Mapping[str, Any]]) -> None:
    """A transaction has one version: of two changes of one field the second would be taken for the first."""
    seen: set[tuple[str, Any, str]] = set()
    for change in changes:
        for name in change.get("base", ()):
            field = (change["collection"], change["key"], name)
            if field in seen:
                raise UnrecordedChange(f"{change['collection']}: {name} of {change['key']} is changed twice")
            seen.add(field)


def _name_season(writes: Sequence[Write], changes: Sequence[Document]) -> None:
    """Battles are told with the season they count in here: operators may change the length of seasons meanwhile."""
    for write in writes:
        if isinstance(write, Update) and write.collection == "users":
            paths = (path.split(".") for path in write.change.get("$inc", ()))
            season = next((steps[1] for steps in paths if steps[0] == "seasons"), None)
            for change in changes:
                if season is not None and change["collection"] == "battles":
                    change["season"] = season


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
        """Stamps of what is replaced, by field and ``list/name``."""

    def take(self, operator: str, name: str, value: Any) -> None:
        rule = self._rule
        if rule.is_own(name) or operator == "$setOnInsert":
            return
        if operator == "$set" and name in rule.latest:
            self._latest[name] = value
        elif operator == "$set" and name in rule.entries:
            self._take_entries(name, value)
        elif operator == "$set" and name not in rule.counters and "." not in name:
            if not self._holds(name, value):
                self._set[name] = value
                self._replace(name)
        elif operator == "$unset" and name not in {*rule.counters, *rule.entries} and "." not in name:
            if self._before is None or name in self._before:
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

    def _holds(self, name: str, value: Any) -> bool:
        """Writing what is there already is no change: else it would win over others' changes."""
        before = self._before or {}
        return name in before and type(before[name]) is type(value) and bool(before[name] == value)

    def _replace(self, name: str) -> None:
        self.base[name] = field_stamp(self._before, name)

    def is_empty(self) -> bool:
        """A change of nothing but moments is not worth telling."""
        return not (self._set or self._unset or self._entries or self._add)

    def change(self) -> Document:
        found: Document = {"set": self._set, "entries": self._entries, "base": self.base}
        for name, value in (("unset", self._unset), ("latest", self._latest), ("add", self._add)):
            if value:
                found[name] = value
        return found
