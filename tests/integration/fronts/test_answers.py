"""What every answer of either front carries, who a client is taken for, and TLS."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.local_front import LOCAL_NGINX_WORKERS
from infra.fronts.model import Pool, Region, Server
from localcloud.ports import LOOPBACK, free_ports
from tests.integration.fronts.instances import Running
from tests.integration.fronts.world import ENVELOPE, KINDS, Answer, Started, certified, front_of, started

HSTS = "max-age=31536000; includeSubDomains"


@pytest.fixture(scope="module", params=KINDS)
def front(request: pytest.FixtureRequest, three: list[Running]) -> Iterator[Started]:
    with started(request.param, front_of(three)) as (one,):
        yield one


def assert_guarded(answer: Answer, *, hsts: str | None = None) -> None:
    """Each header once: a second value beside the first would be joined to it."""
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers.get("strict-transport-security") == hsts
    assert answer.headers["x-request-id"].count(",") == 0
    assert "x-xss-protection" not in answer.headers


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["error"]["code"]) == (status, code)
    assert set(answer.json) == ENVELOPE
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["requestId"] == answer.headers["x-request-id"]


def test_the_arena_s_answers_and_errors_are_guarded(front: Started) -> None:
    client = front.client("127.0.1.1")
    for path, status in (("/api/game-modes", 200), ("/api/nothing", 404), ("/api/economy/me", 401), ("/docs", 200)):
        answer = client.ask(path)
        assert answer.status == status
        assert "x-instance" in answer.headers
        assert_guarded(answer)
    tag = client.ask("/openapi.json").headers["etag"]
    unchanged = client.ask("/openapi.json", headers={"If-None-Match": tag})
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert_guarded(unchanged)


def test_health_is_the_front_s_own(front: Started) -> None:
    answer = front.client().ask("/health")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"healthy\n", "text/plain")
    assert "x-instance" not in answer.headers
    assert_guarded(answer)


@pytest.mark.parametrize("path", ["/", "/nothing", "/metrics", "/health/ready", "/app.js"])
def test_what_is_not_the_players_is_not_to_be_had(front: Started, path: str) -> None:
    answer = front.client("127.0.1.2").ask(path, headers={"Origin": "https://game.test"})
    assert_refused(answer, 404, "not_found")
    assert_guarded(answer)
    # A page of another origin may read a refusal.
    assert answer.headers["access-control-allow-origin"] == "https://game.test"
    assert "Origin" in answer.headers["vary"]


def test_no_server_at_all_is_a_guarded_refusal_that_says_when_to_come_back() -> None:
    (nobody,) = free_ports(1)
    for kind, status, code in (("nginx", 502, "bad_gateway"), ("haproxy", 503, "unavailable")):
        with started(kind, front_of((), regions=_regions(nobody))) as (front,):
            answer = front.client().ask("/api/game-modes")
            assert_refused(answer, status, code)
            assert answer.headers["retry-after"] == "1"
            assert_guarded(answer)


def _regions(port: int) -> tuple[Region, ...]:
    return (Region(name="home", api=Pool(servers=(Server(LOOPBACK, port),))),)


def test_an_unreadable_request_is_refused_by_nginx_in_the_envelope_by_haproxy_barely(front: Started) -> None:
    with socket.create_connection((LOOPBACK, front.front.http_port)) as raw:
        raw.sendall(b"not a request\r\n\r\n")
        answer = http.client.HTTPResponse(raw)
        answer.begin()
        found = Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    assert found.status == 400
    if front.kind == "nginx":
        assert_refused(found, 400, "bad_request")
        assert_guarded(found)
    else:
        # Written by HAProxy's HTTP/1 parser before there is a request: no rule and no error file reaches it.
        assert "x-frame-options" not in found.headers


def test_request_ids_are_handed_through_or_made(front: Started) -> None:
    client = front.client("127.0.1.3")
    for given, kept in (("abc-1.2:3", True), ('x"y', False), ("x" * 201, False), (None, False)):
        headers = {} if given is None else {"X-Request-Id": given}
        answer = client.ask("/api/seen", headers=headers)
        seen = answer.json["headers"]
        assert seen["x-request-id"] == answer.headers["x-request-id"]
        assert (seen["x-request-id"] == given) is kept
        assert len(seen["x-request-id"]) >= (9 if kept else 32)


def test_the_client_s_address_is_appended_and_what_it_claims_stays_left_of_it(front: Started) -> None:
    answer = front.client("127.0.1.4").ask("/api/seen", headers={"X-Forwarded-For": "203.0.113.9"})
    seen = answer.json["headers"]
    forwarded = [part.strip() for part in seen["x-forwarded-for"].split(",")]
    assert forwarded == ["203.0.113.9", "127.0.1.4"]
    assert (seen["x-real-ip"], seen["x-forwarded-proto"]) == ("127.0.1.4", "http")


@pytest.mark.parametrize("kind", KINDS)
def test_a_trusted_proxy_before_the_front_names_the_client(kind: str, three: list[Running]) -> None:
    with started(kind, front_of(three, trusted=("127.0.0.0/8",))) as (front,):
        answer = front.client().ask("/api/seen", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        seen = answer.json["headers"]
        assert seen["x-real-ip"] == "203.0.113.9"
        assert seen["x-forwarded-for"].endswith("203.0.113.9")


def test_no_protocol_but_websocket_is_switched_to(front: Started) -> None:
    headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQAAP__"}
    answer = front.client("127.0.1.5").ask("/api/seen", headers=headers)
    assert answer.status == 200
    assert "upgrade" not in answer.json["headers"]


def test_connections_to_instances_are_kept(front: Started) -> None:
    asked = 40
    accepted: dict[str, set[int]] = {}
    for number in range(asked):
        # A connection and an address for each: what is kept is the front's, and no client is limited.
        client = front.client(f"127.0.3.{number + 1}")
        answer = client.ask("/api/seen")
        client.close()
        assert "connection" not in answer.json["headers"]
        accepted.setdefault(answer.headers["x-instance"], set()).add(int(answer.headers["x-accepted"]))
    assert set(accepted) == {"one", "two", "three"}
    if front.kind == "nginx":
        # Nobody else connects: HAProxy's own checks would be counted as well.
        assert all(max(seen) - min(seen) < LOCAL_NGINX_WORKERS for seen in accepted.values())


@pytest.mark.parametrize("kind", KINDS)
def test_tls_is_ended_here_and_plain_http_sent_to_it(kind: str, three: list[Running], tmp_path: Path) -> None:
    certificate, trust = certified(tmp_path)
    with started(kind, front_of(three, certificate=str(certificate.bundle))) as (front,):
        plain, tls = front.client(), front.tls(trust)
        sent = plain.ask("/api/battle/run?x=1", "POST", {})
        assert sent.status == 308
        assert sent.headers["location"] == f"https://127.0.0.1:{front.front.https_port}/api/battle/run?x=1"
        assert_guarded(sent)
        assert plain.ask("/health").status == 200
        answer = tls.ask("/api/seen")
        assert answer.json["headers"]["x-forwarded-proto"] == "https"
        assert_guarded(answer, hsts=HSTS)
        refused = tls.ask("/nothing")
        assert_refused(refused, 404, "not_found")
        assert_guarded(refused, hsts=HSTS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_spoken_to_by_tls_is_believed_by_its_certificate_alone(
    kind: str, three: list[Running], tmp_path: Path
) -> None:
    certificate, _ = certified(tmp_path / "known")
    stranger, _ = certified(tmp_path / "stranger")
    behind = front_of(three, certificate=str(certificate.bundle))
    api = Pool(servers=(Server(LOOPBACK, behind.https_port),), host="localhost", tls=True)
    before = front_of((), regions=(Region(name="home", api=api),), authorities=str(certificate.authority))
    elsewhere = front_of((), regions=before.regions, authorities=str(stranger.authority))
    with started("nginx", behind), started(kind, before, elsewhere) as (trusting, wary):
        assert trusting.client("127.0.1.6").ask("/api/game-modes").status == 200
        refused = wary.client("127.0.1.6").ask("/api/game-modes")
        assert refused.status in (502, 503)
        assert_guarded(refused)
