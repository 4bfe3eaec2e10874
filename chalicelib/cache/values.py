"""Typed values in Redis that may be missing at any time: whatever goes wrong is a miss, or a write that did not happen.

::

    pages = Values[Page](door, prefix="arena:page:", codec=PageCodec())
    pages.set("all", page, seconds=5)
    pages.get("all")              # the page, or None: never stored, expired, unreadable, or Redis is away
    pages.get_all(["all", "league:pro"])

Keys are ``prefix`` + name; names with a common hash tag share a slot (``keys.tag``). Several names cost one round trip
per node, names of one slot one command.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from chalicelib.cache.counters import CacheObserver, NoObserver
from chalicelib.cache.door import CacheUnavailable, Command, RedisDoor
from chalicelib.cache.slots import slot_of

T = TypeVar("T")


class Codec(Protocol[T]):
    """How a value is written."""

    def encode(self, value: T) -> str: ...

    def decode(self, text: str) -> T:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` for what it did not write."""


class JsonCodec:
    """Values of JSON's own types."""

    def encode(self, value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    def decode(self, text: str) -> Any:
        return json.loads(text)


class Values(Generic[T]):
    """Values of one kind. ``door`` None: there is no Redis, and everything is a miss."""

    def __init__(
        self,
        door: RedisDoor | None,
        prefix: str,
        codec: Codec[T] | None = None,
        observer: CacheObserver | None = None,
    ) -> None:
        self._door = door
        self._prefix = prefix
        self._codec: Codec[T] = codec or JsonCodec()
        self._observer = observer or NoObserver()

    def get(self, name: str) -> T | None:
        return self.get_all([name]).get(name)

    def get_all(self, names: Iterable[str]) -> dict[str, T]:
        """What is there, by name."""
        found: dict[str, T] = {}
        groups = self._by_slot(names)
        commands: list[Command] = [("MGET", *keys) if len(keys) > 1 else ("GET", *keys) for keys in groups]
        for keys, answer in zip(groups, self._attempt(commands), strict=True):
            texts = answer if len(keys) > 1 and isinstance(answer, list) else [answer] * len(keys)
            for name, text in zip(keys.values(), texts, strict=True):
                value = self._decoded(text)
                self._observer.lookup(value is not None)
                if value is not None:
                    found[name] = value
        return found

    def set(self, name: str, value: T, seconds: float) -> bool:
        """Keeps ``value`` for ``seconds``. Whether Redis took it."""
        return self.set_all({name: value}, seconds)

    def set_all(self, values: Mapping[str, T], seconds: float) -> bool:
        """Keeps all of ``values`` for ``seconds`` (above 0). Whether Redis took every one."""
        if seconds <= 0:
            raise ValueError(f"a value can't be kept for {seconds} s")
        milliseconds = max(1, round(1000 * seconds))
        commands: list[Command] = [
            ("SET", self._prefix + name, self._codec.encode(value), "PX", milliseconds)
            for name, value in values.items()
        ]
        return self._all_answered(commands)

    def delete(self, *names: str) -> bool:
        """Whether Redis has none of ``names`` any more; False when it could not be told."""
        return self._all_answered([("UNLINK", *keys) for keys in self._by_slot(names)])

    def _by_slot(self, names: Iterable[str]) -> list[dict[str, str]]:
        """Names by key, those of one slot together."""
        slots: dict[int, dict[str, str]] = defaultdict(dict)
        for name in names:
            key = self._prefix + name
            slots[slot_of(key)][key] = name
        return list(slots.values())

    def _attempt(self, commands: list[Command]) -> list[Any]:
        if self._door is None:
            return [None] * len(commands)
        return self._door.attempt_all(commands)

    def _all_answered(self, commands: list[Command]) -> bool:
        if self._door is None:
            return False
        return not any(isinstance(answer, CacheUnavailable) for answer in self._door.attempt_all(commands))

    def _decoded(self, text: Any) -> T | None:
        if not isinstance(text, str):
            return None
        try:
            return self._codec.decode(text)
        except (ValueError, KeyError, TypeError):
            self._observer.undecodable()
            return None
