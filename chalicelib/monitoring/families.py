"""Every metric the arena counts, as data: its name, what it means, its labels and what values they admit.

Names, labels and buckets of the first four are the operators' guide's. ``docs/metrics.md`` says more of each.
A label admits either the values listed or, where they are not known here (routes, caches, leagues), values of a
harmless form up to a number: what is counted can't grow without bound, whoever calls.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A label whose values are known."""

    values: frozenset[str]

    def admits(self, value: str, seen: int) -> bool:  # noqa: ARG002 (as ``AtMost``)
        return value in self.values


@dataclass(frozen=True, slots=True)
class AtMost:
    """A label with at most ``most`` values in one environment, each 1 to 80 characters long."""

    most: int

    def admits(self, value: str, seen: int) -> bool:
        """``seen``: how many other values there are already."""
        return seen < self.most and _HARMLESS.fullmatch(value) is not None


_HARMLESS: Final = re.compile(r"[A-Za-z0-9 _./{}+:*-]{1,80}")
"""Routes, names of functions, leagues. Not ``|``: it parts the fields of a series' key."""

Domain = OneOf | AtMost


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric. ``labels`` are those it is counted by; ``instance`` is added where it is told."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, Domain] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, rising; one more holds the rest."""
    per_instance: bool = False
    """Told of each living environment, with a label ``instance``, and gone with it. All else is one number for the
    region, in which what environments counted that are gone stays."""
    region_name: str = ""
    """Of a histogram of each instance: the name of the region's."""


GUIDE_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
CACHE_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Seconds: a cache that takes longer than a tenth of a second is given up."""
LAG_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Seconds: the goal is two."""

ACTIVE_CONNECTIONS: Final = "aiba_active_connections"
BATTLE_QUEUE_LENGTH: Final = "aiba_battle_queue_length"
REQUEST_RATE: Final = "aiba_request_rate"
PROCESSING_LATENCY: Final = "aiba_processing_latency_seconds"
REGION_LATENCY: Final = "aiba_region_processing_latency_seconds"

HTTP_REQUESTS: Final = "aiba_http_requests_total"
CACHE_LOOKUPS: Final = "aiba_cache_lookups_total"
CACHE_COMMANDS: Final = "aiba_cache_commands_total"
CACHE_LATENCY: Final = "aiba_cache_command_seconds"
CACHE_UNDECODABLE: Final = "aiba_cache_undecodable_total"
CACHE_BREAKER: Final = "aiba_cache_breaker_open"
CACHE_BREAKER_CHANGES: Final = "aiba_cache_breaker_changes_total"
CACHE_MAP_REFRESHES: Final = "aiba_cache_map_refreshes_total"
LIMITER_DECISIONS: Final = "aiba_limiter_decisions_total"
REPLICATION_SENT: Final = "aiba_replication_sent_total"
REPLICATION_RECEIVED: Final = "aiba_replication_received_total"
REPLICATION_LAG: Final = "aiba_replication_lag_seconds"
REPLICATION_DIFFERENCES: Final = "aiba_replication_differences_total"
SAMPLES_REFUSED: Final = "aiba_metrics_samples_refused_total"

CPU_SHARE: Final = "aiba_instance_cpu_share"
MEMORY_SHARE: Final = "aiba_instance_memory_share"
BUSY_SHARE: Final = "aiba_instance_busy_share"
INSTANCES: Final = "aiba_instances"
WEBSOCKETS: Final = "aiba_websocket_connections"
REGION_REQUEST_RATE: Final = "aiba_region_request_rate"
CACHE_HIT_RATIO: Final = "aiba_cache_hit_ratio"
CACHE_MEMORY: Final = "aiba_cache_memory_used_bytes"
CACHE_OPERATIONS: Final = "aiba_cache_operations_per_second"
REPLICATION_WAITING: Final = "aiba_replication_waiting"
REPLICATION_OLDEST: Final = "aiba_replication_oldest_waiting_seconds"
REPLICATION_SET_ASIDE: Final = "aiba_replication_set_aside"

STATUS_CLASSES: Final = OneOf(frozenset({"1xx", "2xx", "3xx", "4xx", "5xx"}))
OPERATIONS: Final = AtMost(160)
"""Routes (``POST /api/battle/run``), and queues, schedules and WebSocket events (``queue battles``)."""
REGIONS: Final = AtMost(16)

