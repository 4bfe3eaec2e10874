"""Shapes of what operators see of the region in numbers."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, FLAG, NUMBER, TEXT, list_of, nullable, record, ref

_NUMBER: Final = nullable(NUMBER)
_COUNT: Final = nullable(COUNT)
_TEXT: Final = nullable(TEXT)

_GROUPS: Final = {
    "cpu": record(
        {"usage": _NUMBER, "loadAverage": _NUMBER, "cores": _NUMBER},
        description="usage: share of the vCPUs the memory size gives, 1 = all. loadAverage: the system's, of a minute.",
    ),
    "memory": record(
        {"used": _COUNT, "total": _COUNT, "external": _COUNT, "systemUsed": _COUNT, "systemTotal": _COUNT},
        description="Bytes: resident, the memory size, the system's.",
    ),
    "network": record(
        {"bytesTransferred": _COUNT, "packetsTransferred": _COUNT, "connections": _COUNT},
        description="Of the window, in and out; connections: sockets open.",
    ),
    "database": record(
        {"connections": _COUNT, "queriesPerSecond": _NUMBER, "avgResponseTime": _NUMBER, "errors": _COUNT},
        description="connections: open in its pools. Seconds; errors of the window.",
    ),
    "cache": record(
        {"hitRate": _NUMBER, "memoryUsage": _COUNT, "operationsPerSecond": _NUMBER},
        description="hitRate: hits by lookups, 1 = all. memoryUsage: bytes of all nodes, in the aggregate only.",
    ),
    "application": record(
        {"activeUsers": _COUNT, "requestsPerSecond": _NUMBER, "avgResponseTime": _NUMBER, "errorRate": _NUMBER},
        description="Of the window: different players, units of work, seconds of one, 5xx by requests.",
    ),
}
_PERCENTILES: Final = {"p50Seconds": _NUMBER, "p95Seconds": _NUMBER, "p99Seconds": _NUMBER}

SHAPES: Final[Mapping[str, Any]] = {
    "Instance": record(
        {
            "instanceId": TEXT,
            "region": TEXT,
            "timestamp": ref("Moment"),
            "function": _TEXT,
            "functionVersion": _TEXT,
            "initialization": _TEXT,
            "windowSeconds": {
                **_NUMBER,
                "description": "Since its report before: what counts and rates are of.",
            },
            **_GROUPS,
        }
    ),
    "Instances": record(
        {
            "region": TEXT,
            "at": ref("Moment"),
            "staleAfterSeconds": NUMBER,
            "instances": list_of(ref("Instance")),
            "aggregate": record(
                {"instances": COUNT, "provisioned": COUNT, "onDemand": COUNT, **_GROUPS},
                description="Sums; of shares, loads and response times means. A player counts with each environment.",
            ),
            "unavailable": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Why a figure is null for any of them, by its name (`cpu.usage`).",
            },
        }
    ),
    "History": record(
        {
            "region": TEXT,
            "points": list_of(
                record(
                    {
                        "at": ref("Moment"),
                        "requestsPerSecond": _NUMBER,
                        "clientErrorsPerSecond": _NUMBER,
                        "serverErrorsPerSecond": _NUMBER,
                        "latencyP50Seconds": _NUMBER,
                        "latencyP95Seconds": _NUMBER,
                        "latencyP99Seconds": _NUMBER,
                        "battlesPerSecond": list_of(record({"arena": TEXT, "league": TEXT, "perSecond": NUMBER})),
                        "queuedBattles": _COUNT,
                        "instances": _COUNT,
                        "provisioned": _COUNT,
                        "ready": _COUNT,
                        "inUse": _NUMBER,
                        "spilledPerSecond": _NUMBER,
                        "cacheHitRatio": _NUMBER,
                    }
                )
            ),
        }
    ),
    "DatabaseFigures": record(
        {
            "region": TEXT,
            "at": ref("Moment"),
            "pools": list_of(
                record(
                    {
                        "pool": TEXT,
                        "minSize": COUNT,
                        "maxSize": COUNT,
                        "open": _COUNT,
                        "inUse": {**_COUNT, "description": "The most of each environment since its report before."},
                        "environments": _COUNT,
                    },
                    description="minSize and maxSize: of one environment, to one server.",
                )
            ),
            "commands": list_of(
                record({"command": TEXT, "total": COUNT, "errors": COUNT, "perSecond": _NUMBER, **_PERCENTILES})
            ),
            "errorsTotal": _COUNT,
            "checkoutFailuresTotal": _COUNT,
            "answers": FLAG,
        }
    ),
    "CacheFigures": record(
        {
            "region": TEXT,
            "at": ref("Moment"),
            "configured": FLAG,
            "answers": FLAG,
            "hitRatio": _NUMBER,
            "lookups": list_of(record({"cache": TEXT, "hits": COUNT, "misses": COUNT, "degraded": COUNT})),
            "nodes": list_of(record({"node": TEXT, "memoryBytes": _COUNT, "operationsPerSecond": _NUMBER})),
            "commands": list_of(
                record({"command": TEXT, "total": COUNT, "errors": COUNT, "refused": COUNT, **_PERCENTILES})
            ),
            "breakersOpen": _COUNT,
            "breakerChanges": list_of(record({"state": TEXT, "total": COUNT})),
            "limits": list_of(
                record(
                    {"limit": TEXT, "admitted": COUNT, "refused": COUNT, "degraded": COUNT},
                    description="degraded: of both, those decided without the shared state.",
                )
            ),
        }
    ),
}
