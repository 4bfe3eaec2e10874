"""What operators see of queues, cache and replication, and do to them."""

from typing import TYPE_CHECKING, Any, Final

from chalicelib.arena.dead_letters import REPLAYED_MAX, harmless
from chalicelib.entrypoints.http import Answer, Call, Routes
from chalicelib.entrypoints.scheduled import for_seconds, under_lock
from chalicelib.entrypoints.structures import ListOf, Pattern
from chalicelib.entrypoints.validation import Boolean, Integer, Text
from chalicelib.errors import Unavailable
from chalicelib.observability import logger
from chalicelib.queue_settings import QUEUES

if TYPE_CHECKING:
    from chalicelib.arena.dead_letters import Verdict
    from chalicelib.arena.operator_actions import By
    from chalicelib.arena.queue_watch import QueueState

routes: Final = Routes(__name__)

RUN_SECONDS: Final = 12.0
"""After that nothing new is begun: what is in hand is done with before the function's 28 s are over."""
LETTERS_SHOWN: Final = 20
_MESSAGE_ID: Final = Pattern("[A-Za-z0-9-]{1,100}")
_QUEUE: Final = Text(required=True, choices=QUEUES)
_NO_QUEUE: Final = {404: ("queue_unknown",), 503: ("queue_unavailable",)}


@routes.route(
    "GET",
    "/api/ops/queues",
    operator=True,
    summary="The region's queues: what waits, what is in hand, what was given up",
    answers=(Answer("Queues"),),
)
def queues(call: Call) -> dict[str, Any]:
    """Counts are SQS's, about right. A queue that can't be asked has nulls and says why. `waitingBattles` is exact.

    Its `oldestSeconds` is how long the battle has waited that was accepted first.
    """
    return {
        "region": call.arena.settings.region,
        "at": call.arena.clock(),
        "queues": [_queue(state) for state in call.arena.operating.queues.states()],
        "waitingBattles": _waiting_battles(call),
    }


@routes.route(
    "GET",
    "/api/ops/dead-letters",
    operator=True,
    query={"queue": _QUEUE, "limit": Integer(minimum=1, maximum=REPLAYED_MAX)},
    summary="Messages of a queue that were given up, and why",
    answers=(Answer("DeadLetters"),),
    refusals=_NO_QUEUE,
)
def dead_letters(call: Call) -> dict[str, Any]:
    """The first 20 unless said otherwise. They stay where they are; while they are looked at nobody else sees them."""
    name = call.query["queue"]
    limit = call.query.get("limit", LETTERS_SHOWN)
    listed = call.arena.operating.dead_letters(name).listed(limit, for_seconds(RUN_SECONDS))
    return {"queue": name, "letters": [_letter(one) for one in listed.letters], "more": listed.more}


@routes.route(
    "POST",
    "/api/ops/dead-letters/replay",
    operator=True,
    body={
        "queue": _QUEUE,
        "messageIds": ListOf(_MESSAGE_ID, REPLAYED_MAX),
        "dryRun": Boolean(),
    },
    summary="Send dead letters back to their queue",
    answers=(Answer("DeadLettersReplayed"),),
    refusals=_NO_QUEUE,
)
def replay_dead_letters(call: Call) -> dict[str, Any]:
    """Those named, or up to 100; each with its fate. A letter is deleted only after it was sent; twice does no harm."""
    name, dry_run = call.body["queue"], call.body.get("dryRun", False)
    go_on, operating = for_seconds(RUN_SECONDS), call.arena.operating
    results = operating.dead_letters(name).replay(
        call.body.get("messageIds"),
        go_on,
        dry_run=dry_run,
        note=lambda ids: operating.journal.note(
            "dead_letters.replay", by(call), entity="queue", entity_id=name, after={"messageIds": list(ids)}
        ),
    )
    fates = [one.fate for one in results]
    counts = {fate: fates.count(fate) for fate in sorted(set(fates))}
    logger().info("dead letters replayed", queue=name, dry_run=dry_run, fates=counts)
    told = [{"messageId": one.message_id, "fate": one.fate, "why": one.why} for one in results]
    return {"queue": name, "dryRun": dry_run, "results": told}


@routes.route(
    "POST",
    "/api/ops/cache/warm",
    operator=True,
    summary="Load into the cache what is asked for most",
    answers=(Answer("CacheWarmed"),),
    refusals={503: ("cache_unavailable",)},
)
def warm_cache(call: Call) -> dict[str, Any]:
    """As the schedule does, under its lock: what is good for long enough is kept. `skipped` while a run is at it."""
    arena = call.arena
    if not arena.cache_warming.is_configured:
        raise Unavailable("cache_unavailable", "no cache is configured")
    region = arena.settings.region
    arena.operating.journal.note("cache.warm", by(call), entity="cache", entity_id=region, after={})
    report = under_lock("cache_warming", arena.cache_warming.run, RUN_SECONDS)
    logger().info("cache warmed", **report)
    return report


@routes.route(
    "GET",
    "/api/ops/replication",
    operator=True,
    summary="What this region and the others told each other",
    answers=(Answer("ReplicationSeen"),),
)
def replication_seen(call: Call) -> dict[str, Any]:
    """Counts since the region counts; null where its metrics do not answer. Lags are of the newest events."""
    return call.arena.operating.replication_seen()


def by(call: Call) -> "By":
    from chalicelib.arena.operator_actions import By

    return By(operator=call.operator, request_id=call.request_id)


def _waiting_battles(call: Call) -> list[dict[str, Any]] | None:
    try:
        waiting = call.arena.battle_queue.recently_waiting()
    except Unavailable:
        return None
    now = call.arena.clock()
    return [
        {"arena": arena, "league": league, "queued": found.jobs, "oldestSeconds": found.oldest_seconds(now)}
        for (arena, league), found in waiting.items()
    ]


def _queue(state: "QueueState") -> dict[str, Any]:
    depth = state.depth
    return {
        "name": state.name,
        "visible": depth and depth.visible,
        "inFlight": depth and depth.in_flight,
        "delayed": depth and depth.delayed,
        "deadLetters": state.dead_letters,
        "problem": state.problem,
    }


def _letter(verdict: "Verdict") -> dict[str, Any]:
    letter = verdict.letter
    return {
        "messageId": letter.message_id,
        "reason": harmless(letter.reason),
        "attempts": letter.attempts or None,
        "diedAt": letter.died_at,
        "what": dict(verdict.what),
        "fate": verdict.fate,
        "why": harmless(verdict.why),
    }
