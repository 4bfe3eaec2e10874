"""Log lines: whose id they carry, what they never hold, which of them are written."""

import importlib
import io
import json
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from chalice.app import CloudWatchEvent
from pymongo.errors import DuplicateKeyError

from chalicelib import entrypoints
from chalicelib.entrypoints.invocations import InvocationFailed, InvokedBlueprint
from chalicelib.errors import Unavailable
from chalicelib.log_lines import LEVEL, SAMPLE_RATE, SERVICE, TIER_LEVEL, TRACE, fault, new_logger, sampled
from chalicelib.observability import correlated, correlation_id, fit_id, logger
from tests.http_arena import SCHEDULED
from tests.logged import Logged

ROOT = Path(__file__).resolve().parents[2]
SECRET = "Peter-1957"


def written(request: pytest.FixtureRequest, work: Callable[[Any], None], **environ: str) -> list[dict[str, Any]]:
    """What ``work`` logs with a logger of these settings."""
    stream = io.StringIO()
    work(new_logger({SERVICE: request.node.name, **environ}, correlation_id, stream))
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_id_of_its_block_alone(logged: Logged) -> None:
    logger().info("before")
    with correlated("outer"):
        with correlated("inner"):
            logger().info("within")
        logger().info("between")
    logger().info("after")
    found = {line["message"]: line.get("correlation_id") for line in logged.lines}
    assert found == {"before": None, "within": "inner", "between": "outer", "after": None}


def test_an_id_ends_with_its_block_whatever_happens() -> None:
    with pytest.raises(ValueError, match="x"), correlated("one"):
        raise ValueError("x")
    assert correlation_id() == ""


def test_threads_have_ids_of_their_own(logged: Logged) -> None:
    """Eight at once, each in its own block; the last word of each is spoken when all are within theirs."""
    gate = threading.Barrier(8, timeout=60)

    def work(number: int) -> None:
        with correlated(f"id-{number}"):
            gate.wait()
            logger().info("thread", number=number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    with correlated("main"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {line["number"]: line["correlation_id"] for line in logged.saying("thread")} == {
        number: f"id-{number}" for number in range(8)
    }


@pytest.mark.parametrize("given", ["a", "a b", "x" * 200, "!~", '{"a":1}'])
def test_an_id_a_client_may_choose(given: str) -> None:
    assert fit_id(given) == given


@pytest.mark.parametrize("given", ["", " a", "a ", "x" * 201, "a\nb", "é", "a\x7f", None, 5, ["a"]])
def test_an_id_nobody_may_choose(given: object) -> None:
    assert fit_id(given) == ""


def error_with_words() -> Exception:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise DuplicateKeyError(f"dup key: {SECRET}", 11000, {"keyValue": {"telegramId": SECRET}}) from error
    except DuplicateKeyError as error:
        error.add_note(SECRET)
        return error
    raise AssertionError


def test_of_an_exception_types_codes_and_places_are_logged_and_no_words(request: pytest.FixtureRequest) -> None:
    (line,) = written(request, lambda log: log.error("failed", exc_info=error_with_words()))
    assert SECRET not in json.dumps(line)
    assert line["exception_name"] == "DuplicateKeyError"
    told = line["exception"].splitlines()
    assert told[0] == "DuplicateKeyError(11000)"
    assert told.index("because of") + 1 == told.index("ValueError")
    assert any(part.endswith(" error_with_words") and Path(__file__).name in part for part in told)


def test_codes_of_errors() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": SECRET}}, "GetSecretValue")
    assert fault(refused) == "ClientError(AccessDenied)"
    assert fault(Unavailable("busy", SECRET)) == "Unavailable(busy)"
    assert fault(OSError(111, SECRET)) == "ConnectionRefusedError(111)"
    assert fault(KeyError(SECRET)) == "KeyError"


def test_a_line_is_one_line_whatever_is_in_it(request: pytest.FixtureRequest) -> None:
    text = 'a\nb\r\u2028\u2029"\\é\ud800'
    (line,) = written(request, lambda log: log.info("m", text=text, what=object(), none=None))
    assert (line["text"], line["what"], "none" in line) == (text, "<object>", False)


def test_a_librarys_message_is_logged_as_it_was_written(request: pytest.FixtureRequest) -> None:
    (line,) = written(request, lambda log: log.error("no route for %s", SECRET))
    assert line["message"] == "no route for %s"
    assert SECRET not in json.dumps(line)


def at_levels(log: Any) -> None:
    for level in ("debug", "info", "warning"):
        getattr(log, level)(level)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, ["info", "warning"]),
        ({TIER_LEVEL: "DEBUG"}, ["debug", "info", "warning"]),
        ({TIER_LEVEL: "DEBUG", LEVEL: ""}, ["debug", "info", "warning"]),
        ({TIER_LEVEL: "DEBUG", LEVEL: "warning"}, ["warning"]),
        ({LEVEL: "LOUD"}, ["log setting not used", "info", "warning"]),
        ({SAMPLE_RATE: "2"}, ["log setting not used", "info", "warning"]),
        ({SAMPLE_RATE: "often"}, ["log setting not used", "info", "warning"]),
        ({SAMPLE_RATE: "nan"}, ["log setting not used", "info", "warning"]),
    ],
)
def test_the_level_is_the_environments(
    request: pytest.FixtureRequest, environ: dict[str, str], expected: list[str]
) -> None:
    assert [line["message"] for line in written(request, at_levels, **environ)] == expected


