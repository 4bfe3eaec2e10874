"""The local cloud's real servers: they start, they survive a change of ports, and none is ever left behind."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from localcloud.errors import AlreadyRunning, ServerFailed
from localcloud.mongod import TRANSACTION_LIFETIME_SECONDS, ReplicaSet
from localcloud.ports import LOOPBACK, free_ports
from localcloud.processes import ProcessIdentity, descendants, read_pid_file, wait_until_gone
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor, live_supervisor
from localcloud.valkey import Valkey
from tests.redis_doors import eventually
from tests.servers import supervised

CHILD = Path(__file__).with_name("supervisor_child.py")
STOP_SECONDS = 30.0


@dataclass
class Running:
    """A supervisor in a process of its own, with the processes and ports it answers for."""

    process: "subprocess.Popen[str]"
    state: StateDir
    ports: list[int]
    processes: list[ProcessIdentity]

    def server(self, name: str) -> ProcessIdentity:
        found = read_pid_file(self.state.pid_file(name))
        assert found is not None
        return found

    def assert_nothing_is_left(self) -> None:
        assert wait_until_gone(self.processes, STOP_SECONDS) == []
        assert [port for port in self.ports if is_listening(port)] == []
        assert list(self.state.run.glob("*.pid")) == []


@contextmanager
def running_supervisor(state: StateDir, *more: str) -> Iterator[Running]:
    """Over Valkey, and ``more`` servers."""
    with ExitStack() as stack:
        command = [sys.executable, str(CHILD), str(state.root), *more]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        assert process.stdout is not None
        stack.enter_context(process.stdout)
        ports: list[int] = []
        for line in process.stdout:
            if line.startswith("ready"):
                ports = [int(port) for port in line.split()[1:]]
                break
        assert ports, "the supervisor did not get ready"
        own = ProcessIdentity.of(process.pid)
        assert own is not None
        yield Running(process, state, ports, descendants(own))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def insert_in_transaction(client: MongoClient[dict[str, Any]]) -> None:
    """However often members of a busy machine elect another primary meanwhile."""
    with client.start_session() as session:
        session.with_transaction(lambda own: client.sample.things.insert_one({"kept": True}, session=own))


def test_a_one_node_set_has_transactions_of_bounded_life(database: Database[dict[str, Any]]) -> None:
    insert_in_transaction(database.client)
    found = database.client.admin.command({"getParameter": 1, "transactionLifetimeLimitSeconds": 1})
    assert found["transactionLifetimeLimitSeconds"] == TRANSACTION_LIFETIME_SECONDS
    database.client.drop_database("sample")


def test_a_three_node_set_has_a_primary_and_two_secondaries(mongo_three_uri: str) -> None:
    with MongoClient[dict[str, Any]](mongo_three_uri) as client:
        insert_in_transaction(client)

        def states() -> list[str]:
            return sorted(member["stateStr"] for member in client.admin.command("replSetGetStatus")["members"])

        # Whoever copies the others' data first, or was not heard of in time, is none for a moment.
        eventually("there are three", lambda: states() == ["PRIMARY", "SECONDARY", "SECONDARY"], STOP_SECONDS)


def test_a_set_has_started_when_every_member_serves(state: StateDir) -> None:
    """One that copies the others' data yet makes no majority with another."""
    ports = free_ports(3)
    with Supervisor(state, log=lambda _: None) as supervisor:
        supervisor.start(ReplicaSet(ports).servers(state))
        for port in ports:
            with MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True) as client:
                said = client.admin.command("hello")
                assert said["isWritablePrimary"] or said["secondary"]


@pytest.mark.parametrize("members", [1, 3])
def test_a_set_keeps_its_data_when_its_ports_change(state: StateDir, members: int) -> None:
    """Each start may be given other ports, and the data directory remembers the old ones."""
    first, second = free_ports(members), free_ports(members)
    with Supervisor(state, log=lambda _: None) as supervisor:
        supervisor.start(ReplicaSet(first).servers(state))
        with MongoClient[dict[str, Any]](ReplicaSet(first).uri, w="majority") as client:
            insert_in_transaction(client)
    with Supervisor(state, log=lambda _: None) as supervisor:
        supervisor.start(ReplicaSet(second).servers(state))
        with MongoClient[dict[str, Any]](ReplicaSet(second).uri) as client:
            assert client.sample.things.count_documents({}) == 1
            insert_in_transaction(client)


