"""What regions are made of, so that a test can put a broken piece into each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from chalicelib.arena.ports import Write
from chalicelib.replication.applying import remembered
from chalicelib.replication.capture import Recorder
from chalicelib.replication.ports import Event
from chalicelib.replication.replica import MEANINGS, Meanings
from chalicelib.replication.signing import Keyring

KEYS: Final[Mapping[str, bytes]] = {"first": b"1" * 32, "second": b"2" * 32}
"""Two, as while they are being changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The pieces every region of a history works with."""

    recorder: Callable[..., Recorder] = Recorder
    keyring: Callable[[Mapping[str, bytes]], Keyring] = Keyring
    meanings: Meanings = field(default=MEANINGS)
    remember: Callable[[Sequence[Event], datetime], Sequence[Write]] = remembered
    mark: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]] = lambda sent, _claimed: sent
    """Which of the claimed events a publisher takes off its list, given those it has sent."""


SOUND: Final = Parts()
