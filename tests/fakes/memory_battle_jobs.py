"""Queued battles in memory."""

import copy
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_queue_ports import BattleAndJob, BattleJobAndMode, JobKey, Waiting
from chalicelib.locks import Guard
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_fences import require

Document = dict[str, Any]


class MemoryBattleJobs:
    """``battle_queue_ports.BattleJobs`` for tests; battles and modes are those of ``database``."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._jobs: dict[tuple[str, str], Document] = {}
        self._lock = threading.Lock()

    def intake(self, command: BattleCommand, arena: str, league: str) -> BattleJobAndMode:
        found = self.look(command.telegram_id, command.request_id)
        wanted: Document = {"enabled": True, "arena": arena, "league": league}
        if command.mode_key is not None:
            wanted = {"key": command.mode_key, "deletedAt": None}
        modes = self._database.now().find("gamemodes", wanted)
        return BattleJobAndMode(found.battle, found.job, next(iter(modes), None))

    def look(self, telegram_id: str, request_id: str) -> BattleAndJob:
        battles = self._database.now().find("battles", {"requestId": request_id})
        with self._lock:
            return BattleAndJob(next(iter(battles), None), copy.deepcopy(self._jobs.get((telegram_id, request_id))))

    def add(self, job: Document) -> Document:
        with self._lock:
            return copy.deepcopy(self._jobs.setdefault((job["ownerTelegramId"], job["requestId"]), copy.deepcopy(job)))

    def begin_round(self, key: JobKey, fields: Document) -> Document | None:
        with self._lock:
            job = self._waiting(key, "refused", "failed")
            if job is not None:
                _forget(job, "error", "reason")
                job.update(copy.deepcopy(fields), round=job["round"] + 1)
            return copy.deepcopy(job)

    def claim(self, key: JobKey, now: datetime, due_at: datetime) -> int:
        with self._lock:
            job = self._waiting(key, "queued")
            if job is None:
                return 0
            job.update(updatedAt=now, dueAt=due_at, attempts=job["attempts"] + 1)
            return int(job["attempts"])

    def finish(self, key: JobKey, fields: Document) -> None:
        with self._lock:
            fought = fields["status"] == "done"
            job = self._waiting(key, "queued", *(("refused", "failed", "done") if fought else ()))
            if job is not None:
                _forget(job, "dueAt", *(("error", "reason") if fought else ()))
                job.update(copy.deepcopy(fields))

    def due(self, now: datetime, limit: int) -> list[Document]:
        with self._lock:
            found = [job for job in self._jobs.values() if "dueAt" in job and job["dueAt"] <= now]
            return copy.deepcopy(sorted(found, key=lambda job: job["dueAt"])[:limit])

    def postpone(self, due: Mapping[JobKey, datetime], guard: Guard | None = None) -> None:
        with self._lock:
            if guard is not None:
                require(self._database, guard)
            for key, due_at in due.items():
                job = self._waiting(key, "queued")
                if job is not None:
                    job.update(dueAt=due_at, resent=job["resent"] + 1)

    def queued(self) -> Mapping[tuple[str, str], Waiting]:
        since: dict[tuple[str, str], list[datetime]] = {}
        with self._lock:
            for job in self._jobs.values():
                if job["status"] == "queued":
                    since.setdefault((job["arena"], job["league"]), []).append(job["acceptedAt"])
        return {pair: Waiting(len(accepted), min(accepted)) for pair, accepted in since.items()}

    def _waiting(self, key: JobKey, *states: str) -> Document | None:
        job = self._jobs.get((key.telegram_id, key.request_id))
        return job if job is not None and job["round"] == key.round and job["status"] in states else None


def _forget(job: Document, *names: str) -> None:
    for name in names:
        job.pop(name, None)