def test_valkey_answers(valkey_url: str) -> None:
    from redis import Redis

    with Redis.from_url(valkey_url) as client:
        assert client.ping()


@pytest.mark.parametrize(("number", "more"), [(signal.SIGTERM, ["mongod"]), (signal.SIGINT, []), (signal.SIGHUP, [])])
def test_every_way_to_ask_stops_everything(state: StateDir, number: signal.Signals, more: list[str]) -> None:
    with running_supervisor(state, *more) as running:
        running.process.send_signal(number)
        assert running.process.wait(STOP_SECONDS) == 0
        running.assert_nothing_is_left()


def test_a_killed_supervisor_leaves_nothing(state: StateDir) -> None:
    """The guardian notices."""
    with running_supervisor(state, "mongod") as running:
        running.process.kill()
        running.process.wait()
        running.assert_nothing_is_left()


def test_a_start_stops_what_a_killed_supervisor_and_guardian_left(state: StateDir) -> None:
    with running_supervisor(state, "mongod") as killed:
        mongod = killed.server("mongod")
        guardian = next(process for process in killed.processes if is_guardian(process))
        guardian.signal(signal.SIGKILL)
        killed.process.kill()
        killed.process.wait()
        assert mongod.is_alive()
        with running_supervisor(state, "mongod") as restarted:
            assert not mongod.is_alive()
            assert restarted.server("mongod") != mongod
            # The guardian is nobody's to wait for: it was killed, and ends when the machine lets it.
            assert wait_until_gone(killed.processes, STOP_SECONDS) == []


def is_guardian(process: ProcessIdentity) -> bool:
    import psutil

    return "localcloud.guardian" in psutil.Process(process.pid).cmdline()


def test_a_live_supervisor_is_not_disturbed(state: StateDir) -> None:
    with running_supervisor(state) as running:
        with pytest.raises(AlreadyRunning, match=rf"already running \(pid {running.process.pid}\)"):
            Supervisor(state, log=lambda _: None).__enter__()
        assert live_supervisor(state) is not None
        assert all(process.is_alive() for process in running.processes)


def test_a_terminal_that_went_away_does_not_keep_servers_running(state: StateDir) -> None:
    """Nothing reads what the supervisor says any more: ``./arena up | head``."""
    with running_supervisor(state) as running:
        assert running.process.stdout is not None
        running.process.stdout.close()
        running.process.terminate()
        running.process.wait(STOP_SECONDS)
        running.assert_nothing_is_left()


def test_a_server_that_dies_is_named_and_the_rest_stopped(state: StateDir) -> None:
    with running_supervisor(state, "mongod") as running:
        running.server("valkey").signal(signal.SIGKILL)
        assert running.process.stdout is not None
        said = running.process.stdout.read()
        assert running.process.wait(STOP_SECONDS) == 1
        assert "valkey was ended by signal 9; the end of its log:" in said
        running.assert_nothing_is_left()


def test_a_server_that_cannot_start_shows_its_log() -> None:
    with supervised() as (supervisor, _), pytest.raises(ServerFailed, match=r"(?s)exit code 3.*no such option"):
        supervisor.start([Server("broken", ["sh", "-c", "echo no such option; exit 3"], ready=lambda: False)])


def test_a_server_that_never_gets_ready_is_given_up() -> None:
    with supervised() as (supervisor, _), pytest.raises(ServerFailed, match=re.escape("not ready after 0 s")):
        supervisor.start([Server("slow", ["sleep", "3600"], ready=lambda: False, start_seconds=0.2)])


def test_a_missing_program_is_named() -> None:
    with supervised() as (supervisor, _), pytest.raises(ServerFailed, match="could not be started: /no/such/program"):
        supervisor.start([Server("missing", ["/no/such/program"], ready=lambda: False)])


def test_the_log_of_the_run_before_is_kept(state: StateDir) -> None:
    for _ in range(2):
        with Supervisor(state, log=lambda _: None) as supervisor:
            supervisor.start([Valkey(free_ports(1)[0]).server(state)])
    assert state.log("valkey").exists()
    assert state.log("valkey").with_suffix(".previous.log").exists()
