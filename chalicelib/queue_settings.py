"""The part of the settings that says where the region's queues are."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

QUEUES: Final = ("battles", "live", "outbox", "replication")
"""As the application calls them."""
_PREFIXES: Final = ("ARENA_BATTLE", "ARENA_LIVE", "ARENA_OUTBOX", "ARENA_REPLICATION")
QUEUE_KEYS: Final = tuple(f"{prefix}_{kind}_URL" for prefix in _PREFIXES for kind in ("QUEUE", "DLQ"))

_URL: Final = re.compile(r"https?://[^\s?#]+")

Problem = Callable[[str, str, str], None]
"""Reports a key, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True)
class QueueUrls:
    """One queue's. None in functions that have nothing to do with it, and where there is none."""

    messages: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """The region's queues, each with its dead letters."""

    battles: QueueUrls = field(default_factory=QueueUrls)
    live: QueueUrls = field(default_factory=QueueUrls)
    outbox: QueueUrls = field(default_factory=QueueUrls)
    replication: QueueUrls = field(default_factory=QueueUrls)

    def all(self) -> dict[str, QueueUrls]:
        """By name, in the order of ``QUEUES``."""
        return {name: getattr(self, name) for name in QUEUES}


def read_queue_settings(environ: Mapping[str, str], problem: Problem) -> QueueSettings:
    """The settings in ``environ``; whatever is wrong with them is told to ``problem``."""
    found = {
        name: QueueUrls(_url(f"{prefix}_QUEUE_URL", environ, problem), _url(f"{prefix}_DLQ_URL", environ, problem))
        for name, prefix in zip(QUEUES, _PREFIXES, strict=True)
    }
    return QueueSettings(**found)


def _url(key: str, environ: Mapping[str, str], problem: Problem) -> str | None:
    value = environ.get(key, "").strip().rstrip("/")
    if value and not _URL.fullmatch(value):
        problem(key, repr(value), "an http or https URL of a queue")
    return value or None
