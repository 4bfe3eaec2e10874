"""The regions as one of them sees them: roles, how long events from each take, what waits to be sent to each. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.replication.lag import PairLag, lags
from chalicelib.replication.outbox_ports import Waiting
from chalicelib.replication.regions import Role

EVENTS_LOOKED_AT: Final = 2000
RECENT: Final = timedelta(days=1)
CONFLICTS_COUNTED: Final = 1000
"""Recent conflicts are counted up to here."""
FATES: Final = ("applied", "duplicate", "again", "dead")
_NOTHING: Final = Waiting(events=0, oldest_at=None, set_aside=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a region counted of its exchange with another, since it counts."""

    sent: int
    failed: int
    """Runs of the publisher that ended early there."""
    received: Mapping[str, int]
    """By fate."""


def overview(
    own: str,
    roles: Mapping[str, Role],
    applied: Sequence[Mapping[str, Any]],
    waiting: Mapping[str, Waiting],
    now: datetime,
) -> list[dict[str, Any]]:
    """By priority, as JSON.

    ``applied``: newest events of other regions that ``own`` applied: {region, occurredAt, appliedAt}. ``waiting``: by
    region, what ``own`` has not sent there. ``from`` and ``to`` of ``own`` are None.
    """
    found = _pairs(own, roles, applied, waiting, now)
    told = []
    for priority, role in enumerate(roles.values(), 1):
        coming, going = found.get((role.region, own)), found.get((own, role.region))
        told.append(
            {
                "region": role.region,
                "priority": priority,
                "servedBy": role.served_by,
                "epoch": role.epoch,
                "url": role.url,
                "from": coming
                and {
                    "events": coming.events,
                    "p50Seconds": coming.p50_seconds,
                    "p99Seconds": coming.p99_seconds,
                    "leastSeconds": coming.least_seconds,
                },
                "to": going
                and {
                    "waiting": going.waiting,
                    "oldestSeconds": going.oldest_seconds,
                    "setAside": going.set_aside,
                },
            }
        )
    return told


def exchanged(
    own: str,
    applied: Sequence[Mapping[str, Any]],
    waiting: Mapping[str, Waiting],
    counted: Mapping[str, Counted] | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """What ``own`` and each region of ``waiting`` told each other, as JSON; ``applied`` as in ``overview``.

    ``counted`` is None where the region's metrics do not answer.
    """
    found = _pairs(own, [own, *waiting], applied, waiting, now)
    told = []
    for region in waiting:
        coming, going = found[region, own], found[own, region]
        count = None if counted is None else counted[region]
        told.append(
            {
                "region": region,
                "sent": count and count.sent,
                "setAside": going.set_aside,
                "failed": count and count.failed,
                "waiting": going.waiting,
                "oldestSeconds": going.oldest_seconds,
                "received": count and {fate: count.received.get(fate, 0) for fate in FATES},
                "lag": {
                    "p50Seconds": coming.p50_seconds,
                    "p99Seconds": coming.p99_seconds,
                    "events": coming.events,
                },
            }
        )
    return told


def _pairs(
    own: str,
    regions: Collection[str],
    applied: Sequence[Mapping[str, Any]],
    waiting: Mapping[str, Waiting],
    now: datetime,
) -> dict[tuple[str, str], PairLag]:
    seen: dict[str, Sequence[Mapping[str, Any]]] = {region: [] for region in regions} | {own: applied}
    pairs = {
        (source, target): waiting.get(target, _NOTHING) if source == own else _NOTHING
        for source in regions
        for target in regions
        if source != target
    }
    return {(pair.source, pair.target): pair for pair in lags(seen, pairs, now)}
