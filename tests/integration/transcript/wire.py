"""Section 0: the envelope, the headers and the validator's words, whatever the endpoint."""

from typing import Any, Final

from tests.integration.transcript.exchange import (
    BROKER,
    CALL_ID,
    NOBODYS,
    TEXT,
    TIME,
    UUID4,
    Exchange,
    data,
    invalid,
    refusal,
)

RUN: Final = "POST /api/battle/run"
HTML: Final = "404 with an HTML page"


def illegible(about: str, body: Any, status: int, code: str, details: Any = None) -> Exchange:
    return Exchange(
        about=f"0: {about}",
        request=RUN,
        body=body,
        status=status,
        answer=refusal(code, details, message=TEXT),
        instead='500 "internal server error"',
    )


def wrong(about: str, word: str, field: str, **body: Any) -> Exchange:
    return Exchange(
        about=f"0: {word}: {about}",
        request=RUN,
        body={"requestId": "r", "brokerId": BROKER, **body},
        status=400,
        answer=invalid(**{field: word}),
    )


def limited(value: str, word: str) -> Exchange:
    return Exchange(
        about=f"0: {word}: ?limit={value}",
        request=f"GET /api/leaderboard?limit={value}",
        status=400,
        answer=invalid(limit=word),
    )


def read(about: str, **body: Any) -> Exchange:
    """A body the validator takes: the battle is refused for its unknown broker only."""
    return Exchange(
        about=f"0: {about}",
        request=RUN,
        body={"requestId": "r", "brokerId": NOBODYS, **body},
        status=404,
        answer=refusal("broker not found"),
    )


EXCHANGES: Final = (
    Exchange(
        about="0: an object with ok true is sent as it is, with a requestId",
        request="GET /health",
        user=None,
        status=200,
        answer={"ok": True, "requestId": CALL_ID},
        answer_headers={"content-type": "application/json; charset=utf-8", "x-request-id": CALL_ID},
    ),
    Exchange(
        about="0: anything else is wrapped",
        request="GET /api/comms/status",
        user=None,
        status=200,
        answer=data({"status": "operational", "updatedAt": TIME}),
    ),
    Exchange(
        about="0: X-Request-Id is trimmed and echoed",
        request="GET /health",
        headers={"x-request-id": "  mine  "},
        status=200,
        answer={"ok": True, "requestId": "mine"},
        answer_headers={"x-request-id": "mine"},
    ),
    Exchange(
        about="0: without X-Request-Id a fresh UUID is made",
        request="GET /health",
        headers={"x-request-id": ""},
        status=200,
        answer={"ok": True, "requestId": UUID4},
        answer_headers={"x-request-id": UUID4},
    ),
    Exchange(
        about="0: an unknown path",
        request="GET /api/nowhere",
        status=404,
        answer=refusal("not_found", message=TEXT),
        instead=HTML,
    ),
    Exchange(
        about="0: an unknown method",
        request="DELETE /api/battle/run",
        status=404,
        answer=refusal("not_found", message=TEXT),
        instead=HTML,
    ),
    Exchange(
        about="0: preflight",
        request="OPTIONS /api/battle/run",
        user=None,
        headers={"origin": "https://t.test", "access-control-request-headers": "x-telegram-init-data"},
        status=204,
        answer=None,
        answer_headers={
            "access-control-allow-origin": "https://t.test",
            "access-control-allow-credentials": "true",
            "access-control-allow-headers": "x-telegram-init-data",
        },
    ),
    Exchange(
        about="0: the origin is reflected on answers",
        request="GET /health/ready",
        user=None,
        headers={"origin": "https://t.test"},
        status=200,
        answer=None,
        answer_headers={"access-control-allow-origin": "https://t.test", "access-control-allow-credentials": "true"},
    ),
    illegible("malformed JSON", '{"a":', 400, "invalid_json"),
    illegible("no JSON object", '"text"', 400, "invalid_json"),
    illegible(
        "a body above 1 MB", '{"a":"' + "x" * 1024 * 1024 + '"}', 413, "payload_too_large", {"limitBytes": 1024 * 1024}
    ),
    wrong("absent", "required", "brokerId", brokerId=None),
    wrong("null", "required", "requestId", requestId=None),
    wrong("empty text", "required", "requestId", requestId=""),
    wrong("blank text is measured after the trim", "minLength:1", "requestId", requestId="  "),
    wrong("129 characters", "maxLength:128", "requestId", requestId="x" * 129),
    wrong("65 characters of two UTF-16 units", "maxLength:128", "requestId", requestId="😀" * 65),
    wrong("51 characters", "maxLength:50", "arena", arena="x" * 51),
    wrong("no hex", "objectId", "brokerId", brokerId="g" * 24),
    wrong("a number is no id", "objectId", "brokerId", brokerId=5),
    wrong("neither true nor false", "boolean", "autoClaim", autoClaim="maybe"),
    Exchange(
        about="0: all errors together",
        request=RUN,
        body={"brokerId": "x", "league": "x" * 51, "modeKey": "x" * 101, "autoClaim": 1},
        status=400,
        answer=invalid(
            requestId="required",
            brokerId="objectId",
            league="maxLength:50",
            modeKey="maxLength:100",
            autoClaim="boolean",
        ),
    ),
    limited("many", "number"),
    limited("0", "min:1"),
    limited("501", "max:500"),
    Exchange(
        about="0: pattern",
        request="POST /api/admin/game-modes",
        user=None,
        operator=True,
        body={"key": "two words", "name": "n", "arena": "prediction"},
        status=400,
        answer=invalid(key="pattern"),
    ),
    Exchange(
        about="0: enum",
        request="PATCH /api/admin/economy/config",
        user=None,
        operator=True,
        body={"seasonLength": "day"},
        status=400,
        answer=invalid(seasonLength="enum"),
    ),
    Exchange(
        about="0: object",
        request="POST /api/admin/game-modes",
        user=None,
        operator=True,
        body={"key": "k", "name": "n", "arena": "prediction", "rules": "none"},
        status=400,
        answer=invalid(rules="object"),
    ),
    read("optional null and empty text are missing", arena=None, league="", autoClaim=""),
    read("booleans as text", autoClaim="false"),
    read("exactly 128 UTF-16 units after the trim", requestId=f" {'x' * 128} "),
    Exchange(
        about="0: numbers as text, floored",
        request="GET /api/leaderboard?limit=1.9",
        status=200,
        answer=data([]),
    ),
)
