"""Queued battles, which the game of today does not have: what a client sends, and what it is told."""

from typing import Any, Final

from tests.integration.transcript.battle_run import BATTLE, BODY
from tests.integration.transcript.exchange import (
    OTHER,
    SECONDS,
    TEXT,
    Exchange,
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


def queue_down(scene: Scene) -> None:
    scene.messages.down = True


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
