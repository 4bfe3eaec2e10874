"""Versions of fields: hybrid logical clocks, as text that sorts like time.

A version is 12 hex digits of milliseconds since 1970, 4 of a counter and 1 of the region's rank (S. Kulkarni et al.,
"Logical Physical Clocks", OPODIS 2014). A write's version is above every version its writer had read of what it
writes, whatever the clocks of two environments or regions say; so order never depends on clocks, only ties between
writers who had not heard of each other do.

A *stamp* says which writes of a field are known: the latest version of each region that wrote it, highest first,
separated by spaces. The first of it is the version of the value; the whole of it tells a write that was replaced by
somebody who had read it from one that lost against somebody who had not.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.errors import ArenaError

NEVER: Final = ""
"""Below every version: what no region has written since replication began (seeds, defaults)."""
LENGTH: Final = 17
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_COUNTER_MAX: Final = 0xFFFF
_RANK_MAX: Final = 15


class MalformedVersion(ArenaError):
    """Text that is no version."""

    status = 400
    default_code = "malformed_version"


def next_version(now: datetime, seen: Iterable[str], rank: int) -> str:
    """A version above all of ``seen`` (versions or stamps) and, clocks permitting, of the time ``now``.

    ``rank``: 0 to 15, the region's.
    """
    if not 0 <= rank <= _RANK_MAX:
        raise ValueError(f"a region's rank is 0 to {_RANK_MAX}, found {rank}")
    latest = max(seen, default=NEVER)
    moment = (now - _EPOCH) // timedelta(milliseconds=1)
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


def sequence_of(version: str) -> str:
    """What rises with a region's versions: milliseconds and counter, without the rank. Text: no JSON number is exact
    that far."""
    return version[:16]


def joined(one: str, other: str) -> str:
    """The stamp of whoever knows what both stamps say."""
    if not one or not other or one == other:
        return one or other
    latest: dict[str, str] = {}
    for version in f"{one} {other}".split(" "):
        latest[version[16]] = max(version, latest.get(version[16], NEVER))
    return " ".join(sorted(latest.values(), reverse=True))


def newest_of(stamp: str) -> str:
    """The version of the value a stamp stands beside."""
    return stamp[:LENGTH]


def covers(stamp: str, version: str) -> bool:
    """Whether whoever has ``stamp`` knows the write of ``version``: that one, or a later one of its region."""
    return any(known[16] == version[16] and known >= version for known in stamp.split(" ") if known)


def well_formed(version: object) -> bool:
    """Whether it is a version, ``NEVER`` not included."""
    if not isinstance(version, str) or len(version) != LENGTH:
        return False
    return all(digit in "0123456789abcdef" for digit in version)
