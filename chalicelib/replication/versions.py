"""Versions of fields: hybrid logical clocks, as text that sorts like time.

A version is 12 hex digits of milliseconds since 1970, 4 of a counter and 1 of the region's rank (S. Kulkarni et al.,
"Logical Physical Clocks", OPODIS 2014). A write's version is above every version its writer had read of what it
writes, whatever the clocks of two environments or regions say; so order never depends on clocks, only ties between
writers who had not heard of each other do.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from chalicelib.errors import ArenaError

NEVER: Final = ""
"""Below every version: what no region has written since replication began (seeds, defaults)."""
LENGTH: Final = 17
_COUNTER_MAX: Final = 0xFFFF
_RANK_MAX: Final = 15


class MalformedVersion(ArenaError):
    """Text that is no version."""

    status = 400
    default_code = "malformed_version"


def next_version(now: datetime, seen: Iterable[str], rank: int) -> str:
    """A version above all of ``seen`` and, clocks permitting, of the time ``now``. ``rank``: 0 to 15, the region's."""
    if not 0 <= rank <= _RANK_MAX:
        raise ValueError(f"a region's rank is 0 to {_RANK_MAX}, found {rank}")
    latest = max(seen, default=NEVER)
    moment = int(now.timestamp() * 1000)
    counter = 0
    if latest:
        known = milliseconds(latest)
        if known >= moment:
            moment, counter = known, int(latest[12:16], 16) + 1
    if counter > _COUNTER_MAX:
        moment, counter = moment + 1, 0
    return f"{moment:012x}{counter:04x}{rank:x}"


def milliseconds(version: str) -> int:
    """The time in a version, milliseconds since 1970."""
    return int(version[:12], 16)


def rank_of(version: str) -> int:
    """The rank of the region that wrote a version; -1 for ``NEVER``."""
    return int(version[16], 16) if version else -1


def sequence_of(version: str) -> int:
    """A number that rises with a version: milliseconds and counter, without the rank."""
    return int(version[:16], 16)


def well_formed(version: object) -> bool:
    """Whether it is a version, ``NEVER`` not included."""
    if not isinstance(version, str) or len(version) != LENGTH:
        return False
    return all(digit in "0123456789abcdef" for digit in version)
