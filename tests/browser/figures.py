"""What regions on paper tell: answers in the API's shapes, an hour with a rush in its middle."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

REGIONS: Final = ("us-east-1", "eu-west-1", "ap-southeast-1")


def now() -> datetime:
    return datetime.now(UTC)


def regions(region: str, urls: Mapping[str, str | None]) -> list[dict[str, Any]]:
    lag = {"us-east-1": 0.31, "eu-west-1": 0.42, "ap-southeast-1": 2.9}
    told = []
    for priority, name in enumerate(REGIONS, 1):
        own = name == region
        p50 = lag[name] + lag[region]
        coming = {"events": 2000, "p50Seconds": p50, "p99Seconds": 2.2 * p50, "leastSeconds": 0.1}
        going = {"waiting": 3, "oldestSeconds": 1.4, "setAside": 0}
        ways = {"from": None if own else coming, "to": None if own else going}
        told.append({"region": name, "priority": priority, "servedBy": name, "epoch": 0, "url": urls.get(name), **ways})
    return told


def replication(region: str) -> dict[str, Any]:
    peers = [
        {
            **{"region": name, "sent": 18_244, "setAside": 0, "failed": 0, "waiting": 3, "oldestSeconds": 1.4},
            "received": {"applied": 17_320, "duplicate": 41, "again": 12, "dead": 0},
            "lag": {"p50Seconds": 0.7, "p99Seconds": 1.6, "events": 2000},
        }
        for name in REGIONS
        if name != region
    ]
    known = {
        "differencesTotal": 0,
        "conflictsRecent": 4,
        "lastVerify": {"at": now(), "collection": "users", "rounds": 1, "suspects": 0},
    }
    return {"region": region, "at": now(), "replicating": True, "peers": peers, **known}


def history(until: datetime, minutes: int = 60) -> list[dict[str, Any]]:
    """An hour with a rush in its middle; one minute was not measured."""
    points = []
    for number in range(minutes):
        load = 40 + 30 * math.sin(number / 9) + (60 * math.exp(-(((number - 38) / 5) ** 2)))
        wanted = max(3, math.ceil(load / 12))
        measured = number != 20
        points.append(
            {
                "at": until - timedelta(minutes=minutes - 1 - number),
                "requestsPerSecond": load,
                "clientErrorsPerSecond": load * 0.012,
                "serverErrorsPerSecond": load * (0.004 if number == 40 else 0.0002),
                "latencyP50Seconds": 0.021 + load / 9000,
                "latencyP95Seconds": 0.058 + load / 3000,
                "latencyP99Seconds": 0.11 + load / 1500,
                "battlesPerSecond": [
                    {"arena": "prediction", "league": "rookie", "perSecond": load * 0.22},
                    {"arena": "simulation", "league": "pro", "perSecond": load * 0.09},
                    {"arena": "strategy", "league": "elite", "perSecond": load * 0.03},
                ],
                "queuedBattles": int(load / 4),
                "instances": wanted + (2 if 36 < number < 42 else 0),
                "provisioned": wanted if measured else None,
                "ready": max(3, wanted - (1 if 33 < number < 37 else 0)) if measured else None,
                "inUse": load / 17 if measured else None,
                "spilledPerSecond": max(0.0, load - 105) / 8 if measured else None,
                "cacheHitRatio": 0.94,
            }
        )
    return points


def instances(region: str, number: int = 6) -> dict[str, Any]:
    def one(place: int) -> dict[str, Any]:
        return {
            "instanceId": f"2026/11/23/[7]{place:02d}c3f9a81b2e",
            "region": region,
            "timestamp": now() - timedelta(seconds=3 * place),
            "function": "arena-api",
            "functionVersion": "7",
            "initialization": "on-demand" if place == 5 else "provisioned-concurrency",
            "windowSeconds": 10,
            **inner(0.08 + 0.05 * place),
        }

    def inner(usage: float) -> dict[str, Any]:
        return {
            "cpu": {"usage": usage, "loadAverage": usage * 1.7, "cores": 2},
            "memory": {
                "used": 171_000_000,
                "total": 1_073_741_824,
                "external": None,
                "systemUsed": 0,
                "systemTotal": 0,
            },
            "network": {"bytesTransferred": 5_400_000, "packetsTransferred": None, "connections": 9},
            "database": {"connections": 4, "queriesPerSecond": 31.4, "avgResponseTime": 0.0023, "errors": 0},
            "cache": {"hitRate": 0.94, "memoryUsage": None, "operationsPerSecond": 22.1},
            "application": {"activeUsers": 14, "requestsPerSecond": 8.3, "avgResponseTime": 0.034, "errorRate": 0.0004},
        }

    return {
        "region": region,
        "at": now(),
        "staleAfterSeconds": 60,
        "instances": [one(place) for place in range(number)],
        "aggregate": {"instances": number, "provisioned": number - 1, "onDemand": 1, **inner(0.21)},
        "unavailable": {"network.packetsTransferred": "Lambda does not count packets"},
    }


def decisions(at: float) -> list[dict[str, Any]]:
    steps = ((12, 5, 7, "out"), (27, 5, 5, "hold"), (42, 6, 5, "in"), (57, 6, 6, "hold"))
    told = []
    for ago, current, desired, action in steps:
        moved = {"outcome": "moved" if current != desired else "unchanged", "before": current, "after": desired}
        told.append(
            {
                **{"id": f"d{ago}", "at": at - ago, "action": action, "current": current, "desired": desired},
                "reason": REASONS[action],
                "override": None,
                "move": {**moved, "reason": ""},
                "line": json.dumps(record(at - ago, current, desired)),
            }
        )
    return told


REASONS: Final = {
    "out": "cpu: 74.2 % is above 70 %, so 2 more; request rate: 61/s is within its thresholds",
    "hold": "every rule is content",
    "in": "request rate: 24/s is below 30/s for 300 s, so one fewer",
}
OUTCOMES: Final = [
    {**{"rule": "cpu", "metric": "cpu_usage", "value": 74.2, "wish": "out", "desired": 7}, "reason": "above 70 %"},
    {**{"rule": "memory", "metric": "memory_usage", "value": 41.0, "wish": "hold", "desired": 5}, "reason": "within"},
    {
        **{"rule": "queue", "metric": "queue_length", "value": None, "wish": "abstain", "desired": 5},
        "reason": "unknown",
    },
]
CLAMPS: Final = [{"name": "rate", "before": 9, "after": 7, "reason": "at most 2 within 60 s"}]
CEILINGS: Final = [{"name": "mongo_connections", "capacity": 40, "reason": "500 connections / 12 per environment"}]


def record(at: float, current: int, desired: int) -> dict[str, Any]:
    metrics = {
        "cpu_usage": {"points": [[at, 74.2]], "evidence": "reports of 5 environments"},
        "queue_length": {"missing": "the queue did not answer"},
    }
    seen = {"at": at, "requested": current, "ready": current, "metrics": metrics, "ceilings": CEILINGS}
    made = {"current": current, "desired": desired, "outcomes": OUTCOMES, "clamps": CLAMPS}
    return {"version": 1, "policy": "guide", "observation": seen, "decision": made}


def evaluation() -> dict[str, Any]:
    metrics = {
        "cpu_usage": {"value": 74.2, "evidence": "reports of 5 environments"},
        "queue_length": {"missing": "the queue did not answer"},
    }
    return {
        **{"policy": "guide", "action": "out", "current": 5, "desired": 7, "reason": REASONS["out"]},
        "outcomes": OUTCOMES,
        "clamps": CLAMPS,
        "inputs": {"requested": 5, "ready": 5, "metrics": metrics, "ceilings": CEILINGS},
        "move": {"outcome": "would_move", "before": 5, "after": 7, "reason": ""},
    }


def queues(region: str) -> dict[str, Any]:
    def one(name: str, visible: int, dead: int) -> dict[str, Any]:
        return {
            "name": name,
            "visible": visible,
            "inFlight": 2,
            "delayed": 0,
            "deadLetters": dead,
        }

    nothing = {"visible": None, "inFlight": None, "delayed": None, "deadLetters": None}
    return {
        "region": region,
        "at": now(),
        "queues": [
            one("battles", 14, 3),
            one("live", 0, 0),
            one("outbox", 1, 0),
            {"name": "replication", **nothing, "problem": "SQS did not answer"},
        ],
        "waitingBattles": [{"arena": "prediction", "league": "rookie", "queued": 14, "oldestSeconds": 312.4}],
    }


def letters() -> list[dict[str, Any]]:
    reasons = ("database_unavailable: no primary within 4 s", "the job is not known", "database_unavailable: again")
    return [
        {
            "messageId": f"5f0c2c6e-8f0f-4b06-9a3d-00000000000{number}",
            "reason": reason,
            "attempts": 5,
            "diedAt": now() - timedelta(minutes=7 * number + 2),
            "what": {"kind": "battle", "requestId": f"battle-{number}"},
            "fate": "refused" if number == 2 else "replay",
            "why": "the battle was fought meanwhile" if number == 2 else "",
        }
        for number, reason in enumerate(reasons)
    ]


def timed(command: str, total: int, p50: float, **more: Any) -> dict[str, Any]:
    return {"command": command, "total": total, "p50Seconds": p50, "p95Seconds": 3 * p50, "p99Seconds": 7 * p50, **more}


def cache(region: str) -> dict[str, Any]:
    return {
        **{"region": region, "at": now(), "configured": True, "answers": True, "hitRatio": 0.943, "breakersOpen": 0},
        "lookups": [
            {"cache": "catalogue", "hits": 80_211, "misses": 1_204, "degraded": 0},
            {"cache": "guilds", "hits": 9_120, "misses": 644, "degraded": 2},
        ],
        "nodes": [{"node": "cache-1:6379", "memoryBytes": 188_743_680, "operationsPerSecond": 412.5}],
        "commands": [
            timed("GET", 91_002, 0.00031, errors=0, refused=0),
            timed("EVALSHA", 40_118, 0.00044, errors=1, refused=0),
        ],
        "breakerChanges": [{"state": "open", "total": 1}, {"state": "closed", "total": 1}],
        "limits": [
            {"limit": "api", "admitted": 210_400, "refused": 133, "degraded": 0},
            {"limit": "player-battles", "admitted": 18_822, "refused": 61, "degraded": 0},
        ],
    }


def database(region: str) -> dict[str, Any]:
    return {
        **{"region": region, "at": now(), "answers": True, "errorsTotal": 0, "checkoutFailuresTotal": 0},
        "pools": [
            {"pool": "transactions", "minSize": 1, "maxSize": 4, "open": 12, "inUse": 3, "environments": 6},
            {"pool": "reads", "minSize": 0, "maxSize": 4, "open": 9, "inUse": 1, "environments": 6},
        ],
        "commands": [
            timed("find", 51_202, 0.0009, errors=0, perSecond=18.2),
            timed("aggregate", 20_044, 0.0024, errors=0, perSecond=9.1),
            timed("commitTransaction", 18_800, 0.0041, errors=0, perSecond=8.8),
        ],
    }
