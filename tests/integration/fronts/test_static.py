"""nginx's own work: static assets, and what it compresses; HAProxy's caching of what a static server sends."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.fronts.figures import GZIP_MIN_BYTES, GZIP_TYPES
from tests.integration.fronts.instances import Running
from tests.integration.fronts.test_answers import assert_guarded, assert_refused
from tests.integration.fronts.world import Started, front_of, pool, started

FOREVER = "public, max-age=31536000, immutable"
COMPRESSED = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def front(three: list[Running], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    root = tmp_path_factory.mktemp("static")
    for name in ("small.js", "small.json"):
        (root / name).write_text("x" * (GZIP_MIN_BYTES - 1))
    for name in ("big.js", "big.css", "big.json", "big.txt", "big.xml", "big.svg", "big.png", "big.woff2"):
        (root / name).write_text("x" * GZIP_MIN_BYTES)
    with started("nginx", front_of(three, static_root=str(root))) as (one,):
        yield one


def test_assets_are_kept_for_a_year(front: Started) -> None:
    client = front.client("127.0.7.1")
    for path in ("/big.js", "/big.css", "/big.png", "/big.svg", "/big.woff2"):
        answer = client.ask(path)
        assert (answer.status, answer.headers["cache-control"]) == (200, FOREVER)
        assert_guarded(answer)
        again = client.ask(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status, again.headers["cache-control"]) == (304, FOREVER)
        assert_guarded(again)
        part = client.ask(path, headers={"Range": "bytes=0-9"})
        assert (part.status, len(part.body), part.headers["cache-control"]) == (206, 10, FOREVER)


def test_an_asset_that_is_missing_is_not(front: Started) -> None:
    answer = front.client("127.0.7.2").ask("/new.js")
    assert_refused(answer, 404, "not_found")
    assert_guarded(answer)
    assert "cache-control" not in front.client("127.0.7.2").ask("/big.txt").headers


def test_only_what_is_big_and_of_a_listed_type_is_compressed(front: Started) -> None:
    client = front.client("127.0.7.3")
    listed = {"/big.js", "/big.css", "/big.json", "/big.txt", "/big.xml"}
    for path in (*listed, "/big.svg", "/big.png", "/big.woff2", "/small.js", "/small.json"):
        answer = client.ask(path, headers=COMPRESSED)
        kind = answer.headers["content-type"].partition(";")[0]
        assert (answer.headers.get("content-encoding") == "gzip") is (path in listed), path
        assert (kind in GZIP_TYPES) is (path in listed or path.startswith("/small")), path
        if path in listed:
            assert "Accept-Encoding" in answer.headers["vary"]
            assert gzip.decompress(answer.body) == b"x" * GZIP_MIN_BYTES
    assert "content-encoding" not in client.ask("/big.js").headers


def test_the_arena_s_answers_are_compressed_by_the_same_rule(front: Started) -> None:
    client = front.client("127.0.7.4")
    big, small = (client.ask(path, headers=COMPRESSED) for path in ("/openapi.json", "/api/comms/status"))
    assert big.headers["content-encoding"] == "gzip"
    assert b'"openapi"' in gzip.decompress(big.body)
    assert "content-encoding" not in small.headers
    # Through a CDN, too, which says so by Via.
    via = client.ask("/openapi.json", headers={**COMPRESSED, "Via": "1.1 cdn"})
    assert via.headers["content-encoding"] == "gzip"


def test_a_body_beyond_what_lambda_takes_is_refused_in_the_envelope(front: Started) -> None:
    answer = front.client("127.0.7.5").ask("/api/seen", "POST", b"x" * (6 * 1024 * 1024 + 1))
    assert_refused(answer, 413, "payload_too_large")
    assert_guarded(answer)


def test_haproxy_marks_a_static_server_s_assets(three: list[Running], tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("x")
    (tmp_path / "page.html").write_text("x")
    static = front_of(three, static_root=str(tmp_path))
    behind = Running("static", static.http_port, three[0].process, three[0].state)
    with started("nginx", static), started("haproxy", front_of(three, static=pool([behind]))) as (front,):
        client = front.client("127.0.7.6")
        found = {path: client.ask(path).headers.get("cache-control") for path in ("/app.js", "/new.js", "/page.html")}
        assert found == {"/app.js": FOREVER, "/new.js": "no-store", "/page.html": None}
        assert_guarded(client.ask("/app.js"))
