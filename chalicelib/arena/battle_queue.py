"""Queueing battles: accepting them, telling what became of them, and minding that none is forgotten.

The job is stored before its message is sent. Who dies in between leaves a queued job without a message, which
``sweep`` sends again; so a message may come twice, and the battle's unique requestId makes one battle of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_queue_ports import BattleJobs, MessageQueue, OutgoingMessage, Waiting
from chalicelib.arena.battle_service import DEFAULT_ARENA, DEFAULT_LEAGUE
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.locks import Guard

SWEEP_MAX: Final = 500
"""Jobs one sweep sends again; the rest is the next one's."""

COUNTED_KEPT: Final = timedelta(seconds=5)
"""How long what was counted is told again: whoever may ask can't make the database count more often."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    due: int
    """At most ``SWEEP_MAX``; as many as that means there may be more."""
    resent: int


class BattleQueue:
    """Queued battles. Without a ``queue`` nothing can be queued, but fought battles can be asked about."""

    def __init__(self, jobs: BattleJobs, catalogue: CatalogueQueries, queue: MessageQueue | None, clock: Clock) -> None:
        self._jobs = jobs
        self._catalogue = catalogue
        self._queue = queue
        self._clock = clock
        self._counted: tuple[datetime, Mapping[tuple[str, str], Waiting]] | None = None

    def accept(self, command: BattleCommand, correlation_id: str) -> str:
        """Queues the battle; the status it then has: ``queued``, or ``done`` when it was fought already.

        Parameters are not compared: while a requestId is queued, it is fought as it was queued first. One that was
        refused or failed is queued anew. Raises ``Conflict("requestId already used")`` when it is another player's
        battle, ``Unavailable("queue_unavailable")`` when the message can't be sent: the job is stored then and is
        sent by a later call, or by ``sweep``.
        """
        queue = self._required_queue()
        intake = self._jobs.intake(command, command.arena or DEFAULT_ARENA, command.league or DEFAULT_LEAGUE)
        if intake.battle is not None:
            if intake.battle.get("ownerTelegramId") != command.telegram_id:
                raise Conflict("requestId already used")
            if not battle_jobs.in_hands(intake.job):
                return battle_jobs.DONE
        now = self._clock()
        job = intake.job or self._jobs.add(battle_jobs.new_job(command, intake.mode, correlation_id, now))
        if job["status"] in (battle_jobs.REFUSED, battle_jobs.FAILED):
            fields = battle_jobs.new_round(command, intake.mode, correlation_id, now)
            begun = self._jobs.begin_round(battle_jobs.key_of(job), fields)
            if begun is None:
                # Another request has just queued it anew, and sends it.
                return battle_jobs.QUEUED
            job = begun
        if job["status"] == battle_jobs.DONE:
            return battle_jobs.DONE
        queue.send(battle_jobs.to_message(job))
        return battle_jobs.QUEUED

    def status(self, telegram_id: str, request_id: str) -> Document:
        """``requestId``, ``status`` and by it ``battle`` or ``error``; battles fought directly included.

        Raises ``NotFound("battle not found")`` when the player has neither battle nor job of this requestId.
        """
        found = battle_jobs.report(request_id, self._jobs.look(telegram_id, request_id), telegram_id)
        if found is None:
            raise NotFound("battle not found")
        return found

    def of(self, telegram_id: str, request_id: str) -> Mapping[str, Any] | None:
        """``live_ports.Outcomes``: ``status`` with ``battle`` or ``error``; None while nothing is decided."""
        found = battle_jobs.report(request_id, self._jobs.look(telegram_id, request_id), telegram_id)
        if found is None or found["status"] == battle_jobs.QUEUED:
            return None
        return {name: value for name, value in found.items() if name != "requestId"}

    def sweep(self, guard: Guard | None = None) -> Swept:
        """Sends again what has waited too long.

        Raises ``Unavailable``, and ``FencedOut`` when ``guard``'s lock has a newer holder: what was sent by then may be
        sent again by that one, which makes no second battle.
        """
        queue = self._required_queue()
        now = self._clock()
        due = {battle_jobs.key_of(job): job for job in self._jobs.due(now, SWEEP_MAX)}
        messages = {key: OutgoingMessage(battle_jobs.to_message(job)) for key, job in due.items()}
        refused = queue.send_batch(list(messages.values())) if messages else []
        sent = [key for key, message in messages.items() if message not in refused]
        if sent:
            self._jobs.postpone({key: battle_jobs.next_look(due[key], now) for key in sent}, guard)
        return Swept(due=len(due), resent=len(sent))

    def waiting(self) -> Mapping[tuple[str, str], Waiting]:
        """Queued jobs by (arena, league), none for every pair that has an enabled mode. Raises ``Unavailable``."""
        pairs = {battle_jobs.labels(mode) for mode in self._catalogue.enabled_modes(None, None)}
        return dict(sorted({**dict.fromkeys(pairs, Waiting()), **self._jobs.queued()}.items()))

    def recently_waiting(self) -> Mapping[tuple[str, str], Waiting]:
        """``waiting``, at most ``COUNTED_KEPT`` old. Raises ``Unavailable``."""
        now = self._clock()
        if self._counted is None or not timedelta(0) <= now - self._counted[0] < COUNTED_KEPT:
            self._counted = (now, self.waiting())
        return self._counted[1]

    def lengths(self) -> Mapping[tuple[str, str], int]:
        """How many jobs are ``waiting``. Raises ``Unavailable``."""
        return {pair: found.jobs for pair, found in self.waiting().items()}

    def _required_queue(self) -> MessageQueue:
        if self._queue is None:
            raise Unavailable("queue_unavailable", "there is no battle queue here")
        return self._queue
