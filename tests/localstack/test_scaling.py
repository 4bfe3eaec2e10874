"""The controller's hands on a real LocalStack: what Lambda tells of provisioned concurrency, and that it moves."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.aws.provisioned import LambdaProvisioner
from chalicelib.cache.keys import LOCK as LOCK_KEY
from chalicelib.clock import ManualClock
from chalicelib.scaling.provisioning import Provision, Refused, make_move, wanted_move
from tests.fakes.memory_database import MemoryDatabase
from tests.fakes.memory_scaling import MemoryScaling
from tests.fakes.provisioning import FakeProvisioner
from tests.localstack.controller_child import LEASE_SECONDS, LOCK, Controllers, Site, control_until_asking
from tests.localstack.handlers import SLOW_TO_START, WHO
from tests.localstack.running import PATIENCE_SECONDS, REGION, Function, RunningLocalStack, eventually
from tests.redis_doors import client_of
from tests.scaling_worlds import Region, once
from tests.worlds import NOON


def provisioner_of(function: Function) -> LambdaProvisioner:
    return LambdaProvisioner(lambda: function.api, function.name, "live")


def ready(provisioner: LambdaProvisioner) -> Provision:
    return eventually(provisioner.read, lambda found: found.status in ("ready", "failed"))


def test_an_alias_is_read_and_moved(localstack: RunningLocalStack) -> None:
    function = localstack.function(WHO)
    function.point("live", function.publish())
    provisioner = provisioner_of(function)
    assert provisioner.read() == Provision(status="none")
    move = make_move(provisioner, wanted_move(provisioner.read(), 3, asked_seconds_ago=None))
    assert (move.outcome, move.before, move.after) == ("moved", 0, 3)
    assert ready(provisioner) == Provision(status="ready", requested=3, available=3)
    assert len(function.processes()) == 3
    quota = provisioner.quota()
    assert 0 < quota.unreserved <= quota.limit


def test_what_is_being_prepared_is_in_progress(localstack: RunningLocalStack, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    function = localstack.function(SLOW_TO_START, {"GATE": str(gate)})
    function.point("live", function.publish())
    provisioner = provisioner_of(function)
    provisioner.put(2)
    assert provisioner.read() == Provision(status="in_progress", requested=2, available=0)
    assert wanted_move(provisioner.read(), 1, asked_seconds_ago=1.0).outcome == "waiting"
    with gate.open("w"):
        assert ready(provisioner).available == 2


def test_a_version_that_can_not_start_has_failed(localstack: RunningLocalStack) -> None:
    function = localstack.function("import nowhere")
    function.point("live", function.publish())
    provisioner = provisioner_of(function)
    provisioner.put(1)
    assert ready(provisioner).status == "failed"


def test_an_alias_that_is_not_there_is_refused(localstack: RunningLocalStack) -> None:
    function = localstack.function(WHO)
    with pytest.raises(Refused, match="ResourceNotFound"):
        LambdaProvisioner(lambda: function.api, function.name, "live").put(1)


def test_the_controller_moves_real_processes(localstack: RunningLocalStack) -> None:
    """Load makes their number rise, idleness makes it fall; the decisions say why."""
    function = localstack.provisioned_function(WHO, 3)
    clock = ManualClock(NOON)
    store = MemoryScaling(MemoryDatabase())
    here = Region(clock, store, FakeProvisioner(clock))
    here.provisioner = provisioner_of(function)  # type: ignore[assignment]  # the port's other implementation
    here.serve(3, cpu_share=0.9)
    here.controller().run(once(5))
    assert ready(provisioner_of(function)).available == 6
    assert len(eventually(function.processes, lambda found: len(found) == 6)) == 6
    here.reports = []
    here.controller().run(once(60))
    ready(provisioner_of(function))
    assert len(eventually(function.processes, lambda found: len(found) < 6)) < 6
    moves = [one for one in store.decisions(100) if (one.get("move") or {}).get("outcome") == "moved"]
    assert {one["action"] for one in moves} == {"out", "in"}


def test_a_killed_controller_is_followed_by_one_that_goes_on_and_two_never_move_at_once(
    localstack: RunningLocalStack, mongo_uri: str, database: Database[dict[str, Any]], valkey_url: str
) -> None:
    """Killed at the worst moment: it has decided and stored it, holds the lock, and has not asked Lambda yet."""
    function = localstack.provisioned_function(WHO, 3)
    site = Site(localstack.url, REGION, function.name, mongo_uri, database.name, valkey_url)
    second = Controllers(site)
    second.region.serve(3, cpu_share=0.9)
    ours, theirs = multiprocessing.Pipe()
    first = multiprocessing.get_context("spawn").Process(target=control_until_asking, args=(site, theirs), daemon=True)
    first.start()
    assert ours.recv() == 6

    assert second.locks.acquire(LOCK, seconds=LEASE_SECONDS) is None
    first.kill()
    first.join()
    assert second.store.decisions(1)[0].get("move") is None
    assert second.provisioner.read().requested == 3

    # As ``LEASE_SECONDS`` later.
    with client_of(valkey_url) as redis:
        assert redis.pexpire(LOCK_KEY.key(database.name, name=LOCK), 500)
    held = second.locks.acquire(LOCK, seconds=LEASE_SECONDS, wait_seconds=PATIENCE_SECONDS)
    assert held is not None
    second.clock.advance(second.store.decisions(1)[0]["at"] + 15 - second.clock().timestamp())
    second.region.controller().evaluate(held.guard)
    assert ready(second.provisioner).available == 6
    assert len(eventually(function.processes, lambda found: len(found) == 6)) == 6
    newest, killed = second.store.decisions(2)
    assert (newest["move"]["outcome"], killed.get("move")) == ("moved", None)
    assert newest["desired"] == killed["desired"] == 6
    held.release()
    second.close()
