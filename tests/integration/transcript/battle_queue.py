"""Queued battles, which the game of today does not have: what a client sends, and what it is told."""

from typing import Any, Final

from tests.integration.transcript.battle_run import BATTLE, BODY
from tests.integration.transcript.exchange import (
    OTHER,
    SECONDS,
    TEXT,
    Exchange,
    Given,
    Scene,
    broker,
    data,
    invalid,
    refusal,
    sent,
)

FOUGHT: Final = sent("POST", "/api/battle/run", BODY)
QUEUED: Final = sent("POST", "/api/battle/queue", BODY, status=202)
URL: Final = "/api/battle/battle-1"
REFUSED: Final = {"status": 403, "code": "no energy", "message": "no energy", "details": {"energy": 3, "need": 10}}
FAILED: Final = {
    "status": 500,
    "code": "battle_failed",
    "message": "the battle could not be fought; queue it again",
}


def queue_down(scene: Scene) -> None:
    scene.messages.down = True


def ended(**fields: Any) -> Given:
    """The worker has ended the job."""
    return lambda scene: scene.database.battlejobs.update_one(
        {"requestId": "battle-1"}, {"$set": fields, "$unset": {"dueAt": ""}}
    )


def accepted(status: str, url: str = URL, request_id: str = "battle-1") -> dict[str, Any]:
    return data({"requestId": request_id, "status": status, "statusUrl": url})


EXCHANGES: Final = (
    Exchange(
        about="queue: a battle is accepted",
        request="POST /api/battle/queue",
        body=BODY,
        given=(broker(),),
        status=202,
        answer=accepted("queued"),
    ),
    Exchange(
        about="queue: the same requestId again",
        request="POST /api/battle/queue",
        body=BODY,
        given=(broker(), QUEUED),
        status=202,
        answer=accepted("queued"),
    ),
    Exchange(
        about="queue: a battle fought already",
        request="POST /api/battle/queue",
        body=BODY,
        given=(broker(), FOUGHT),
        status=200,
        answer=accepted("done"),
    ),
    Exchange(
        about="queue: a requestId a path can't carry is asked about in the query",
        request="POST /api/battle/queue",
        body={**BODY, "requestId": "a/b c"},
        given=(broker(),),
        status=202,
        answer=accepted("queued", "/api/battle/status?requestId=a%2Fb%20c", "a/b c"),
    ),
    Exchange(
        about="queue: validation",
        request="POST /api/battle/queue",
        body={},
        status=400,
        answer=invalid(requestId="required", brokerId="required"),
    ),
    Exchange(
        about="queue: another player's requestId",
        request="POST /api/battle/queue",
        body=BODY,
        user=OTHER,
        given=(broker(), FOUGHT),
        status=409,
        answer=refusal("requestId already used"),
    ),
    Exchange(
        about="queue: out of reach, with Retry-After",
        request="POST /api/battle/queue",
        body=BODY,
        given=(broker(), queue_down),
        status=503,
        answer=refusal("queue_unavailable", message=TEXT),
        answer_headers={"retry-after": SECONDS},
    ),
    Exchange(
        about="queue: not fought yet",
        request=f"GET {URL}",
        given=(broker(), QUEUED),
        status=200,
        answer=data({"requestId": "battle-1", "status": "queued"}),
    ),
    Exchange(
        about="queue: fought",
        request=f"GET {URL}",
        given=(broker(), FOUGHT),
        status=200,
        answer=data({"requestId": "battle-1", "status": "done", "battle": BATTLE}),
    ),
    Exchange(
        about="queue: refused, with what a direct battle would have answered",
        request=f"GET {URL}",
        given=(broker(), QUEUED, ended(status="refused", error=REFUSED)),
        status=200,
        answer=data({"requestId": "battle-1", "status": "refused", "error": REFUSED}),
    ),
    Exchange(
        about="queue: given up; the reason is for operators",
        request=f"GET {URL}",
        given=(broker(), QUEUED, ended(status="failed", error=FAILED, reason="RuntimeError: inside")),
        status=200,
        answer=data({"requestId": "battle-1", "status": "failed", "error": FAILED}),
    ),
    Exchange(
        about="queue: by the query",
        request="GET /api/battle/status?requestId=battle-1",
        given=(broker(), FOUGHT),
        status=200,
        answer=data({"requestId": "battle-1", "status": "done", "battle": BATTLE}),
    ),
    Exchange(
        about="queue: another player's battle",
        request=f"GET {URL}",
        user=OTHER,
        given=(broker(), FOUGHT),
        status=404,
        answer=refusal("battle not found"),
    ),
)
