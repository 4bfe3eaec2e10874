"""Leases in Redis: one key each, whose value is its holder's random token and whose time to live is the term."""

import contextlib
from typing import Final

from chalicelib.cache.door import CacheUnavailable, RedisDoor, load_script
from chalicelib.cache.keys import LOCK
from chalicelib.locks import Kept, Taken

EXTEND: Final = load_script("lock_extend")
RELEASE: Final = load_script("lock_release")


class RedisLeases:
    """``locks.Leases``."""

    def __init__(self, door: RedisDoor, database: str) -> None:
        self._door = door
        self._database = database

    def take(self, name: str, token: str, milliseconds: int) -> Taken:
        try:
            stored = self._door.execute("SET", self._key(name), token, "NX", "PX", milliseconds)
        except CacheUnavailable:
            return "unknown"
        return "busy" if stored is None else "taken"

    def extend(self, name: str, token: str, milliseconds: int) -> Kept:
        try:
            extended = self._door.script(EXTEND, [self._key(name)], [token, milliseconds])
        except CacheUnavailable:
            return "unknown"
        return "kept" if extended else "lost"

    def release(self, name: str, token: str) -> None:
        with contextlib.suppress(CacheUnavailable):
            self._door.script(RELEASE, [self._key(name)], [token])

    def _key(self, name: str) -> str:
        return LOCK.key(self._database, name=name)