_FAMILIES: Final = (
    Family(
        name=ACTIVE_CONNECTIONS,
        kind="gauge",
        help="Requests in flight of an environment; of instance websocket-gateway, open WebSocket connections.",
        per_instance=True,
    ),
    Family(
        name=BATTLE_QUEUE_LENGTH,
        kind="gauge",
        help="Battles queued and not fought yet.",
        labels={"arena": AtMost(64), "league": AtMost(64)},
    ),
    Family(
        name=REQUEST_RATE,
        kind="gauge",
        help="Requests per second an environment answered between its last two reports.",
        per_instance=True,
    ),
    Family(
        name=PROCESSING_LATENCY,
        kind="histogram",
        help="Seconds one operation took, of each living environment since it began.",
        labels={"operation": OPERATIONS},
        buckets=GUIDE_BUCKETS,
        per_instance=True,
        region_name=REGION_LATENCY,
    ),
    Family(
        name=HTTP_REQUESTS,
        kind="counter",
        help="Requests answered, by route template and class of status.",
        labels={"route": OPERATIONS, "status": STATUS_CLASSES},
    ),
    Family(
        name=CACHE_LOOKUPS,
        kind="counter",
        help="Values looked for in the cache: found, not found, or not to be had because it did not answer.",
        labels={"cache": AtMost(32), "result": OneOf(frozenset({"hit", "miss", "degraded"}))},
    ),
    Family(
        name=CACHE_COMMANDS,
        kind="counter",
        help="Commands and scripts meant for the cache: answered, sent in vain (error), not sent (refused).",
        labels={"command": AtMost(64), "outcome": OneOf(frozenset({"ok", "error", "refused"}))},
    ),
    Family(
        name=CACHE_LATENCY,
        kind="histogram",
        help="Seconds a command or script took, refused ones left out.",
        labels={"command": AtMost(64)},
        buckets=CACHE_BUCKETS,
    ),
    Family(name=CACHE_UNDECODABLE, kind="counter", help="Values of the cache that could not be decoded."),
    Family(
        name=CACHE_BREAKER,
        kind="gauge",
        help="Cache nodes an environment does not ask at present, because they did not answer.",
        per_instance=True,
    ),
    Family(
        name=CACHE_BREAKER_CHANGES,
        kind="counter",
        help="Breakers of cache nodes that went into a state.",
        labels={"state": OneOf(frozenset({"closed", "open", "half-open"}))},
    ),
    Family(
        name=CACHE_MAP_REFRESHES,
        kind="counter",
        help="Times the cluster's slot map was asked for.",
        labels={"outcome": OneOf(frozenset({"ok", "error"}))},
    ),
    Family(
        name=LIMITER_DECISIONS,
        kind="counter",
        help="Requests a rate limit admitted or refused; degraded: decided without the shared state.",
        labels={
            "limit": AtMost(32),
            "decision": OneOf(frozenset({"admitted", "refused"})),
            "degraded": OneOf(frozenset({"true", "false"})),
        },
    ),
    Family(
        name=REPLICATION_SENT,
        kind="counter",
        help="Events for another region: sent, set aside because they can't be, or a run that failed there.",
        labels={"target": REGIONS, "outcome": OneOf(frozenset({"sent", "set_aside", "failed"}))},
    ),
    Family(
        name=REPLICATION_RECEIVED,
        kind="counter",
        help="Events of another region by what became of them; of source unknown, what was not believed.",
        labels={"source": REGIONS, "fate": OneOf(frozenset({"applied", "duplicate", "again", "dead"}))},
    ),
    Family(
        name=REPLICATION_LAG,
        kind="histogram",
        help="Seconds from an event's commit in its region to its application here, by the two regions' clocks.",
        labels={"source": REGIONS},
        buckets=LAG_BUCKETS,
    ),
    Family(
        name=REPLICATION_DIFFERENCES,
        kind="counter",
        help="Documents found to differ from another region's, each time they were looked at.",
    ),
    Family(
        name=SAMPLES_REFUSED,
        kind="counter",
        help="Samples not counted because a label's value was not admitted.",
        labels={"metric": AtMost(64)},
    ),
    Family(
        name=CPU_SHARE,
        kind="gauge",
        help="CPU seconds used per second and vCPU an environment's memory size gives it, 1 = all of it.",
        per_instance=True,
    ),
    Family(
        name=MEMORY_SHARE,
        kind="gauge",
        help="Resident memory of an environment by its memory size.",
        per_instance=True,
    ),
    Family(
        name=BUSY_SHARE,
        kind="gauge",
        help="Requests in flight of an environment on average between its last two reports.",
        per_instance=True,
    ),
    Family(
        name=INSTANCES,
        kind="gauge",
        help="Environments that reported lately, by function and how they were started.",
        labels={"function": AtMost(64), "initialization": AtMost(8)},
    ),
    Family(name=WEBSOCKETS, kind="gauge", help="Open WebSocket connections of the region."),
    Family(name=REGION_REQUEST_RATE, kind="gauge", help="Requests per second of the region over the last minute."),
    Family(name=CACHE_HIT_RATIO, kind="gauge", help="Hits by lookups of the region over the last minute."),
    Family(
        name=CACHE_MEMORY,
        kind="gauge",
        help="Memory a master of the cache uses.",
        labels={"node": AtMost(64)},
    ),
    Family(
        name=CACHE_OPERATIONS,
        kind="gauge",
        help="Commands a master of the cache carries out per second, as it says itself.",
        labels={"node": AtMost(64)},
    ),
    Family(
        name=REPLICATION_WAITING,
        kind="gauge",
        help="Committed events that another region has not been sent.",
        labels={"target": REGIONS},
    ),
    Family(
        name=REPLICATION_OLDEST,
        kind="gauge",
        help="Seconds since the oldest of them was committed; 0 when there are none.",
        labels={"target": REGIONS},
    ),
    Family(
        name=REPLICATION_SET_ASIDE,
        kind="gauge",
        help="Events that can't be sent to another region.",
        labels={"target": REGIONS},
    ),
)

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.name: family for family in _FAMILIES})
