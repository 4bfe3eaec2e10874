"""Events of several outboxes, given in any order and twice."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.arena.ports import Document
from chalicelib.backup.replaying import NothingTold, Replay, counter_updates, restored_row
from tests.worlds import NOON

HERE, THERE = "us-east-1", "eu-west-1"


class Source:
    """An outbox on paper."""

    where = "paper"

    def __init__(self, *rows: Document) -> None:
        self._rows = rows

    def events(self) -> Iterator[Document]:
        yield from self._rows


class Target:
    """Applies what does not need an event that has not come; ``refuses`` one that is applied twice."""

    def __init__(self, *known: str) -> None:
        self.applied = list(known)
        self.days: Sequence[str] = ()

    def known(self, event_ids: Sequence[Any]) -> set[Any]:
        return set(event_ids) & set(self.applied)

    def apply(self, rows: Sequence[Document], now: datetime) -> list[Any]:
        early = []
        for row in rows:
            assert row["_id"] not in self.applied
            if row.get("needs", row["_id"]) in (row["_id"], *self.applied):
                self.applied.append(row["_id"])
            else:
                early.append(row["_id"])
        return early

    def share_anew(self, days: Sequence[str]) -> None:
        self.days = days


def event(name: str, seconds: int = 0, region: str = HERE, **fields: Any) -> Document:
    facts = [{"createdAt": NOON, "guildShareNeur": 3, "arena": "a.b"}]
    changes = [{"collection": "battles", "facts": facts}]
    at = NOON + timedelta(seconds=seconds)
    return {"_id": name, "occurredAt": at, "region": region, "version": name, "changes": changes, **fields}


def run(target: Target, *sources: Source) -> dict[str, int]:
    replay = Replay(sources, target, HERE)
    return replay.run(NOON, lambda _more: None, lambda: None).counted()


def test_each_is_applied_once_and_what_is_later_is_not() -> None:
    target = Target("known")
    told = run(
        target, Source(event("known"), event("b"), event("late", 1)), Source(event("b"), event("c", region=THERE))
    )
    assert told == {"applied": 2, "known": 2, "later": 1, "early": 0}
    assert target.applied == ["known", "b", "c"]
    assert target.days == ["2026-11-23"]


def test_what_others_did_counts_in_no_day_of_ours() -> None:
    target = Target()
    run(target, Source(event("c", region=THERE)))
    assert target.days == []


def test_what_came_too_early_waits_for_what_it_needs() -> None:
    """And is not applied a second time when another source has told it in the meantime."""
    target = Target()
    first, second = Source(event("a", needs="b")), Source(event("b"), event("a", needs="b"))
    assert run(target, first, second)["early"] == 0
    assert sorted(target.applied) == ["a", "b"]
    assert run(Target(), Source(event("a", needs="gone")))["early"] == 1


def test_events_that_tell_nothing_are_refused_only_where_they_are_needed() -> None:
    silent = {"_id": "a", "occurredAt": NOON}
    assert run(Target("a"), Source(silent))["known"] == 1
    with pytest.raises(NothingTold, match="event a does not say"):
        run(Target(), Source(silent))


def test_what_follows_is_due_again_unless_it_was_set_aside() -> None:
    row = event("a", followUps=[{}], followUpsSettledAt=NOON, expiresAt=NOON, claims={})
    assert restored_row(row) == event("a", followUps=[{}], followUpsDueAt=NOON)
    fault = event("a", followUps=[{}], followUpsFault="payload", expiresAt=NOON)
    assert restored_row(fault) == fault


def test_facts_are_counted_in_their_day() -> None:
    (update,) = counter_updates(event("a")["changes"])
    assert update.change["$inc"] == {"emittedNeur": 3, "emittedNeurByArena.a%2Eb": 3}
    assert counter_updates([{"collection": "users", "key": "1"}]) == []
