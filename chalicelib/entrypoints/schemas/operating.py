"""Shapes of what operators see of queues, cache and replication."""

from collections.abc import Mapping
from typing import Any, Final

from chalicelib.entrypoints.schemas.common import COUNT, FLAG, NUMBER, TEXT, list_of, nullable, record, ref
from chalicelib.queue_settings import QUEUES

_QUEUE: Final = {"enum": [*QUEUES]}
_MAYBE_COUNT: Final = nullable(COUNT)

SHAPES: Final[Mapping[str, Any]] = {
    "Queues": record(
        {
            "region": TEXT,
            "at": ref("Moment"),
            "queues": list_of(
                record(
                    {
                        "name": _QUEUE,
                        "visible": _MAYBE_COUNT,
                        "inFlight": _MAYBE_COUNT,
                        "delayed": _MAYBE_COUNT,
                        "deadLetters": _MAYBE_COUNT,
                        "problem": nullable(TEXT),
                    }
                )
            ),
            "waitingBattles": nullable(
                list_of(record({"arena": TEXT, "league": TEXT, "queued": COUNT, "oldestSeconds": nullable(NUMBER)}))
            ),
        },
        description="null is not known; problem says why. oldestSeconds is null where no battle waits.",
    ),
    "DeadLetters": record(
        {
            "queue": _QUEUE,
            "letters": list_of(
                record(
                    {
                        "messageId": TEXT,
                        "reason": TEXT,
                        "attempts": _MAYBE_COUNT,
                        "diedAt": ref("Moment"),
                        "what": {
                            "type": "object",
                            "description": "Of a battle round, arena, league, modeKey, acceptedAt, correlationId and "
                            "the job's status; of an announcement its kind; of an event its id, source and entity.",
                        },
                        "fate": {"enum": ["replay", "left out", "refused"]},
                        "why": TEXT,
                    },
                    description="fate: what a replay would make of it.",
                )
            ),
            "more": FLAG,
        }
    ),
    "DeadLettersReplayed": record(
        {
            "queue": _QUEUE,
            "dryRun": FLAG,
            "results": list_of(
                record(
                    {
                        "messageId": TEXT,
                        "fate": {"enum": ["replay", "sent", "refused", "failed", "left out"]},
                        "why": TEXT,
                    }
                )
            ),
        },
        description="replay: it would be sent. failed and refused letters stay; so do those left out.",
    ),
    "CacheWarmed": record(
        {
            "cache": {"enum": ["ok", "away"]},
            "loaded": COUNT,
            "kept": COUNT,
            "failed": list_of(TEXT),
            "left": list_of(TEXT),
            "skipped": TEXT,
            "stopped": TEXT,
        },
        optional=("cache", "loaded", "kept", "failed", "left", "skipped", "stopped"),
        description="What one run did; or only skipped, or stopped, by another run.",
    ),
    "ReplicationSeen": record(
        {
            "region": TEXT,
            "at": ref("Moment"),
            "replicating": FLAG,
            "peers": list_of(
                record(
                    {
                        "region": TEXT,
                        "sent": _MAYBE_COUNT,
                        "setAside": COUNT,
                        "failed": _MAYBE_COUNT,
                        "waiting": COUNT,
                        "oldestSeconds": nullable(NUMBER),
                        "received": nullable(
                            record({"applied": COUNT, "duplicate": COUNT, "again": COUNT, "dead": COUNT})
                        ),
                        "lag": record(
                            {"p50Seconds": nullable(NUMBER), "p99Seconds": nullable(NUMBER), "events": COUNT}
                        ),
                    },
                    description="sent, failed, setAside and waiting are about what goes there, received and lag about "
                    "what comes from there.",
                )
            ),
            "differencesTotal": _MAYBE_COUNT,
            "conflictsRecent": {**COUNT, "description": "Of the last day, up to 1000."},
            "lastVerify": nullable(
                record({"at": ref("Moment"), "collection": TEXT, "rounds": COUNT, "suspects": COUNT})
            ),
        }
    ),
    "Failover": record(
        {
            "state": {"enum": ["planned", "catching_up", "done"]},
            "of": TEXT,
            "serving": TEXT,
            "epoch": COUNT,
            "steps": list_of(TEXT),
            "reachable": list_of(TEXT),
            "unreachable": list_of(TEXT),
            "drained": {"type": "object", "additionalProperties": COUNT},
            "early": COUNT,
            "tooOld": COUNT,
            "unservedSeconds": nullable(NUMBER),
        },
        description="serving serves the players of region of, under that epoch, once state is done. drained: events it "
        "lacked, by region. early: those that need one that is nowhere.",
    ),
    "ReplicationHand": record(
        {"result": {"description": "By the operation: documents of regions, a flag, ids, events."}}
    ),
}