def test_sampled_ids_have_their_debug_lines_everywhere_and_others_nowhere(request: pytest.FixtureRequest) -> None:
    ids = [f"id-{number}" for number in range(400)]

    def work(log: Any) -> None:
        for one in ids:
            with correlated(one):
                log.debug("detail")
        log.debug("of nobody")

    chosen = {line["correlation_id"] for line in written(request, work, **{SAMPLE_RATE: "0.25"})}
    assert chosen == {one for one in ids if sampled(one, 0.25)}
    assert 60 < len(chosen) < 140
    assert chosen < {one for one in ids if sampled(one, 0.5)}


def test_the_bounds_of_sampling(request: pytest.FixtureRequest) -> None:
    with correlated("any"):
        assert len(written(request, at_levels, **{SAMPLE_RATE: "1"})) == 3
    assert not sampled("any", 0.0)
    assert not sampled("", 1.0)


def test_the_traces_id_is_in_the_line_where_there_is_one(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACE, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    (line,) = written(request, lambda log: log.info("m"))
    assert line["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


class Context:
    aws_request_id = "8f1e4d7c-invocation"


def scheduled(work: Callable[[], None]) -> Any:
    """A function that runs by the clock, as Lambda loads it: without its application."""

    @InvokedBlueprint(__name__).schedule("rate(1 minute)")
    def run(_event: CloudWatchEvent) -> None:
        work()

    return run


def test_an_invocation_is_logged_under_lambdas_own_id_of_it(logged: Logged) -> None:
    run = scheduled(lambda: logger().info("run"))
    run(SCHEDULED, Context())
    run(SCHEDULED, None)
    first, second = logged.saying("run")
    assert first["correlation_id"] == Context.aws_request_id
    assert second["correlation_id"] not in ("", Context.aws_request_id)
    assert correlation_id() == ""


def fail(error: Exception) -> None:
    raise error


def test_what_an_invocation_fails_with_is_logged_without_its_words_and_told_to_lambda_so(logged: Logged) -> None:
    with pytest.raises(InvocationFailed, match=r"^KeyError$") as caught:
        scheduled(lambda: fail(KeyError(SECRET)))(SCHEDULED, Context())
    assert caught.value.__suppress_context__
    (line,) = logged.saying("invocation failed")
    assert (line["correlation_id"], line["exception_name"]) == (Context.aws_request_id, "KeyError")
    assert SECRET not in logged.text


def test_whatever_lambda_loads_without_the_application_identifies_its_invocations() -> None:
    names = [module.name for module in pkgutil.iter_modules(entrypoints.__path__, "chalicelib.entrypoints.")]
    blueprints = {name: getattr(importlib.import_module(name), "blueprint", None) for name in names}
    # WebSocket handlers answer whatever happens, and name the request by the client's message.
    plain = {name for name, found in blueprints.items() if found and not isinstance(found, InvokedBlueprint)}
    assert plain == {"chalicelib.entrypoints.websocket"}
    assert len(blueprints) > 8


def test_our_own_errors_fail_an_invocation_as_they_are() -> None:
    with pytest.raises(Unavailable):
        scheduled(lambda: fail(Unavailable("busy")))(SCHEDULED, None)


def test_the_application_is_there_before_its_logger_and_never_loads_a_tracer() -> None:
    check = (
        "import sys, app;"
        "assert not [name for name in sys.modules if 'powertools' in name or 'log_lines' in name];"
        "from chalicelib.observability import logger; logger().info('x');"
        "assert 'aws_lambda_powertools.logging.logger' in sys.modules;"
        "assert not [name for name in sys.modules if 'xray_sdk' in name]"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
