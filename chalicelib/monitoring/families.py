"""Every metric the arena counts, as data: its name, what it means, its labels and what values they admit.

Names, labels and buckets of the first four are the operators' guide's. ``docs/metrics.md`` says more of each.
A label admits either the values listed or, where they are not known here (routes, caches, leagues), values of a
harmless form up to a number: what is counted can't grow without bound, whoever calls.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from chalicelib.monitoring.family import AtMost, Family, OneOf

GUIDE_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
CACHE_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Seconds: a cache that takes longer than a tenth of a second is given up."""
DATABASE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 4.0)
"""Seconds: four is what a request grants the database."""
LAG_BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Seconds: the goal is two."""

ACTIVE_CONNECTIONS: Final = "aiba_active_connections"
BATTLE_QUEUE_LENGTH: Final = "aiba_battle_queue_length"
BATTLE_QUEUE_OLDEST: Final = "aiba_battle_queue_oldest_seconds"
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
BATTLES: Final = "aiba_battles_total"
DATABASE_COMMANDS: Final = "aiba_database_commands_total"
DATABASE_LATENCY: Final = "aiba_database_command_seconds"
DATABASE_POOL: Final = "aiba_database_pool_connections"
DATABASE_CHECKOUT_FAILURES: Final = "aiba_database_checkout_failures_total"
SCALING_ENVIRONMENTS: Final = "aiba_scaling_environments"
SCALING_SPILLOVER: Final = "aiba_scaling_spillover_per_second"
SCALING_DECISIONS: Final = "aiba_scaling_decisions_total"
SCALING_MOVES: Final = "aiba_scaling_moves_total"
SCHEDULED_RUNS: Final = "aiba_scheduled_runs_total"
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
BACKUP_LAST_SUCCESS: Final = "aiba_backup_last_success_timestamp_seconds"
REPLICATION_OLDEST: Final = "aiba_replication_oldest_waiting_seconds"
REPLICATION_SET_ASIDE: Final = "aiba_replication_set_aside"
QUEUE_MESSAGES: Final = "aiba_queue_messages"

STATUS_CLASSES: Final = OneOf(frozenset({"1xx", "2xx", "3xx", "4xx", "5xx"}))
OPERATIONS: Final = AtMost(160)
"""Routes (``POST /api/battle/run``), and queues, schedules and WebSocket events (``queue battles``)."""
REGIONS: Final = AtMost(16)
POOLS: Final = OneOf(frozenset({"primary", "secondary", "analytics"}))

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
        name=BATTLE_QUEUE_OLDEST,
        kind="gauge",
        help="How long the queued battle has waited that was accepted first; 0 without any.",
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
        name=BATTLES,
        kind="counter",
        help="Battles fought, direct and queued, each once.",
        labels={"arena": AtMost(64), "league": AtMost(64)},
    ),
    Family(
        name=DATABASE_COMMANDS,
        kind="counter",
        help="Commands sent to the database that were carried out (ok) or not (error).",
        labels={"command": AtMost(32), "outcome": OneOf(frozenset({"ok", "error"}))},
    ),
    Family(
        name=DATABASE_LATENCY,
        kind="histogram",
        help="Seconds from a command's sending to its answer, whatever it was.",
        labels={"command": AtMost(32)},
        buckets=DATABASE_BUCKETS,
    ),
    Family(
        name=DATABASE_POOL,
        kind="gauge",
        help="Connections of an environment's pool: open now, and most in use at a time since its report before.",
        labels={"pool": POOLS, "state": OneOf(frozenset({"open", "in_use"}))},
        per_instance=True,
    ),
    Family(
        name=DATABASE_CHECKOUT_FAILURES,
        kind="counter",
        help="Times a pool had no connection to give.",
        labels={"pool": POOLS},
    ),
    Family(
        name=SCALING_ENVIRONMENTS,
        kind="gauge",
        help="Environments at the last evaluation: asked for, ready of these, busy at the same moment.",
        labels={"state": OneOf(frozenset({"requested", "ready", "in_use"}))},
    ),
    Family(
        name=SCALING_SPILLOVER,
        kind="gauge",
        help="Requests per second that no provisioned environment served, at the last evaluation.",
    ),
    Family(
        name=SCALING_DECISIONS,
        kind="counter",
        help="Evaluations of the scaling controller by what they decided.",
        labels={"action": OneOf(frozenset({"out", "in", "hold"}))},
    ),
    Family(
        name=SCALING_MOVES,
        kind="counter",
        help="Evaluations of the scaling controller by what came of them.",
        labels={
            "outcome": OneOf(frozenset({"moved", "unchanged", "waiting", "refused", "throttled", "would_move"})),
        },
    ),
    Family(
        name=SCHEDULED_RUNS,
        kind="counter",
        help="Scheduled runs: done, skipped for another under way, stopped by a newer one, failed.",
        labels={"schedule": AtMost(32), "outcome": OneOf(frozenset({"done", "skipped", "stopped", "failed"}))},
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
        name=BACKUP_LAST_SUCCESS,
        kind="gauge",
        help="The point the newest backup of the region shows, in seconds since 1970; missing without any.",
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
    Family(
        name=QUEUE_MESSAGES,
        kind="gauge",
        help="Messages of a queue, about; dead: those given up.",
        labels={
            "queue": OneOf(frozenset({"battles", "live", "outbox", "replication"})),
            "state": OneOf(frozenset({"visible", "in_flight", "delayed", "dead"})),
        },
    ),
)

FAMILIES: Final[Mapping[str, Family]] = MappingProxyType({family.name: family for family in _FAMILIES})
