"""The console's page and files: what is served, whole and unchanged, under which policy, and to whose pages."""

import json
import re
from hashlib import sha256
from importlib import resources
from typing import Any, Final

import pytest

import app as composition
from chalicelib import wiring
from chalicelib.entrypoints.console import ASSETS, LIBRARIES, MODULES, content_security_policy, import_map
from chalicelib.entrypoints.cors import allowed_origins
from chalicelib.errors import Unavailable
from chalicelib.replication.regions import ORIGINS_MISSED_SECONDS, ORIGINS_SECONDS, KnownRoles, origins_of, roles_of
from chalicelib.settings import load
from infra.package import PROJECT_ROOT
from tests.gateway import call
from tests.unit.test_settings import DEVELOPMENT

UNCHANGED: Final = {
    # file: SHA-256 of the npm package's
    "preact.mjs": "bdcbd9abdf2c77c5c45326eab42191e949222d479d0d5f69467387a77040cb55",
    "preact-hooks.mjs": "e862ab2973aa6455eaa0f77c5d832d2157d6be59a17c8ba546550a575b58c6b4",
    "htm.mjs": "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
    "uPlot.esm.js": "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
REGIONS: Final = ("us-east-1", "eu-west-1")
ADDRESS: Final = "https://abc123.execute-api.eu-west-1.amazonaws.com/api"
ORIGIN: Final = "https://abc123.execute-api.eu-west-1.amazonaws.com"


def test_the_page_needs_nothing_that_is_not_there() -> None:
    """It comes even while settings can't be read, and says that it does not know of operators."""
    page = call(composition.app, "GET", "/console")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<meta name="arena-operators" content="unknown">' in page.text
    imports = json.loads(re.search(r'type="importmap">(.+?)</script>', page.text)[1])["imports"]  # type: ignore[index]
    addresses = [*re.findall(r'(?:src|href)="(console/[^"]+)"', page.text), *imports.values()]
    asked = {call(composition.app, "GET", "/" + address.removeprefix("./")).status for address in addresses}
    assert asked == {200}
    assert {re.split(r"[/?]", address.removeprefix("./"))[1] for address in addresses} == set(ASSETS)


def test_the_policy_admits_the_page_s_own_and_the_regions_apis() -> None:
    page = call(composition.app, "GET", "/console")
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert policy["connect-src"] == "'self'"
    assert f"connect-src 'self' {ORIGIN};" in content_security_policy({ORIGIN})
    assert page.headers["referrer-policy"] == "no-referrer"


def test_who_has_it_already_gets_nothing_new() -> None:
    for path in ("/console", "/console/app.js"):
        tag = call(composition.app, "GET", path).headers["etag"]
        assert call(composition.app, "GET", path, headers={"if-none-match": tag}).status == 304


@pytest.mark.parametrize("name", UNCHANGED)
def test_libraries_are_as_published_and_their_licences_are_there(name: str) -> None:
    served = call(composition.app, "GET", f"/console/{name}").text
    assert sha256(served.encode()).hexdigest() == UNCHANGED[name]
    package = re.split(r"[-.]", name)[0]
    licence = resources.files("chalicelib") / "console" / f"{package}.LICENSE.txt"
    assert "opyright" in licence.read_text(encoding="utf-8")
    assert set(LIBRARIES.values()) <= set(UNCHANGED)


@pytest.mark.parametrize("name", [*(f"{name}.js" for name in MODULES), "theme.js", "console.css"])
def test_our_own_files_ask_no_other_host_and_import_by_name(name: str) -> None:
    text = call(composition.app, "GET", f"/console/{name}").text
    assert "://" not in text
    imported = re.findall(r'^import .*?"([^"]+)";', text, re.M | re.S)
    assert set(imported) <= set(json.loads(import_map())["imports"])


def test_every_module_there_is_is_served_and_nothing_else() -> None:
    there = {path.name for path in (PROJECT_ROOT / "chalicelib" / "console").iterdir()}
    assert there - set(ASSETS) == {"index.html", *(f"{name}.LICENSE.txt" for name in ("preact", "htm", "uPlot"))}
    for name in ("index.html", "htm.LICENSE.txt", "..%2Fsettings.py"):
        assert call(composition.app, "GET", f"/console/{name}").status == 404


def roles(read: Any, now: list[float]) -> KnownRoles:
    return KnownRoles("us-east-1", REGIONS, read, lambda: now[0])


def test_origins_are_plain_web_addresses() -> None:
    stored = [{"_id": "us-east-1", "url": "http://127.0.0.1:4566/_aws/x"}, {"_id": "eu-west-1", "url": ADDRESS}]
    assert origins_of(roles_of(REGIONS, stored)) == {"http://127.0.0.1:4566", ORIGIN}
    for odd in (None, "", "ftp://x", "javascript:alert(1)", "https://*", "https://;script-src"):
        assert origins_of(roles_of(REGIONS, [{"_id": "us-east-1", "url": odd}])) == frozenset()


def test_origins_are_read_seldom_and_kept_while_they_cannot_be_read() -> None:
    """Anybody may have them read: once a minute, and while that fails once in some seconds."""
    now, reads, down = [0.0], [0], [True]

    def read() -> list[dict[str, Any]]:
        reads[0] += 1
        if down[0]:
            raise Unavailable("database_unavailable")
        return [{"_id": "eu-west-1", "url": ADDRESS}]

    known = roles(read, now)
    assert (known.origins(), known.origins(), reads[0]) == (frozenset[str](), frozenset[str](), 1)
    down[0] = False
    now[0] += ORIGINS_MISSED_SECONDS
    assert (known.origins(), known.origins(), reads[0]) == (frozenset({ORIGIN}), frozenset({ORIGIN}), 2)
    down[0] = True
    now[0] += ORIGINS_SECONDS
    assert (known.origins(), known.origins(), reads[0]) == (frozenset({ORIGIN}), frozenset({ORIGIN}), 3)


class RegionsAlone(wiring.Arena):
    """An arena that knows of its regions and nothing else."""

    @property
    def region_roles(self) -> KnownRoles:
        return roles(lambda: [{"_id": "eu-west-1", "url": ADDRESS}], [0.0])


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        ("/api/ops/scaling", ORIGIN, True),
        ("/api/ops/scaling/override", ORIGIN, True),
        ("/health/ready", ORIGIN, True),
        ("/api/ops/scaling", "https://elsewhere.test", False),
        ("/api/economy/me", ORIGIN, False),
        ("/api/admin/auth/login", ORIGIN, False),
        ("/api/economy/me", "https://app.arena.test", True),
    ],
)
def test_another_region_s_console_may_ask_what_consoles_ask(path: str, origin: str, allowed: bool) -> None:
    arena = RegionsAlone(load({**DEVELOPMENT, "CORS_ORIGIN": "https://app.arena.test"}))
    assert (origin in allowed_origins(arena, path, origin)) == allowed


def test_where_any_origin_is_allowed_it_stays_so() -> None:
    arena = RegionsAlone(load({**DEVELOPMENT, "CORS_ORIGIN": ""}))
    assert allowed_origins(arena, "/api/ops/scaling", "https://elsewhere.test") == ()
