"""The OpenAPI document is complete, valid and the same each time; the API's page comes from here alone."""

import json
import re
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from openapi_spec_validator import validate

import app as composition
from chalicelib.entrypoints.api_description import API_VERSION
from chalicelib.entrypoints.documentation import ASSETS, CONTENT_SECURITY_POLICY
from chalicelib.entrypoints.http import Answer, Routes
from chalicelib.entrypoints.openapi import UndescribedRoute, described, document, unused_shapes
from tests.gateway import call

ROOT: Final = Path(__file__).resolve().parents[3]
DOCUMENT: Final = composition.documentation.document
ROUTES: Final = described(composition.documentation.declared)
LAMBDA_ANSWER_MAX_BYTES: Final = 6_000_000
VENDORED: Final = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}
"""Of swagger-ui-dist 5.35.0 as npm has it."""


def operations() -> list[dict[str, Any]]:
    return [operation for path in DOCUMENT["paths"].values() for operation in path.values()]


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_every_route_is_in_the_document() -> None:
    documented = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    routed = {
        (method, path)
        for path, methods in composition.app.routes.items()
        for method in methods
        if method != "OPTIONS" and path not in ("/", "/{proxy+}")
    }
    assert documented == routed


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_says_what_it_does(route: Any) -> None:
    assert route.summary
    assert not route.summary.endswith(".")
    assert any(answer.status < 300 for answer in route.answers)


def routes_with(**declaration: Any) -> Routes:
    routes = Routes(__name__)
    routes.route("GET", "/api/realms", **declaration)(lambda _call: None)
    return routes


@pytest.mark.parametrize(
    "declaration",
    [
        {"answers": (Answer("Realms"),)},
        {"summary": "Realms"},
        {"summary": "Realms", "answers": (Answer("Relams"),)},
    ],
)
def test_a_route_that_says_too_little_has_no_document(declaration: dict[str, Any]) -> None:
    with pytest.raises(UndescribedRoute, match="GET /api/realms"):
        document(routes_with(**declaration).declared)


def test_no_shape_is_unused() -> None:
    assert unused_shapes(DOCUMENT) == set()


def test_an_unused_shape_is_noticed() -> None:
    few = document(routes_with(summary="Realms", answers=(Answer("Realms"),)).declared)
    assert {"Battle", "Claim"} <= unused_shapes(few)
    assert not {"Realms", "Realm", "ObjectId", "Refusal"} & unused_shapes(few)


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in operations()]
    assert sorted(names) == sorted(set(names))


def test_every_answer_names_the_request() -> None:
    for operation in operations():
        for response in operation["responses"].values():
            assert "X-Request-Id" in response["headers"]


def test_the_document_is_the_same_in_another_process() -> None:
    done = subprocess.run(
        [str(ROOT / "arena"), "openapi"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "1"},
    )
    assert done.stdout == json.dumps(DOCUMENT, indent=2, ensure_ascii=False) + "\n"


def test_the_application_starts_without_it() -> None:
    script = (
        "import app, sys\n"
        "late = [name for name in sys.modules if 'entrypoints.schemas' in name or 'entrypoints.openapi' in name]\n"
        "assert not late, late\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_its_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == API_VERSION


def test_the_document_is_served_as_it_is() -> None:
    answer = call(composition.app, "GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json == DOCUMENT
    assert len(answer.text.encode()) < LAMBDA_ANSWER_MAX_BYTES


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/swagger-ui.css"])
def test_who_has_it_already_gets_nothing_new(path: str) -> None:
    first = call(composition.app, "GET", path)
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = call(composition.app, "GET", path, headers={"if-none-match": known})
        assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
    assert call(composition.app, "GET", path, headers={"if-none-match": '"other"'}).status == 200


def test_the_page_asks_no_other_host() -> None:
    page = call(composition.app, "GET", "/docs")
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "//" not in CONTENT_SECURITY_POLICY
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    own = [address for address in addresses if address != "data:,"]
    assert len(own) == len(ASSETS) + 1
    for address in own:
        assert call(composition.app, "GET", f"/{address}").status == 200


def test_the_page_is_made_once() -> None:
    page = composition.documentation.page
    assert call(composition.app, "GET", "/docs").text == page
    assert composition.documentation.page is page


def test_the_page_does_not_store_credentials() -> None:
    assert "persistAuthorization" not in call(composition.app, "GET", "/docs/start.js").text
    # Left out, it is off.
    assert "persistAuthorization:!1" in call(composition.app, "GET", "/docs/swagger-ui-bundle.js").text


@pytest.mark.parametrize("name", ASSETS)
def test_assets_are_served_whole(name: str) -> None:
    answer = call(composition.app, "GET", f"/docs/{name}")
    assert (answer.status, answer.headers["content-type"]) == (200, ASSETS[name])
    assert len(json.dumps(answer.text)) < LAMBDA_ANSWER_MAX_BYTES
    if name in VENDORED:
        assert sha256(answer.text.encode()).hexdigest() == VENDORED[name]
    else:
        assert "://" not in answer.text


def test_nothing_else_of_the_folder_is_served() -> None:
    for name in ("index.html", "LICENSE", "..%2Fopenapi.py", "__init__.py"):
        answer = call(composition.app, "GET", f"/docs/{name}")
        assert (answer.status, answer.error["code"]) == (404, "not_found")
