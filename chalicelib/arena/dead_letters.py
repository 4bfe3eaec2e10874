"""Messages that were given up, and sending them back to the queue they came from.

What sending one back means is its queue's own affair: a ``Judge`` says which may go, in what order, and makes the
message that goes. The rest is the same for all: a letter is deleted only after it was sent, so what dies in between
comes twice, and every consumer stands that.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol

from chalicelib.clock import Clock
from chalicelib.errors import Unavailable

REPLAYED_MAX: Final = 100
"""In one run."""
SCANNED_MAX: Final = 1000
"""Letters taken in hand to find those named."""
UNKNOWN_REASON: Final = "moved here by SQS: received too often without an answer"
OURS: Final = frozenset({"reason", "attempts", "sourceMessageId"})
"""Attributes a letter got when it was given up."""

Fate = Literal["replay", "left out", "refused"]
_NUMBER: Final = re.compile(r"(?<!\w)\d{5,}(?!\w)")
"""What may be somebody's Telegram id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message of a dead-letter queue."""

    message_id: str
    receipt: str
    body: str
    reason: str
    attempts: int
    """Deliveries before it was given up; 0 is not known."""
    died_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Those it had before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of one letter."""

    letter: DeadLetter
    fate: Fate
    why: str
    what: Mapping[str, Any] = field(default_factory=dict)
    """What it is about: nothing that names a player."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """The letters of one queue, or some of them."""

    letters: Sequence[Verdict]
    more: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a letter in a replay."""

    message_id: str
    fate: Literal["replay", "sent", "refused", "failed", "left out"]
    why: str


class DeadLetterQueue(Protocol):
    """A queue and its dead letters. Methods raise ``Unavailable("queue_unavailable")``."""

    def held(
        self, most: int, *, wanted: Collection[str] = (), go_on: Callable[[], bool] = ...
    ) -> AbstractContextManager[list[DeadLetter]]:
        """Up to ``most`` letters, seen by nobody else meanwhile; those not deleted are there again afterwards.

        With ids ``wanted`` it ends when they are found.
        """
        ...

    def send(self, letter: DeadLetter, body: str) -> None:
        """Puts ``body`` on the queue, with what ``letter`` had besides it."""
        ...

    def delete(self, letter: DeadLetter) -> None: ...


class Judge(Protocol):
    """What a queue's consumer makes of a letter that comes again. Methods raise ``Unavailable``."""

    def judged(self, letters: Sequence[DeadLetter], now: datetime) -> list[Verdict]:
        """In the order in which they are to be sent."""
        ...

    def body(self, verdict: Verdict, now: datetime) -> str:
        """What is sent; whatever must be so when it arrives is so afterwards."""
        ...


class DeadLetters:
    """One queue's."""

    def __init__(self, queue: DeadLetterQueue, judge: Judge, clock: Clock) -> None:
        self._queue = queue
        self._judge = judge
        self._clock = clock

    def listed(self, most: int, go_on: Callable[[], bool]) -> Listed:
        """Looks at up to ``most`` letters and takes none away. Raises ``Unavailable``."""
        with self._queue.held(most + 1, go_on=go_on) as letters:
            found = self._judge.judged(letters[:most], self._clock())
            return Listed(letters=found, more=len(letters) > most)

    def replay(
        self,
        wanted: Collection[str] | None,
        go_on: Callable[[], bool],
        *,
        dry_run: bool,
        note: Callable[[Sequence[str]], None],
    ) -> list[Result]:
        """Sends back those ``wanted`` by message id, or the first ``REPLAYED_MAX``; a dry run only says which.

        ``note`` is told the ids of those that will be sent, before any is. Raises ``Unavailable`` when nothing could be
        looked at; what was sent by then is among the results.
        """
        most = REPLAYED_MAX if wanted is None else SCANNED_MAX
        with self._queue.held(most, wanted=wanted or (), go_on=go_on) as letters:
            asked = [one for one in letters if wanted is None or one.message_id in wanted]
            verdicts = self._judge.judged(asked, self._clock())
            going = [one.letter.message_id for one in verdicts if one.fate == "replay"]
            if going and not dry_run:
                note(going)
            results = [self._result(one, go_on, dry_run=dry_run) for one in verdicts]
        found = {one.message_id for one in results}
        missing = "not found: it is gone, or in somebody's hands for a moment"
        return results + [Result(one, "left out", missing) for one in dict.fromkeys(wanted or ()) if one not in found]

    def _result(self, verdict: Verdict, go_on: Callable[[], bool], *, dry_run: bool) -> Result:
        message_id = verdict.letter.message_id
        if verdict.fate != "replay" or dry_run:
            return Result(message_id, verdict.fate, verdict.why)
        if not go_on():
            return Result(message_id, "left out", "no time was left: ask again")
        try:
            self._queue.send(verdict.letter, self._judge.body(verdict, self._clock()))
        except Unavailable as error:
            return Result(message_id, "failed", f"{error.code}: it is still a dead letter")
        try:
            self._queue.delete(verdict.letter)
        except Unavailable as error:
            return Result(message_id, "sent", f"{verdict.why}; {error.code}: it is still a dead letter, too")
        return Result(message_id, "sent", verdict.why)


def harmless(reason: str) -> str:
    """A reason without what may name a player."""
    return _NUMBER.sub("…", reason)


def oldest_first(letters: Sequence[DeadLetter]) -> Iterator[DeadLetter]:
    return iter(sorted(letters, key=lambda one: (one.died_at, one.message_id)))
