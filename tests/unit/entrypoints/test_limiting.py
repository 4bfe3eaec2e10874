"""Which routes are limited, what the document says of it, and the form of the headers."""

import re
from collections.abc import Sequence

import pytest

import app as composition
from chalicelib.arena.rate_limits import (
    API,
    PLAYER_BATTLES,
    UNLIMITED,
    Decision,
    Limit,
    RateLimits,
    UnknownRateClass,
    Verdict,
)
from chalicelib.entrypoints.http import Routes
from chalicelib.entrypoints.limiting import RATE_HEADERS, Gate, client_of
from chalicelib.errors import TooManyRequests

UNLIMITED_PATHS = {
    *("/health", "/health/ready", "/metrics", "/openapi.json"),
    *("/docs", "/docs/{asset}", "/console", "/console/{asset}"),
}
CLASSES = {
    "POST /api/battle/run": "battle",
    "POST /api/battle/queue": "battle",
    "POST /api/admin/auth/login": "operator-sign-in",
    "POST /api/replication/hand": "regions",
}
ITEM = r'"[a-z-]+"'
POLICY = re.compile(rf"{ITEM};q=\d+;w=\d+(, {ITEM};q=\d+;w=\d+)*")
STATE = re.compile(rf"{ITEM};r=\d+;t=\d+(, {ITEM};r=\d+;t=\d+)*")
"""Lists of structured fields, each item a String with Integer parameters (RFC 9651)."""


def test_every_route_is_limited_but_probes_scrapes_and_the_documentation() -> None:
    declared = {f"{route.method} {route.path}": route.rate_class for route in composition.documentation.declared}
    assert {name.split(" ")[1] for name, kind in declared.items() if kind == UNLIMITED} == UNLIMITED_PATHS
    assert {name: kind for name, kind in declared.items() if kind not in (UNLIMITED, "api")} == CLASSES


def test_the_document_tells_of_the_limit_and_its_headers() -> None:
    for path, operations in composition.documentation.document["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            assert ("429" in responses) == (path not in UNLIMITED_PATHS), path
            if path in UNLIMITED_PATHS:
                continue
            assert "rate_limited" in responses["429"]["description"].split("; ")
            assert {"Retry-After", *RATE_HEADERS} <= set(responses["429"]["headers"])
            success = next(response for status, response in responses.items() if status < "300")
            assert set(RATE_HEADERS) <= set(success["headers"])


def test_a_route_of_an_unknown_kind_fails_when_it_is_declared() -> None:
    with pytest.raises(UnknownRateClass, match=r"GET /x: rate_class 'fast' is unknown; take one of unlimited, api, "):
        Routes(__name__).route("GET", "/x", rate_class="fast")


class Given:
    """A limiter with given answers."""

    def __init__(self, *decisions: Decision) -> None:
        self.decisions = decisions

    def admit(self, limits: Sequence[Limit], subject: str) -> Verdict:
        return Verdict(tuple(one for one in self.decisions if one.limit in limits))


def decision(limit: Limit, remaining: int, retry_after_ms: int = 0, *, degraded: bool = False) -> Decision:
    return Decision(
        limit=limit,
        allowed=retry_after_ms == 0,
        remaining=remaining,
        retry_after_ms=retry_after_ms,
        more_after_ms=retry_after_ms or 50,
        reset_at=1_764_000_000.001,
        degraded=degraded,
    )


def gate(*decisions: Decision) -> Gate:
    limits = RateLimits(Given(*decisions), {"some": [one.limit for one in decisions]})
    return Gate(limits, "some", "request-1")


def test_headers_are_structured_fields_and_whole_seconds() -> None:
    passed = gate(decision(API, 3), decision(PLAYER_BATTLES, 24))
    passed.admit("address", "203.0.113.5")
    assert passed.headers()["X-RateLimit-Limit"] == "51"
    passed.admit("player", "777")
    headers = passed.headers()
    # The player's own, though the address has fewer left.
    assert [headers[name] for name in RATE_HEADERS[:3]] == ["25", "24", "1764000001"]
    assert POLICY.fullmatch(headers["RateLimit-Policy"])
    assert STATE.fullmatch(headers["RateLimit"])
    assert headers["RateLimit"] == '"api";r=3;t=1, "player-battles";r=24;t=1'
    assert "X-RateLimit-Degraded" not in headers


def test_a_refusal_tells_of_the_limit_that_refused_and_asks_for_at_least_a_second() -> None:
    refused = gate(decision(API, 0, retry_after_ms=50, degraded=True))
    with pytest.raises(TooManyRequests) as caught:
        refused.admit("address", "203.0.113.5")
    assert caught.value.headers == {"Retry-After": "1"}
    assert caught.value.details == {"limit": "api", "retryAfterMs": 50}
    assert refused.headers()["RateLimit"] == '"api";r=0;t=1'
    assert refused.headers()["X-RateLimit-Degraded"] == "1"


def test_where_no_limit_was_asked_nothing_is_told() -> None:
    silent = Gate(None, "api", "request-1")
    silent.admit("address", "203.0.113.5")
    assert silent.headers() == {}


@pytest.mark.parametrize("context", [{}, {"identity": None}, {"identity": {}}, {"identity": {"sourceIp": None}}])
def test_a_request_without_an_address_is_counted_as_unknown(context: dict[str, object]) -> None:
    assert client_of(context, {"x-forwarded-for": "203.0.113.5"}, ()) == "unknown"
