"""Fighting queued battles, one message at a time.

Whatever repeats is harmless: a message that comes twice finds its job ended, or its battle fought. A worker that
dies leaves its messages to be delivered again. What can't be fought goes to the dead-letter queue with the reason.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Literal

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_jobs import IllegibleMessage, QueuedBattle
from chalicelib.arena.battle_queue_ports import BattleJobs, Fights, MessageQueue
from chalicelib.arena.live_ports import LiveQueue
from chalicelib.clock import Clock
from chalicelib.errors import ArenaError, Unavailable

ATTEMPTS_MAX: Final = 5
"""A message that is tried for the fifth time in vain is given up."""

_CLIENT_ERRORS: Final = range(400, 500)
_LOST_RACE: Final = "conflict"
"""The one client error that says nothing about the battle: too many others took the same keys."""


@dataclass(frozen=True, slots=True)
class DeliveredMessage:
    """A message as the queue delivers it."""

    body: str
    message_id: str
    receives: int
    """How often it has been delivered, this time included, and whether or not there was time for it."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a message that is done with."""

    outcome: Literal["done", "refused", "stale", "dead"]
    """stale: its job ended before. dead: it is in the dead-letter queue."""
    code: str = ""
    """Of the refusal."""
    reason: str = ""
    """Why it is dead."""


class BattleWorker:
    """Handles messages of the battle queue. ``budget`` bounds all that one message asks of the database."""

    def __init__(
        self,
        fights: Fights,
        jobs: BattleJobs,
        dead_letters: MessageQueue,
        live: LiveQueue | None,
        clock: Clock,
        budget: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._fights = fights
        self._jobs = jobs
        self._dead_letters = dead_letters
        self._live = live
        self._clock = clock
        self._budget = budget

    def handle(self, delivery: DeliveredMessage) -> Handled:
        """Fights the battle, or says why not.

        Raises whatever went wrong when the message is to be delivered again.
        """
        with self._budget():
            try:
                queued = battle_jobs.from_message(delivery.body)
            except IllegibleMessage as error:
                return self._bury(delivery, None, delivery.receives, f"illegible: {error}")
            return self._claim_and_fight(delivery, queued)

    def _claim_and_fight(self, delivery: DeliveredMessage, queued: QueuedBattle) -> Handled:
        now = self._clock()
        tries = delivery.receives
        try:
            # Duplicates of the message are attempts at the job, but not at this message; a delivery there was no time
            # for is neither.
            tries = min(tries, self._jobs.claim(queued.key, now, now + battle_jobs.IN_HANDS))
            if 0 < tries <= ATTEMPTS_MAX:
                return self._fight(queued)
        except Exception as error:
            if tries < ATTEMPTS_MAX:
                raise
            return self._bury(delivery, queued, tries, _words(error))
        if tries == 0:
            # Whoever ended the job may have died before announcing it.
            self._announce(queued)
            return Handled("stale")
        # Nobody lived to say what went wrong the last time.
        return self._bury(delivery, queued, tries, f"not finished in {ATTEMPTS_MAX} attempts")

    def _fight(self, queued: QueuedBattle) -> Handled:
        try:
            result = self._fights.run(queued.command)
        except ArenaError as error:
            if error.status not in _CLIENT_ERRORS or error.code == _LOST_RACE:
                raise
            self._jobs.finish(queued.key, battle_jobs.refused(error, self._clock()))
            handled = Handled("refused", code=error.code)
        else:
            self._jobs.finish(queued.key, battle_jobs.done(result, self._clock()))
            handled = Handled("done")
        self._announce(queued)
        return handled

    def _bury(self, delivery: DeliveredMessage, queued: QueuedBattle | None, tries: int, reason: str) -> Handled:
        """Puts the message on the dead-letter queue, then fails its job.

        In this order: who dies in between leaves a queued job, which the sweep sends again.
        """
        reason = battle_jobs.reason_text(reason)
        self._dead_letters.send(
            delivery.body,
            attributes={
                "reason": reason,
                "attempts": str(tries),
                "sourceMessageId": delivery.message_id,
            },
        )
        if queued is None:
            return Handled("dead", reason=reason)
        try:
            self._jobs.finish(queued.key, battle_jobs.failed(reason, self._clock()))
        except Unavailable:
            # Delivered again it would only be buried again. The job stays queued and is swept.
            return Handled("dead", reason=reason)
        self._announce(queued)
        return Handled("dead", reason=reason)

    def _announce(self, queued: QueuedBattle) -> None:
        if self._live is not None:
            self._live.result(queued.command.telegram_id, queued.command.request_id)


def _words(error: Exception) -> str:
    code = error.code if isinstance(error, ArenaError) else type(error).__name__
    return f"{code}: {error}"
