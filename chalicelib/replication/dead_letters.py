"""Events that could not be applied: what they are, and which of them are tried again. Pure.

A dead letter is one event as it came, with the attributes ``reason`` and ``attempts``; or, moved by SQS itself, a
message with up to ten events. Trying it again is harmless:
what was applied meanwhile is a duplicate there, and order comes from versions.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.arena.dead_letters import DeadLetter, Fate, Verdict
from chalicelib.errors import ArenaError
from chalicelib.replication.applying import REMEMBERED
from chalicelib.replication.conversion import iso, moment_of
from chalicelib.replication.envelope import Envelope, from_wire
from chalicelib.replication.receiver import several
from chalicelib.replication.signing import Keyring


def envelopes_of(letter: DeadLetter) -> list[Envelope]:
    """At least one, ordered by version. Raises ``ArenaError``, and ValueError for what is no JSON."""
    found = json.loads(letter.body)
    envelopes = several(found)
    return sorted(map(from_wire, [found] if envelopes is None else envelopes), key=lambda one: one.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters; None is any."""

    entity: str | None = None
    key: str | None = None
    reason: str | None = None
    """Part of it, in any case."""
    since: datetime | None = None
    """Given up then or later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one dead letter."""

    letter: DeadLetter
    envelope: Envelope | None
    """The first by version; None for what is none."""
    events: int
    fate: Fate
    why: str

    def shown(self) -> dict[str, Any]:
        """For people, and as JSON."""
        found = self.envelope
        return {
            "messageId": self.letter.message_id,
            "reason": self.letter.reason,
            "attempts": self.letter.attempts,
            "diedAt": iso(self.letter.died_at),
            "events": self.events,
            "eventId": found.event_id if found else None,
            "source": found.source_region if found else None,
            "entity": found.entity if found else None,
            "key": found.key if found else None,
            "version": found.version if found else None,
            "fate": self.fate,
            "why": self.why,
        }


def decide(
    letters: Iterable[DeadLetter],
    wanted: Wanted,
    now: datetime,
    *,
    keyring: Keyring | None = None,
    sources: Collection[str] = (),
) -> list[Decision]:
    """Each letter's fate, ordered by version; those that are no envelopes first.

    Without a ``keyring`` signatures are not looked at, without ``sources`` neither is where they come from: for showing
    only, the receiver looks at both.
    """
    decisions = [_decided(letter, wanted, now, keyring, sources) for letter in letters]
    return sorted(decisions, key=lambda one: (one.envelope.version if one.envelope else "", one.letter.message_id))


def _decided(
    letter: DeadLetter, wanted: Wanted, now: datetime, keyring: Keyring | None, sources: Collection[str]
) -> Decision:
    try:
        envelopes = envelopes_of(letter)
    except (ArenaError, ValueError, RecursionError) as error:
        return Decision(letter=letter, envelope=None, events=0, fate="refused", why=f"no envelope: {error}")
    fates = [_fate(letter, envelope, wanted) for envelope in envelopes]
    # A message is sent back as a whole: for any of its events, and only if all may be believed.
    fate, why = next((one for one in fates if one[0] == "replay"), fates[0])
    if fate == "replay":
        checks = [_checked(envelope, now, keyring, sources) for envelope in envelopes]
        fate, why = next((one for one in checks if one[0] == "refused"), checks[0])
    return Decision(letter=letter, envelope=envelopes[0], events=len(envelopes), fate=fate, why=why)


def _fate(letter: DeadLetter, envelope: Envelope, wanted: Wanted) -> tuple[Fate, str]:
    if wanted.entity is not None and envelope.entity != wanted.entity:
        return "left out", "another entity"
    if wanted.key is not None and envelope.key != wanted.key:
        return "left out", "another key"
    if wanted.reason is not None and wanted.reason.lower() not in letter.reason.lower():
        return "left out", "another reason"
    if wanted.since is not None and letter.died_at < wanted.since:
        return "left out", "given up before"
    return "replay", "asked for"


def _checked(envelope: Envelope, now: datetime, keyring: Keyring | None, sources: Collection[str]) -> tuple[Fate, str]:
    try:
        if keyring is not None:
            keyring.verify(envelope)
        occurred_at = moment_of("occurredAt", envelope.occurred_at)
    except ArenaError as error:
        return "refused", f"{error.code}: {error}; it can't be believed any more, `verify --repair` heals what it told"
    if sources and envelope.source_region not in sources:
        return "refused", f"from {envelope.source_region}, which is no region of this arena"
    if now - occurred_at > REMEMBERED:
        return "refused", f"older than {REMEMBERED.days} days: `verify --repair` heals what it told"
    return "replay", "signature checked" if keyring is not None else "signature not checked"


class EventReplay:
    """``arena.dead_letters.Judge`` of the queue of incoming events."""

    def __init__(self, keyring: Keyring, sources: Collection[str]) -> None:
        self._keyring = keyring
        self._sources = sources

    def judged(self, letters: Sequence[DeadLetter], now: datetime) -> list[Verdict]:
        decisions = decide(letters, Wanted(), now, keyring=self._keyring, sources=self._sources)
        return [Verdict(letter=one.letter, fate=one.fate, why=one.why, what=_what(one)) for one in decisions]

    def body(self, verdict: Verdict, now: datetime) -> str:  # noqa: ARG002 (the protocol's)
        return verdict.letter.body


def _what(decision: Decision) -> dict[str, Any]:
    """Without the key: a player's document has the player's id for it."""
    found = decision.envelope
    if found is None:
        return {"events": 0}
    return {
        "events": decision.events,
        "eventId": found.event_id,
        "source": found.source_region,
        "entity": found.entity,
        "version": found.version,
    }
