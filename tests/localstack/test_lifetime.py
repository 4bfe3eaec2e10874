"""Functions live and die with their LocalStack, and a wrong installation does not start."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import BotoCoreError

from tests.localstack.handlers import ACTIONS, WAITS
from tests.localstack.running import (
    PATIENCE_SECONDS,
    START_SECONDS,
    STOP_SECONDS,
    RunningLocalStack,
    eventually,
    inside_localstack,
    running_localstack,
)


def _alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _everything_below(localstack: RunningLocalStack) -> set[int]:
    return {process.pid for process in psutil.Process(localstack.process.pid).children(recursive=True)}


@pytest.fixture
def waiting(tmp_path: Path) -> dict[str, str]:
    """Paths on which a waiting function waits and tells how far it is."""
    os.mkfifo(tmp_path / "gate")
    return {"GATE": str(tmp_path / "gate"), "STARTED": str(tmp_path / "started"), "DONE": str(tmp_path / "done")}


def test_a_stop_lets_the_running_invocation_finish_and_leaves_no_process(
    tmp_path: Path, waiting: dict[str, str]
) -> None:
    """SIGTERM: idle environments go, the busy one first ends its work, and its caller has the answer."""
    with running_localstack(tmp_path) as localstack, ThreadPoolExecutor() as callers:
        localstack.provisioned_function(ACTIONS, 2)
        answer = callers.submit(localstack.function(WAITS, waiting).invoke)
        eventually(Path(waiting["STARTED"]).exists)
        pids = _everything_below(localstack)
        assert len(pids) == 3
        localstack.process.terminate()
        eventually(lambda: _alive(pids), lambda alive: len(alive) == 1)
        with Path(waiting["GATE"]).open("w"):
            assert answer.result(PATIENCE_SECONDS).payload == "done"
        assert localstack.process.wait(STOP_SECONDS) == 0
        assert _alive(pids) == set()


def test_a_killed_localstack_takes_every_function_with_it(tmp_path: Path, waiting: dict[str, str]) -> None:
    """kill -9: idle ones, a busy one and what the busy one started itself."""
    with running_localstack(tmp_path) as localstack, ThreadPoolExecutor() as callers:
        localstack.provisioned_function(ACTIONS, 2)
        answer = callers.submit(localstack.function(WAITS, waiting).invoke, {"child": True})
        eventually(Path(waiting["STARTED"]).exists)
        pids = _everything_below(localstack)
        assert len(pids) == 4
        os.kill(localstack.process.pid, signal.SIGKILL)
        localstack.process.wait()
        eventually(lambda: _alive(pids), lambda alive: not alive)
        assert isinstance(answer.exception(PATIENCE_SECONDS), BotoCoreError)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ARENA_LAMBDA_PYTHON": ""}, "ARENA_LAMBDA_PYTHON is not set"),
        ({"ARENA_LAMBDA_DISABLED_PATCHES": "no_such_patch"}, "unknown patches: no_such_patch"),
    ],
)
def test_a_wrong_setting_ends_the_start(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    """Nothing half-configured serves: LocalStack ends with the reason."""
    localstack = RunningLocalStack(tmp_path, **variables)
    try:
        assert eventually(localstack.process.poll, lambda code: code is not None, seconds=START_SECONDS) != 0
        assert message in localstack.output()
    finally:
        localstack.kill()


def test_another_localstack_is_refused() -> None:
    """The patches were written for one release; any other is turned away by name."""
    answer = inside_localstack(
        """
import json
from localstack import constants
from arena_lambda.compatibility import UnsupportedLocalStackError, check_localstack_version
check_localstack_version(constants.VERSION)
try:
    check_localstack_version("4.14.0")
except UnsupportedLocalStackError as error:
    print(json.dumps(str(error)))
"""
    )
    assert answer.startswith("aiba-arena-lambda needs LocalStack 4.13.1, found 4.14.0")
