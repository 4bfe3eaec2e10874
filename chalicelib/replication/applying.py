"""What other regions' events change here, decided in one transaction for a whole batch. Pure but for its reads.

Applied exactly once: an event's id is stored with what it changes, and one that is stored changes nothing. The order
of arrival does not matter: facts are a union, fields go by version. Only an update of a document that is not known here
yet is ``early`` and comes again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.replication.ports import APPLIED, CONFLICTS, Event, ReplicaSnapshot
from chalicelib.replication.reading import rests_on
from chalicelib.replication.replica import MEANINGS, Meanings, Replica
from chalicelib.replication.rules import DOCUMENTS

Fate = Literal["applied", "duplicate", "early"]

REMEMBERED: Final = timedelta(days=35)
"""How long it is known that an event was applied: longer than queue and dead letters keep one (4 and 14 days)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedEvent:
    """What became of one event, and how long it took."""

    event_id: Any
    source_region: str
    fate: Fate
    lag_seconds: float
    """From the source's commit, by its clock, to now, by ours."""
    collections: frozenset[str] = frozenset()


class TooOld(Exception):
    """An event from before what is remembered of applied ones: nobody could tell whether it was."""


def remembered(events: Sequence[Event], now: datetime) -> Sequence[Write]:
    """What keeps ``events`` from being applied again."""
    rows: tuple[Document, ...] = tuple(
        {
            "_id": event.event_id,
            "region": event.source_region,
            "version": event.version,
            "occurredAt": event.occurred_at,
            "appliedAt": now,
            "expiresAt": event.occurred_at + REMEMBERED + timedelta(days=1),
        }
        for event in events
    )
    return (Insert(APPLIED, rows),)


def decide(
    events: Sequence[Event],
    snapshot: ReplicaSnapshot,
    now: datetime,
    *,
    meanings: Meanings = MEANINGS,
    remember: Callable[[Sequence[Event], datetime], Sequence[Write]] = remembered,
) -> Outcome[list[AppliedEvent]]:
    """Applies ``events``; the fate of each, in the order given. Raises ``TooOld``.

    ``meanings`` and ``remember`` are there for tests, which must notice when one of them is wrong.
    """
    old = [event.event_id for event in events if now - event.occurred_at > REMEMBERED]
    if old:
        raise TooOld(f"{old[0]}: older than {REMEMBERED.days} days")
    # Of those applied before, too: a second round trip costs every batch more than what they rest on costs a few.
    asked = rests_on(events)
    before, *found = snapshot.find_all([(APPLIED, {"_id": [event.event_id for event in events]}), *asked])
    known = {row["_id"] for row in before}
    fresh = {event.event_id: event for event in events if event.event_id not in known}
    replica = Replica(snapshot, zip((collection for collection, _ in asked), found, strict=True), now, meanings)
    fates: dict[Any, Fate] = {}
    for event in sorted(fresh.values(), key=lambda event: event.version):
        if _is_early(event, replica):
            fates[event.event_id] = "early"
        else:
            replica.apply(event)
            fates[event.event_id] = "applied"
    applied = [event for event in fresh.values() if fates[event.event_id] == "applied"]
    results = []
    for event in events:
        fate = fates.get(event.event_id, "duplicate")
        results.append(_result(event, fate, now))
        # A second copy within the batch.
        if fate == "applied":
            fates[event.event_id] = "duplicate"
    return Outcome(results, (*remember(applied, now), *replica.writes(), *_conflicts(replica)) if applied else ())


def _is_early(event: Event, replica: Replica) -> bool:
    return any(
        change["collection"] in DOCUMENTS
        and not DOCUMENTS[change["collection"]].creatable
        and not change.get("new")
        and replica.document(change["collection"], change["key"]) is None
        for change in event.changes
    )


def _result(event: Event, fate: Fate, now: datetime) -> AppliedEvent:
    return AppliedEvent(
        event_id=event.event_id,
        source_region=event.source_region,
        fate=fate,
        lag_seconds=(now - event.occurred_at).total_seconds(),
        collections=frozenset(change["collection"] for change in event.changes),
    )


def _conflicts(replica: Replica) -> Iterable[Write]:
    for document in replica.conflicts():
        fields: Mapping[str, Any] = {name: value for name, value in document.items() if name != "_id"}
        yield Update(CONFLICTS, {"_id": document["_id"]}, {"$setOnInsert": dict(fields)}, upsert=True)
