"""Which emission stripe a request uses: the one its environment used last, and others when that one is held up.

A transaction whose client died keeps what it wrote locked until the server gives it up (its transaction
lifetime limit). Were a retry to insist on the same stripe, one crash would hold up every environment that
prefers it. Any stripe may be used by anyone: the cap holds whoever spends where.
"""

import random
from collections.abc import Iterator
from itertools import count

from chalicelib.arena.emission import STRIPES


def any_stripe() -> int:
    """A stripe for an environment to begin with: drawn at random, so that environments spread out."""
    return random.randrange(STRIPES)


def stripes_to_try(preferred: int) -> Iterator[int]:
    """One stripe per attempt at a transaction: ``preferred`` first, then the ones after it, for ever."""
    return (number % STRIPES for number in count(preferred))
