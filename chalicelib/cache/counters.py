"""What the cache tells of itself, to whoever counts it."""

from typing import Literal, Protocol

Outcome = Literal["ok", "error", "refused"]
"""``refused``: nobody was asked, because a breaker is open or the map names no node; ``error``: asked in vain."""


class CacheObserver(Protocol):
    """Is told what the door and the caches upon it do. Called in the request's path: be quick and never raise."""

    def command(self, name: str, seconds: float, outcome: Outcome) -> None:
        """``name``: the command, the script, or ``pipeline`` for several together."""

    def lookup(self, hit: bool) -> None:
        """A value was looked for."""

    def undecodable(self) -> None:
        """A stored value could not be decoded."""

    def breaker(self, node: str, state: str) -> None:
        """The breaker of ``node`` (``host:port``) went to ``closed``, ``open`` or ``half-open``.

        It is ``closed``, too, when the node is no longer part of the cluster.
        """

    def refresh(self, ok: bool) -> None:
        """The slot map was asked for."""


class NoObserver:
    """Counts nothing."""

    def command(self, name: str, seconds: float, outcome: Outcome) -> None:
        pass

    def lookup(self, hit: bool) -> None:
        pass

    def undecodable(self) -> None:
        pass

    def breaker(self, node: str, state: str) -> None:
        pass

    def refresh(self, ok: bool) -> None:
        pass
