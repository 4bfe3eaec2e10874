"""What keeps a decision from outlasting the role it rests on. Pure.

A region decides for its players by the roles in the snapshot it decides on. Failover changes a role while such
transactions are open, and a stalled process may ask to commit one at any later time. So each of them writes one of the
day's stripes, as most do anyway, and whoever fences a region writes all of them after the role (``raised``). A
transaction that saw the old role has then either written its stripe first, and the fence waits until it has ended, or
it comes later and is refused, because the stripe changed after its snapshot. docs/decisions/0019-replication.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from chalicelib.arena.emission import STRIPES
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Outcome, Update, Write
from chalicelib.arena.stripes import COLLECTION, counters

T = TypeVar("T")

APART: Final = timedelta(minutes=10)
"""More than a transaction's age and two clocks' difference: whose day has ended here may still be writing to it."""


def minding(writes: Sequence[Write], now: datetime, stripe: int) -> tuple[Write, ...]:
    """``writes``, and one to the stripe where there is none yet."""
    if any(write.collection == COLLECTION for write in writes):
        return tuple(writes)
    return (*writes, counters(utc_day(now), stripe, [("minded", 1)]))


def mindful(outcome: Outcome[T], now: datetime, stripe: int) -> Outcome[T]:
    """``outcome`` with its writes ``minding``; as it is where it writes nothing."""
    return replace(outcome, writes=minding(outcome.writes, now, stripe)) if outcome.writes else outcome


def raised(*clocks: datetime) -> list[Update]:
    """The fence's writes. ``clocks`` are what it is by each clock that may be wrong."""
    days = sorted({utc_day(now + apart) for now in clocks for apart in (-APART, APART)})
    return [counters(day, stripe, [("fences", 1)]) for day in days for stripe in range(STRIPES)]
