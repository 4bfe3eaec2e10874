"""What queued battles need from the outside: a place for jobs, queues to send to, somebody who fights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from chalicelib.arena.battle import BattleResult
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.ports import Document
from chalicelib.locks import Guard


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send; attributes are text, and empty ones are left out (SQS refuses them)."""

    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: int = 0
    """0..900."""


class MessageQueue(Protocol):
    """A queue to send to."""

    def send(self, body: str, *, attributes: Mapping[str, str] | None = None, delay_seconds: int = 0) -> None:
        """Puts one message on the queue. Raises ``Unavailable("queue_unavailable")``; it may have been sent then."""

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
        """Puts ``messages`` on the queue; those it did not take.

        Raises ``Unavailable("queue_unavailable")``; any of the messages may have been sent then.
        """


@dataclass(frozen=True, slots=True)
class BattleAndJob:
    """What is known about a requestId. ``None`` where no such document exists."""

    battle: Document | None
    """Anybody's battle of this requestId."""
    job: Document | None
    """The player's own job of this requestId."""


@dataclass(frozen=True, slots=True)
class BattleJobAndMode(BattleAndJob):
    """What must be read to accept a battle."""

    mode: Document | None
    """The mode it would be fought in, by key or else by arena and league."""


@dataclass(frozen=True, slots=True)
class JobKey:
    """One round of one job. A job that was refused and is queued again begins a new round."""

    telegram_id: str
    request_id: str
    round: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Queued jobs of one arena and league."""

    jobs: int = 0
    since: datetime | None = None
    """When the oldest of them was accepted."""

    def oldest_seconds(self, now: datetime) -> float | None:
        """How long that one has waited. Not below zero: another environment's clock accepted it."""
        return None if self.since is None else max(0.0, (now - self.since).total_seconds())


class BattleJobs(Protocol):
    """Queued battles. Each method is one round trip and may raise ``Unavailable``."""

    def intake(self, command: BattleCommand, arena: str, league: str) -> BattleJobAndMode:
        """``arena`` and ``league`` are those asked for, or the defaults."""

    def look(self, telegram_id: str, request_id: str) -> BattleAndJob: ...

    def add(self, job: Document) -> Document:
        """The player's job of this requestId: ``job`` if there was none before."""

    def begin_round(self, key: JobKey, fields: Document) -> Document | None:
        """Queues a refused or failed job of round ``key.round`` again; the job as it then is.

        ``fields`` take the place of its own, and its error is forgotten. None when it is no longer of that round.
        """

    def claim(self, key: JobKey, now: datetime, due_at: datetime) -> int:
        """Which attempt at the job of this round this is, from 1; 0 when it no longer waits to be fought."""

    def finish(self, key: JobKey, fields: Document) -> None:
        """Ends a waiting job of this round; ``fields`` hold status, updatedAt and what there is to tell.

        A fought battle (status ``done``) ends one that ended otherwise too, and adds to one that is done what only
        its own ``fields`` tell. Nothing else happens when it was ended before.
        """

    def due(self, now: datetime, limit: int) -> list[Document]:
        """Queued jobs whose ``dueAt`` has come, the longest overdue first."""

    def postpone(self, due: Mapping[JobKey, datetime], guard: Guard | None = None) -> None:
        """Sets ``dueAt`` of jobs that are still queued in that round, and counts their being sent again.

        With a ``guard`` only the newest holder of its lock does so; any other gets ``FencedOut``.
        """

    def queued(self) -> Mapping[tuple[str, str], Waiting]:
        """Those queued, by (arena, league)."""


class Fights(Protocol):
    """Fights battles."""

    def run(self, command: BattleCommand) -> BattleResult:
        """Raises the game's refusals and ``Unavailable``."""
