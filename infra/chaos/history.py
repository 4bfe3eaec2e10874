"""What clients asked and were told: JSON lines, on the disk before the next thing happens."""

import json
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

DONE, REFUSED, OPEN = "done", "refused", "open"
FAILED: Final = "failed"
ASKED: Final = "asked"
ANSWERED: Final = "answered"
FAULT: Final = "fault"
TAKEOVER: Final = "takeover"
ACCEPTED: Final = 202
TOO_MANY: Final = 429


@dataclass(slots=True)
class Operation:
    """One thing a player wanted, over all its attempts. Times are seconds from the beginning of the run."""

    id: str
    """The requestId of every attempt."""
    player: str
    kind: str
    region: str
    """Where it was asked first."""
    arguments: Mapping[str, Any]
    asked_at: float
    attempts: int = 0
    unsure: int = 0
    """Attempts that may have been served without the client hearing of it."""
    outcome: str = OPEN
    """``DONE``: acknowledged. ``REFUSED``: by the game's rules. ``OPEN``: never heard."""
    accepted: bool = False
    """Whether it was taken into a queue: it must come to an end."""
    answer: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    served: str = ""
    """The region whose answer it is, once there is one for good."""
    answered_at: float = 0.0
    took: float = 0.0
    """Seconds, of the attempt that was answered for good."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """A region's players served by another one. Times are seconds from the beginning of the run."""

    of: str
    by: str
    began: float
    """When operators gave the order."""
    taken: float
    """When it was done."""
    returning: float = math.inf
    """When the order came to give them back."""
    returned: float = math.inf


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its answer."""

    at: float
    """When the answer came, or was waited for no longer."""
    seconds: float
    status: int
    """0 = no answer."""
    region: str
    code: str = ""
    served: str = ""
    """The region that says it is its answer."""

    @property
    def outcome(self) -> str:
        """``DONE``; ``REFUSED``; ``FAILED``: no answer, a failure, or the word of a gateway that knows of no arena."""
        if 200 <= self.status < 300:
            return DONE
        return REFUSED if 400 <= self.status < 500 and self.code else FAILED


class Log:
    """The file of a run. Every line is synced before ``write`` returns; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self.attempts: list[Attempt] = []

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def begin(self) -> None:
        """Second 0 is now."""
        self._began = time.monotonic()

    def now(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def write(self, event: str, **fields: Any) -> None:
        line = json.dumps({"at": self.now(), "event": event, **fields}, separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def answered(self, operation: str, attempt: Attempt, outcome: str, answer: Mapping[str, Any]) -> None:
        """Notes an attempt's end. ``outcome``: what it makes of the operation."""
        self.attempts.append(attempt)
        self.write(
            ANSWERED,
            id=operation,
            status=attempt.status,
            code=attempt.code,
            region=attempt.region,
            served=attempt.served,
            seconds=round(attempt.seconds, 3),
            outcome=outcome,
            answer=answer,
        )


def read(lines: Iterable[str]) -> list[Operation]:
    """The operations of a log, in the order they were asked; a last line cut short is left aside."""
    found: dict[str, Operation] = {}
    for line in _whole(lines):
        if line["event"] == ASKED:
            operation = found.get(line["id"])
            if operation is None:
                named = {name: line[name] for name in ("id", "player", "kind", "region", "arguments")}
                operation = found[line["id"]] = Operation(**named, asked_at=line["at"])
            operation.attempts += 1
            operation.unsure += 1
        elif line["event"] == ANSWERED:
            _answer(found[line["id"]], line)
    return list(found.values())


def _answer(operation: Operation, line: Mapping[str, Any]) -> None:
    operation.accepted |= line["status"] == ACCEPTED
    if line["outcome"] != OPEN or line["status"] == TOO_MANY:
        operation.unsure -= 1
    if line["outcome"] != OPEN:
        operation.outcome, operation.answer, operation.code = line["outcome"], line["answer"], line["code"]
        operation.served, operation.answered_at, operation.took = line["served"], line["at"], line["seconds"]


def _whole(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return
