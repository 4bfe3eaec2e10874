"""Queued battles on MongoDB."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import DONE, FAILED, QUEUED, REFUSED
from chalicelib.arena.battle_queue_ports import BattleAndJob, BattleJobAndMode, JobKey, Waiting
from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data import battle_job_queries as queries
from chalicelib.data.fences import FencedUpdates
from chalicelib.data.operations import Operations, Update, UpdateReturning
from chalicelib.locks import Guard

_NO_LONGER_DUE = {"dueAt": ""}


class MongoBattleJobs:
    """``battle_queue_ports.BattleJobs`` on MongoDB."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self._fenced = FencedUpdates(operations)

    def intake(self, command: BattleCommand, arena: str, league: str) -> BattleJobAndMode:
        (found,) = self._operations.execute(queries.intake(command, arena, league))
        return BattleJobAndMode(_only(found["battle"]), _only(found["job"]), _only(found["mode"]))

    def look(self, telegram_id: str, request_id: str) -> BattleAndJob:
        (found,) = self._operations.execute(queries.look(telegram_id, request_id))
        return BattleAndJob(_only(found["battle"]), _only(found["job"]))

    def add(self, job: Document) -> Document:
        where = {"ownerTelegramId": job["ownerTelegramId"], "requestId": job["requestId"]}
        fields = {name: value for name, value in job.items() if name not in where}
        stored = self._operations.execute(
            UpdateReturning(Change(queries.COLLECTION, where, {"$setOnInsert": fields}, upsert=True))
        )
        if stored is None:
            raise RuntimeError("an upsert returned nothing")
        return stored

    def begin_round(self, key: JobKey, fields: Document) -> Document | None:
        change = {"$set": fields, "$inc": {"round": 1}, "$unset": {"error": "", "reason": ""}}
        return self._change(key, (REFUSED, FAILED), change)

    def claim(self, key: JobKey, now: datetime, due_at: datetime) -> int:
        change = {"$set": {"updatedAt": now, "dueAt": due_at}, "$inc": {"attempts": 1}}
        job = self._change(key, (QUEUED,), change)
        return 0 if job is None else int(job["attempts"])

    def finish(self, key: JobKey, fields: Document) -> None:
        fought = fields["status"] == DONE
        change: dict[str, Any] = {"$set": fields, "$unset": _NO_LONGER_DUE}
        if fought:
            change["$unset"] = {**_NO_LONGER_DUE, "error": "", "reason": ""}
        waiting = (QUEUED, REFUSED, FAILED, DONE) if fought else (QUEUED,)
        self._operations.execute(Update([Change(queries.COLLECTION, _where(key, waiting), change)]))

    def due(self, now: datetime, limit: int) -> list[Document]:
        return self._operations.execute(queries.due(now, limit))

    def postpone(self, due: Mapping[JobKey, datetime], guard: Guard | None = None) -> None:
        changes = [
            Change(queries.COLLECTION, _where(key, (QUEUED,)), {"$set": {"dueAt": due_at}, "$inc": {"resent": 1}})
            for key, due_at in due.items()
        ]
        self._fenced.update(guard, changes)

    def queued(self) -> Mapping[tuple[str, str], Waiting]:
        found = self._operations.execute(queries.queued())
        return {(row["_id"]["arena"], row["_id"]["league"]): Waiting(int(row["jobs"]), row["since"]) for row in found}

    def _change(self, key: JobKey, states: tuple[str, ...], change: Mapping[str, Any]) -> Document | None:
        return self._operations.execute(UpdateReturning(Change(queries.COLLECTION, _where(key, states), change)))


def _where(key: JobKey, states: tuple[str, ...]) -> dict[str, Any]:
    return {
        "ownerTelegramId": key.telegram_id,
        "requestId": key.request_id,
        "round": key.round,
        "status": {"$in": list(states)},
    }


def _only(found: list[Document]) -> Document | None:
    return found[0] if found else None
