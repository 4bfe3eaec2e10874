"""A Lambda environment that is a process answers as Lambda does, whatever its function does."""

import os
import re
import signal
import uuid
from pathlib import Path

import psutil
import pytest

from tests.localstack.handlers import ACTIONS, WHO
from tests.localstack.running import Function, RunningLocalStack, eventually

TIMEOUT_SECONDS = 4
"""Of what is to hang."""
LONG_SECONDS = 60
"""Of what is not: on a busy machine an answer may take seconds."""


@pytest.fixture(scope="module")
def actions(localstack: RunningLocalStack) -> Function:
    """A function that misbehaves as asked."""
    return localstack.function(ACTIONS, {"GREETING": "hello"}, timeout=LONG_SECONDS)


def test_the_answer_comes_with_the_functions_context_and_log(actions: Function) -> None:
    """The handler sees its ARN and deadline; what it printed is in the result and in the environment's file."""
    reply = actions.invoke({"do": "answer"})
    assert reply.error is None
    assert reply.payload["arn"].endswith(f":function:{actions.name}:$LATEST")
    assert 0 < reply.payload["left"] <= 1000 * LONG_SECONDS
    assert "asked for answer" in reply.log
    assert "START RequestId" in reply.log
    assert "REPORT RequestId" in reply.log
    assert {reply.payload["pid"]} <= actions.processes()
    written = "".join(path.read_text() for path in actions.owner.log_dir.glob(f"us-east-1.{actions.name}.*.log"))
    assert "loaded" in written
    assert "asked for answer" in written


def test_a_function_sees_lambdas_variables_and_none_of_localstacks(actions: Function) -> None:
    """Its own, Lambda's and the way to LocalStack; nothing that the server itself was started with."""
    variables = actions.invoke({"do": "environment"}).payload
    assert variables["GREETING"] == "hello"
    assert variables["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"
    assert variables["AWS_ENDPOINT_URL"] == actions.owner.url
    leaked = [name for name in variables if name.startswith(("ARENA_LAMBDA_", "GATEWAY_", "LOCALSTACK_VOLUME", "CFN_"))]
    assert leaked == []
    assert "HOME" not in variables


def test_an_exception_is_an_answer_and_the_process_lives_on(actions: Function) -> None:
    """The error document names the exception; the same process takes the next event."""
    before = actions.invoke().payload["pid"]
    reply = actions.invoke({"do": "raise"})
    assert reply.error == "Unhandled"
    assert (reply.payload["errorType"], reply.payload["errorMessage"]) == ("ValueError", "no such broker")
    assert "app.py" in reply.payload["stackTrace"][0]
    assert actions.invoke().payload["pid"] == before


def test_a_handler_that_hangs_is_cut_at_its_timeout(localstack: RunningLocalStack) -> None:
    """The answer says so and the process is replaced."""
    function = localstack.function(ACTIONS, timeout=TIMEOUT_SECONDS)
    # On a busy machine it may be cut before it has begun.
    reply = eventually(lambda: function.invoke({"do": "hang"}), lambda found: "asked for hang" in found.log)
    (before,) = map(int, re.findall(r"asked for hang of (\d+)", reply.log))
    assert reply.error == "Unhandled"
    assert reply.payload["errorType"] == "Sandbox.Timedout"
    assert reply.payload["errorMessage"].endswith(f"Task timed out after {TIMEOUT_SECONDS}.00 seconds")
    # What is not to hang is cut as well, where the machine has no time for it.
    after = eventually(lambda: function.invoke().payload.get("pid"))
    assert after != before
    _wait_until_gone(before)


def test_a_process_that_exits_in_mid_invocation_is_an_answer(actions: Function) -> None:
    """The answer gives the exit status; the next event is answered by another process."""
    before = actions.invoke().payload["pid"]
    reply = actions.invoke({"do": "crash"})
    assert reply.error == "Unhandled"
    assert reply.payload["errorType"] == "Runtime.ExitError"
    assert reply.payload["errorMessage"].endswith("exit status 3")
    assert "asked for crash" in reply.log
    assert actions.invoke().payload["pid"] != before


def test_an_answer_over_lambdas_limit_is_refused(actions: Function) -> None:
    """Six megabytes is the most a synchronous answer may hold."""
    assert actions.invoke({"do": "flood"}).payload["errorType"] == "Function.ResponseSizeTooLarge"


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import nowhere", "Runtime.ImportModuleError"),
        ("raise RuntimeError('no settings')", "RuntimeError"),
        ("import os; os._exit(4)", "Runtime.ExitError"),
        ("handled = None", "Runtime.HandlerNotFound"),
    ],
)
def test_code_that_cannot_be_loaded_is_an_answer(localstack: RunningLocalStack, source: str, error_type: str) -> None:
    """Each invocation says why, and no process is left."""
    function = localstack.function(source)
    for _ in range(2):
        reply = function.invoke()
        assert reply.error == "Unhandled"
        assert reply.payload["errorType"] == error_type
    eventually(function.processes, lambda found: not found)


def test_a_killed_environment_is_replaced_before_it_is_needed(localstack: RunningLocalStack) -> None:
    """kill -9 of an idle process costs no request; the environment has a new process without being asked."""
    function = localstack.provisioned_function(ACTIONS, 1)
    (killed,) = function.processes()
    os.kill(killed, signal.SIGKILL)
    (replacement,) = eventually(function.processes, lambda found: len(found) == 1 and killed not in found)
    assert function.invoke(qualifier="live").payload["pid"] == replacement
    assert function.provisioned()["status"] == "READY"


def test_a_request_that_meets_a_dead_idle_process_is_answered_by_its_successor(localstack: RunningLocalStack) -> None:
    """The process had not received the event, so it is safe to give it to another."""
    function = localstack.function(ACTIONS)
    for _ in range(5):
        pid = function.invoke().payload["pid"]
        os.kill(pid, signal.SIGKILL)
        _wait_until_gone(pid)
        reply = function.invoke()
        assert reply.error is None
        assert reply.payload["pid"] != pid


def _wait_until_gone(pid: int) -> None:
    """A process that dies gives up its memory, so its variables, first: its connection may still take a request."""
    eventually(lambda: not psutil.pid_exists(pid))


def test_equal_code_lies_there_once_and_goes_with_its_last_function(localstack: RunningLocalStack) -> None:
    """Two functions run from one directory; deleting one leaves the other able to start."""
    source = f"{ACTIONS}\n# {uuid.uuid4()}"
    one, other = localstack.function(source), localstack.function(source)
    roots = {function.invoke({"do": "environment"}).payload["LAMBDA_TASK_ROOT"] for function in (one, other)}
    (root,) = map(Path, roots)
    one.api.delete_function(FunctionName=one.name)
    eventually(one.processes, lambda found: not found)
    (pid,) = other.processes()
    os.kill(pid, signal.SIGKILL)
    _wait_until_gone(pid)
    assert other.invoke().error is None
    other.api.delete_function(FunctionName=other.name)
    eventually(root.exists, lambda found: not found)


def test_other_code_lies_elsewhere(localstack: RunningLocalStack) -> None:
    """A function that gets new code runs that, and its published version the old."""
    function = localstack.function(WHO)
    function.point("live", function.publish())
    new = function.publish(ACTIONS)
    assert function.invoke(qualifier="live").payload["version"] == "1"
    assert function.invoke(qualifier=new).payload["arn"].endswith(f":{new}")
