"""The OpenAPI document and the service's behaviour agree.

Schemathesis makes requests from the document, in accordance with it and against it; each is sent to the app over a
real database, and each answer is checked against the document: its status, headers, content type and shape. What the
document allows must not be refused by the validator, what it forbids must be refused, and each operation must have
succeeded at least once.

OPENAPI_EXAMPLES (requests per operation and kind) and OPENAPI_SEED make a longer or another run.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.stateful import run_state_machine_as_test
from pymongo import MongoClient
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.openapi import checks as failures  # noqa: F401 (registers the checks below)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app as composition
from chalicelib.clock import ManualClock
from tests.gateway import call
from tests.installed import SEVERAL_REGIONS, installed_arena
from tests.integration.openapi.game import ADAPTED, Game
from tests.integration.openapi.leniency import beyond_json_schema
from tests.integration.openapi.wsgi import wsgi_application

EXAMPLES: Final = int(os.environ.get("OPENAPI_EXAMPLES", "12"))
SEED: Final = int(os.environ.get("OPENAPI_SEED", "20261123"))
NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# Of the first the library makes spaces of all alphabets, then accepts those of ASCII alone, and gives up most walks.
ANY_SPACE: Final = r"\\s*"
SOME_SPACE: Final = "[ ]*"
AS_DOCUMENTED: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT: Final = json.loads(composition.documentation.text)
OPERATIONS: Final = [
    f"{method.upper()} {path}" for path, operations in DOCUMENT["paths"].items() for method in operations
]


@dataclass(frozen=True)
class Harness:
    """The document's operations over a running game."""

    game: Game
    schema: Any
    credentials: dict[str, str]

    def operation(self, label: str) -> Any:
        method, path = label.split(" ")
        return self.schema[path][method]

    def send(self, case: Case[Any], *checks: Any) -> Response:
        response: Response = case.call(headers=self.credentials)
        case.validate_response(response, checks=[*AS_DOCUMENTED, *checks], headers=self.credentials)
        return response


@pytest.fixture(scope="module")
def harness(mongo_uri: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Harness]:
    print(f"OPENAPI_SEED={SEED} OPENAPI_EXAMPLES={EXAMPLES}")
    database = mongo_client[f"test_{uuid.uuid4().hex[:12]}"]
    clock = ManualClock(NOON)
    with installed_arena(mongo_uri, database, clock, **SEVERAL_REGIONS):
        game = Game(composition.app, database, clock)
        game.prepare()
        # Sign-in has a test of its own; left in, requests without it would pass for requests against the document.
        paths = {
            path: {method: {**operation, "security": []} for method, operation in operations.items()}
            for path, operations in DOCUMENT["paths"].items()
        }
        # A copy: the library completes what it is given.
        copy = json.dumps({**DOCUMENT, "paths": paths}).replace(ANY_SPACE, SOME_SPACE)
        schema = schemathesis.openapi.from_dict(json.loads(copy))
        schema.app = wsgi_application(composition.app)
        schema.config.base_url = "http://localhost"
        yield Harness(game, schema, game.credentials())
    mongo_client.drop_database(database.name)


def check_examples(harness: Harness, label: str, mode: GenerationMode, check: Callable[[Case[Any]], None]) -> None:
    """Calls ``check`` with EXAMPLES requests to the operation, the same ones for the same SEED."""

    def example(case: Case[Any]) -> None:
        check(case)

    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    strategy = harness.operation(label).as_strategy(generation_mode=mode)
    hypothesis.seed(SEED)(settings(given(case=strategy)(example)))()


@pytest.mark.parametrize("label", OPERATIONS)
def test_requests_as_documented_are_answered_as_documented(harness: Harness, label: str) -> None:
    statuses: list[int] = []

    def as_documented(case: Case[Any]) -> None:
        if len(statuses) % 2 and label in ADAPTED:
            ADAPTED[label](harness.game, case)
        response = harness.send(case)
        statuses.append(response.status_code)
        if response.status_code == 400 and not beyond_json_schema(case):
            error = response.json()["error"]
            assert error["code"] not in ("validation_error", "invalid_json"), error["details"]

    check_examples(harness, label, GenerationMode.POSITIVE, as_documented)
    assert any(200 <= status < 400 for status in statuses), f"{label} never succeeded: {sorted(set(statuses))}"


def refusable(label: str) -> bool:
    """Whether the operation has anything to get wrong."""
    method, path = label.split(" ")
    operation = DOCUMENT["paths"][path][method.lower()]
    return "requestBody" in operation or any(part.get("in") == "query" for part in operation["parameters"])


@pytest.mark.parametrize("label", [label for label in OPERATIONS if refusable(label)])
def test_requests_against_the_document_are_refused_as_documented(harness: Harness, label: str) -> None:
    def against_the_document(case: Case[Any]) -> None:
        harness.send(case, *([] if beyond_json_schema(case) else [negative_data_rejection]))

    check_examples(harness, label, GenerationMode.NEGATIVE, against_the_document)


@pytest.mark.timeout(600)
def test_walks_from_answers_to_requests(harness: Harness) -> None:
    """What one answer names is asked for next: brokers made here are trained, guilds founded here are joined."""
    followed: set[str] = set()
    base = harness.schema.as_state_machine()

    class Walk(base):  # type: ignore[misc,valid-type]
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": harness.credentials}

        def validate_response(self, response: Response, case: Case[Any], **_: Any) -> None:
            case.validate_response(response, checks=AS_DOCUMENTED, headers=harness.credentials)
            if response.status_code < 300 and refusable(case.operation.label):
                followed.add(case.operation.label)

    settings = hypothesis.settings(
        max_examples=max(1, EXAMPLES // 2),
        stateful_step_count=8,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    run_state_machine_as_test(hypothesis.seed(SEED)(Walk), settings=settings)  # type: ignore[no-untyped-call]
    assert followed


SECURED: Final = [
    label for label in OPERATIONS if DOCUMENT["paths"][label.split(" ")[1]][label.split(" ")[0].lower()].get("security")
]


@pytest.mark.parametrize("label", SECURED)
@pytest.mark.parametrize("header", [{}, {"x-telegram-init-data": "hash=00", "authorization": "Bearer of.bad.news"}])
def test_operations_with_sign_in_refuse_strangers(harness: Harness, label: str, header: dict[str, str]) -> None:
    method, path = label.split(" ")
    answer = call(composition.app, method, path.replace("{", "").replace("}", ""), {}, header)
    documented = DOCUMENT["paths"][path][method.lower()]["responses"]["401"]["description"]
    assert answer.status == 401
    assert answer.error["code"] in documented.split("; ")
