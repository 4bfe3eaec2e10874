"""Provisioned concurrency is a number of processes, and says so."""

import os
import threading
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.ending import set_at_the_end
from tests.localstack.handlers import SLOW_TO_START, WAITS, WHO
from tests.localstack.running import PATIENCE_SECONDS, RunningLocalStack, eventually, inside_localstack


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A named pipe on which a function waits."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


def test_scaling_starts_and_stops_only_the_difference(localstack: RunningLocalStack) -> None:
    """3, 5, 1, 2: exactly that many processes, and those that may stay do."""
    function = localstack.provisioned_function(WHO, 3)
    three = function.processes()
    five = function.scale(5)
    one = function.scale(1)
    two = function.scale(2)
    assert [len(found) for found in (three, five, one, two)] == [3, 5, 1, 2]
    assert three < five
    assert one < five
    assert one < two
    assert function.provisioned() == {"status": "READY", "requested": 2, "allocated": 2, "available": 2}
    answer = function.invoke(qualifier="live").payload
    assert answer["init"] == "provisioned-concurrency"
    assert answer["pid"] in two


def test_the_status_tells_what_is_there_while_it_scales(localstack: RunningLocalStack, gate: Path) -> None:
    """Starting environments are allocated, not available; a second update in the meantime is accepted and wins."""
    function = localstack.function(SLOW_TO_START, {"GATE": str(gate)})
    function.point("live", function.publish())
    function.provision(3)
    assert function.provisioned() == {"status": "IN_PROGRESS", "requested": 3, "allocated": 3, "available": 0}
    eventually(function.processes, lambda found: len(found) == 3)
    function.provision(1)
    assert function.provisioned() == {"status": "IN_PROGRESS", "requested": 1, "allocated": 1, "available": 0}
    with gate.open("w"):
        # Not failed where those that go are gone before the one that stays has started.
        assert eventually(lambda: function.provisioned()["status"], lambda status: status != "IN_PROGRESS") == "READY"
    assert function.provisioned() == {"status": "READY", "requested": 1, "allocated": 1, "available": 1}
    assert len(function.processes()) == 1


def test_a_version_that_cannot_start_is_reported_as_failed(localstack: RunningLocalStack) -> None:
    """Not as ready, with the environments that never were."""
    function = localstack.function("import nowhere")
    function.point("live", function.publish())
    assert function.scale(2) == set()
    assert function.provisioned() == {"status": "FAILED", "requested": 2, "allocated": 0, "available": 0}


def test_requests_spill_to_on_demand_until_provisioned_environments_are_ready(
    localstack: RunningLocalStack, gate: Path
) -> None:
    """A lease on an environment that is still starting fails no request."""
    function = localstack.function(SLOW_TO_START, {"GATE": str(gate)})
    function.point("live", function.publish())
    function.provision(1)
    assert function.invoke(qualifier="live").payload["init"] == "on-demand"
    with gate.open("w"):
        eventually(lambda: function.provisioned()["status"], lambda status: status == "READY")
    assert function.invoke(qualifier="live").payload["init"] == "provisioned-concurrency"


def test_scaling_down_lets_a_running_invocation_finish(
    localstack: RunningLocalStack, gate: Path, tmp_path: Path
) -> None:
    """The environment takes nothing new, ends its work and goes."""
    started, done = tmp_path / "started", tmp_path / "done"
    function = localstack.provisioned_function(
        WAITS, 1, {"GATE": str(gate), "STARTED": str(started), "DONE": str(done)}
    )
    replies: list[object] = []
    caller = threading.Thread(target=lambda: replies.append(function.invoke(qualifier="live").payload))
    caller.start()
    eventually(started.exists)
    function.api.delete_provisioned_concurrency_config(FunctionName=function.name, Qualifier="live")
    assert len(function.processes()) == 1
    with gate.open("w"):
        caller.join(PATIENCE_SECONDS)
    assert replies == ["done"]
    eventually(function.processes, lambda found: not found)


def test_a_lease_is_found_through_any_alias_of_the_version(localstack: RunningLocalStack) -> None:
    """An alias without provisioned concurrency, created first, hides nothing."""
    function = localstack.function(WHO)
    version = function.publish()
    function.point("canary", version)
    function.point("live", version)
    function.scale(1)
    assert function.invoke(qualifier="live").payload["init"] == "provisioned-concurrency"


def test_deleting_the_configuration_of_an_alias_stops_its_environments(localstack: RunningLocalStack) -> None:
    """And it can be configured again afterwards."""
    function = localstack.provisioned_function(WHO, 2)
    function.api.delete_provisioned_concurrency_config(FunctionName=function.name, Qualifier="live")
    eventually(function.processes, lambda found: not found)
    with pytest.raises(ClientError) as refusal:
        function.provisioned()
    assert refusal.value.response["Error"]["Code"] == "ProvisionedConcurrencyConfigNotFoundException"
    assert len(function.scale(1)) == 1


def test_deleting_an_alias_stops_its_environments(localstack: RunningLocalStack) -> None:
    """Nothing keeps running that nobody can reach."""
    function = localstack.provisioned_function(WHO, 2)
    function.api.delete_alias(FunctionName=function.name, Name="live")
    eventually(function.processes, lambda found: not found)


def test_an_alias_moves_warm_and_without_a_failed_request(localstack: RunningLocalStack) -> None:
    """Under traffic every answer is warm, of the old version, then of the new; then the old one is gone."""
    function = localstack.provisioned_function(WHO, 2)
    new = function.publish(WHO + "\n# changed\n")
    moved = threading.Event()
    answers: list[dict[str, str]] = []

    def call() -> None:
        after_move = 0
        while after_move < 5:
            answers.append(function.invoke(qualifier="live").payload)
            after_move += moved.is_set()

    caller = threading.Thread(target=call)
    caller.start()
    with set_at_the_end(moved):
        function.api.update_alias(FunctionName=function.name, Name="live", FunctionVersion=new)
    caller.join(PATIENCE_SECONDS)
    assert {answer["init"] for answer in answers} == {"provisioned-concurrency"}
    versions = [answer["version"] for answer in answers]
    assert versions == sorted(versions)
    assert versions[-1] == new
    assert function.provisioned() == {"status": "READY", "requested": 2, "allocated": 2, "available": 2}
    eventually(lambda: function.processes("1"), lambda found: not found)
    assert len(function.processes(new)) == 2


def test_whoever_drains_waits_for_invocations_that_have_yet_to_look() -> None:
    """And for no other: neither for one that has looked and runs, nor for one that ended without."""
    waited = inside_localstack(
        """
import json, threading
from arena_lambda.underway import Underway

underway = Underway()
inside, look, looked, end = (threading.Event() for _ in range(4))

def invocation():
    with underway.invocation():
        inside.set()
        look.wait(60)
        underway.has_looked()
        looked.set()
        end.wait(60)

waited = [underway.wait(0)]
running = threading.Thread(target=invocation)
running.start()
inside.wait(60)
waited.append(underway.wait(0.1))
look.set()
looked.wait(60)
waited.append(underway.wait(0))
end.set()
running.join()
with underway.invocation():
    pass
waited.append(underway.wait(0))
print(json.dumps(waited))
"""
    )
    assert waited == [True, False, True, True]
