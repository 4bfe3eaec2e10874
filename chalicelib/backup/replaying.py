"""Goes on from a restored snapshot to a point in time, by what outboxes tell.

An event of several regions' arena says everything a transaction changed that regions have in common, so that applying
it here does what was done there: facts are added, fields go by version, balances and standings are computed. What an
event does not say stays as it was at the snapshot: queued battles, sign-in tries, moments of visits. The day's counters
are this region's own and are computed from the facts. An event that is known already changes nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final, Protocol

from chalicelib.arena.emission import spend_counters
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Document, Update
from chalicelib.arena.stripes import counters, emitted_field, field_key
from chalicelib.backup.ports import BackupError, ReplayTarget

PAGE: Final = 500
BATCH: Final = 20
ROUNDS_MAX: Final = 5
"""Passes over what came too early, at most."""
_COUNTED: Final = ("AIBA", "NEUR")
_BESIDE_EMISSION: Final = frozenset({"creator_earnings", "guild_creator_earnings"})
"""Credits that are paid from elsewhere than the day's emission, or were counted with a guild's share."""


class NothingTold(BackupError):
    """There are events, and they do not say what was changed."""


class EventSource(Protocol):
    """An outbox: of a database, or in a later backup."""

    @property
    def where(self) -> str: ...

    def events(self) -> Iterator[Document]:
        """In about the order they were made. Raises ``BackupError``, ``Unavailable``."""
        ...


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What replaying came to, in events."""

    applied: int = 0
    known: int = 0
    """Part of the snapshot, or given twice."""
    later: int = 0
    """Decided after the point."""
    early: int = 0
    """They change what nobody has told of."""

    def counted(self) -> dict[str, int]:
        return asdict(self)


class Replay:
    """Applies what ``sources`` tell."""

    def __init__(self, sources: Sequence[EventSource], target: ReplayTarget, region: str) -> None:
        """``region`` is the one that is restored: only what it did counts in its days."""
        self._sources = sources
        self._target = target
        self._region = region

    def run(self, until: datetime, told: Callable[[int], None], step: Callable[[], None]) -> Replayed:
        """Everything decided by ``until``. ``step`` is called on the way and may raise."""
        found = Replayed()
        early: list[Document] = []
        days: set[str] = set()
        for source in self._sources:
            events = source.events()
            while page := list(islice(events, PAGE)):
                rows = self._wanted(page, until, found)
                early += self._applied(rows, until, found, days)
                told(len(rows))
                step()
        for _ in range(ROUNDS_MAX):
            if not early:
                break
            # Another source may have told them again.
            waiting = {row["_id"]: row for row in early}
            for event_id in self._target.known(list(waiting)):
                del waiting[event_id]
            early = self._applied(list(waiting.values()), until, found, days)
        found.early = len(early)
        self._target.share_anew(sorted(days))
        return found

    def _wanted(self, page: Sequence[Document], until: datetime, found: Replayed) -> list[Document]:
        rows = {row["_id"]: row for row in page if row["occurredAt"] <= until}
        known = self._target.known(list(rows))
        found.later += len(page) - len(rows)
        found.known += len(known)
        wanted = [row for event_id, row in rows.items() if event_id not in known]
        silent = [row for row in wanted if "changes" not in row]
        if silent:
            raise NothingTold(
                f"event {silent[0]['_id']} does not say what was changed: an arena of one region tells nobody, and its "
                "outbox can't be replayed. Restore without --until, or use the database's own backups"
            )
        return wanted

    def _applied(self, rows: Sequence[Document], until: datetime, found: Replayed, days: set[str]) -> list[Document]:
        left = []
        rows = sorted(rows, key=lambda row: str(row["version"]))
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            early = set(self._target.apply(batch, until))
            for row in batch:
                if row["_id"] in early:
                    left.append(row)
                else:
                    found.applied += 1
                    if row["region"] == self._region:
                        days.update(day_counts(row["changes"]))
        return left


def restored_row(row: Mapping[str, Any]) -> Document:
    """An outbox document as it belongs into the restored outbox: what follows from it is due again.

    What was done already is found done: settling leaves out what was paid.
    """
    gone = {"claims", "followUpsSettledAt"}
    found = {name: value for name, value in row.items() if name not in gone}
    if found.get("followUps") and "followUpsFault" not in found:
        found["followUpsDueAt"] = found["occurredAt"]
        found.pop("expiresAt", None)
    return found


def day_counts(changes: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """What the facts in ``changes`` add to their days' counters, by UTC day and path."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for change in changes:
        for fact in change.get("facts", ()):
            if change["collection"] == "battles":
                _count(found, fact, emitted_field("NEUR"), fact.get("guildShareNeur") or 0)
            elif change["collection"] == "ledgerentries" and fact["currency"] in _COUNTED:
                _count_row(found, fact)
    return dict(found)


def counter_updates(changes: Iterable[Mapping[str, Any]], stripe: int = 0) -> list[Update]:
    """The writes that count them."""
    return [counters(day, stripe, counts.items()) for day, counts in day_counts(changes).items()]


def _count_row(found: defaultdict[str, Counter[str]], row: Mapping[str, Any]) -> None:
    currency, amount = row["currency"], int(row["amount"])
    if row["direction"] == "credit":
        if row["reason"] not in _BESIDE_EMISSION:
            _count(found, row, emitted_field(currency), amount)
        return
    day = utc_day(row["createdAt"])
    found[day].update(spend_counters(currency, amount, row["reason"], row["arena"], day, 0).change["$inc"])


def _count(found: defaultdict[str, Counter[str]], fact: Mapping[str, Any], name: str, amount: int) -> None:
    if amount:
        day = found[utc_day(fact["createdAt"])]
        day[name] += amount
        day[f"{name}ByArena.{field_key(fact.get('arena') or '')}"] += amount
