"""What becomes of a queued battle that was given up when its message is sent back: it depends on its job.

Giving a battle up fails its job, and its player is told so; the message alone would then come to nothing, because it
names a round that is over. So a failed job begins its next round, as if its player had queued it again, and the
message of that round is sent. Whatever else may have happened meanwhile (fought directly, queued again, refused), the
battle's requestId makes one battle of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_jobs import FAILED, QUEUED, IllegibleMessage, QueuedBattle
from chalicelib.arena.battle_queue_ports import BattleAndJob, BattleJobs
from chalicelib.arena.battle_service import DEFAULT_ARENA, DEFAULT_LEAGUE
from chalicelib.arena.dead_letters import DeadLetter, Verdict, oldest_first

_NOTHING: Final = "sent back it comes to nothing"


class BattleReplay:
    """``dead_letters.Judge`` of the battle queue."""

    def __init__(self, jobs: BattleJobs) -> None:
        self._jobs = jobs

    def judged(self, letters: Sequence[DeadLetter], now: datetime) -> list[Verdict]:  # noqa: ARG002 (the protocol's)
        return [self._verdict(letter) for letter in oldest_first(letters)]

    def body(self, verdict: Verdict, now: datetime) -> str:
        queued = battle_jobs.from_message(verdict.letter.body)
        command = queued.command
        found = self._jobs.intake(command, command.arena or DEFAULT_ARENA, command.league or DEFAULT_LEAGUE)
        if found.battle is None and found.job is not None and _has_failed(found.job, queued):
            fields = battle_jobs.new_round(command, found.mode, queued.correlation_id, now)
            begun = self._jobs.begin_round(queued.key, fields)
            if begun is not None:
                return battle_jobs.to_message(begun)
        return verdict.letter.body

    def _verdict(self, letter: DeadLetter) -> Verdict:
        try:
            queued = battle_jobs.from_message(letter.body)
        except IllegibleMessage as error:
            return Verdict(letter=letter, fate="refused", why=f"illegible: {error}")
        found = self._jobs.look(queued.command.telegram_id, queued.command.request_id)
        what = {
            "round": queued.round,
            "arena": queued.command.arena,
            "league": queued.command.league,
            "modeKey": queued.command.mode_key,
            "acceptedAt": queued.accepted_at,
            "correlationId": queued.correlation_id,
            "status": None if found.job is None else found.job["status"],
        }
        if found.battle is None and found.job is None:
            why = f"its job is forgotten after {battle_jobs.LIFETIME.days} days: nobody asks for it any more"
            return Verdict(letter=letter, fate="refused", why=why, what=what)
        return Verdict(letter=letter, fate="replay", why=_why(found, queued), what=what)


def _why(found: BattleAndJob, queued: QueuedBattle) -> str:
    job = found.job
    if found.battle is not None or job is None:
        return f"it is fought: {_NOTHING}"
    if _has_failed(job, queued):
        return f"it failed: queued anew as round {queued.round + 1}"
    if job["status"] == QUEUED and job["round"] == queued.round:
        return "it waits still: fought when it comes"
    return f"its job is {job['status']} in round {job['round']}: {_NOTHING}"


def _has_failed(job: dict[str, Any], queued: QueuedBattle) -> bool:
    return bool(job["status"] == FAILED and job["round"] == queued.round)
