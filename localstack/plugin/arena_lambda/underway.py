"""Invocations that have yet to choose among the environments of a version: whoever drains it waits for them.

An invocation reads which version its alias points to, and a moment later which environments that version has. An alias
that moves in this moment must not find them gone.

    invocation      reads the alias          looks for an environment
    alias                          moves .............................. drains the old version
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Underway:
    """Who is between the two. Thread-safe; an invocation is one thread's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._choosing: set[object] = set()
        self._own = threading.local()

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Inside: the alias is read, and an environment looked for, unless the invocation ends before."""
        outer, token = getattr(self._own, "token", None), object()
        with self._changed:
            self._choosing.add(token)
        self._own.token = token
        try:
            yield
        finally:
            self._forget(token)
            self._own.token = outer

    def has_looked(self) -> None:
        """This thread's invocation has looked: it has an environment that was there, or starts its own."""
        self._forget(getattr(self._own, "token", None))

    def wait(self, seconds: float) -> bool:
        """Until those that are there now have looked; whether they have."""
        with self._changed:
            before = set(self._choosing)
            return self._changed.wait_for(lambda: before.isdisjoint(self._choosing), seconds)

    def _forget(self, token: object) -> None:
        with self._changed:
            self._choosing.discard(token)
            self._changed.notify_all()


UNDERWAY = Underway()
