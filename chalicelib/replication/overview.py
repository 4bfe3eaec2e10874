"""The regions as one of them sees them: roles, how long events from each take, what waits to be sent to each. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chalicelib.replication.lag import lags
from chalicelib.replication.outbox_ports import Waiting
from chalicelib.replication.regions import Role

EVENTS_LOOKED_AT: Final = 2000
_NOTHING: Final = Waiting(events=0, oldest_at=None, set_aside=0)


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
    seen: dict[str, Sequence[Mapping[str, Any]]] = {region: [] for region in roles} | {own: applied}
    pairs = {
        (source, target): waiting.get(target, _NOTHING) if source == own else _NOTHING
        for source in roles
        for target in roles
        if source != target
    }
    found = {(pair.source, pair.target): pair for pair in lags(seen, pairs, now)}
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
