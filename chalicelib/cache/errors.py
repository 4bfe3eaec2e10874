"""How Redis fails."""

from dataclasses import dataclass

from chalicelib.cache.slots import Address


class CacheUnavailable(Exception):
    """Redis did not answer, or was not asked; ``reason`` says why. Callers go on without it.

    Not ``tried``: its node was not even asked. Otherwise a command may have taken effect.
    """

    def __init__(self, reason: str, *, tried: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tried = tried


class CacheRefused(CacheUnavailable):
    """Redis answered with an error: wrong type, out of memory, a failing script. It did not run the command."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error, as it came."""

    code: str
    """``MOVED``, ``NOSCRIPT``, ``WRONGTYPE`` …"""
    text: str
    target: Address | None = None
    """Where MOVED and ASK send the caller."""
    slot: int = -1


class LinkBroken(Exception):
    """A connection is gone, or its deadline passed; it has been closed."""
