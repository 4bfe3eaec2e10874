"""The local cloud's parts that need no server: state, secrets, ports, pid files, tasks."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.binaries import find_binary
from localcloud.errors import LocalCloudError, PortTaken, StopRequested
from localcloud.local_secrets import arena_secret, load_or_create
from localcloud.mongod import ReplicaSet
from localcloud.ports import claim, claim_range, free_ports
from localcloud.processes import (
    ProcessIdentity,
    read_pid_file,
    terminate,
    wait_until_gone,
    write_pid_file,
)
from localcloud.server import tail
from localcloud.state import StateDir, write_atomically
from localcloud.supervisor import stop_recorded
from localcloud.tasks import Task, run_all
from localcloud.topology import REGIONS, database_name

ENDS_SECONDS = 60
"""What was told to end, or killed, takes a while on a busy machine."""


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    made = StateDir(tmp_path / "state")
    made.create()
    return made


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that would outlive the test by far."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def nothing() -> None:
    """A check that finds nothing amiss."""


class TestState:
    def test_an_option_wins_over_the_variable_and_the_variable_over_the_checkout(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("ARENA_STATE_DIR", raising=False)
        assert StateDir.locate(None, tmp_path).root == tmp_path / ".arena" / "state"
        monkeypatch.setenv("ARENA_STATE_DIR", "/named")
        assert StateDir.locate(None, tmp_path).root == Path("/named")
        assert StateDir.locate(Path("/chosen"), tmp_path).root == Path("/chosen")

    def test_status_is_read_as_written_and_gone_when_cleared(self, state: StateDir) -> None:
        assert state.read_status() is None
        state.write_status({"tier": "development"})
        assert state.read_status() == {"tier": "development"}
        state.clear_status()
        assert state.read_status() is None

    def test_half_a_status_file_is_no_status(self, state: StateDir) -> None:
        state.status_file.write_text('{"tier": "dev')
        assert state.read_status() is None

    def test_writing_leaves_no_temporary_file(self, tmp_path: Path) -> None:
        write_atomically(tmp_path / "file", "text")
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_purge_empties_a_state_directory(self, state: StateDir) -> None:
        state.server_data("mongod").joinpath("data").write_text("x")
        load_or_create(state)
        state.purge()
        assert list(state.root.iterdir()) == []

    def test_purge_refuses_a_directory_that_is_not_ours(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        with pytest.raises(LocalCloudError, match="nothing was deleted"):
            StateDir(tmp_path).purge()
        assert (tmp_path / "data").exists()

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(LocalCloudError, match="cannot be used"):
            StateDir(tmp_path / "file" / "state").create()


class TestSecrets:
    def test_they_are_made_once_strong_and_private(self, state: StateDir) -> None:
        first = load_or_create(state)
        assert load_or_create(state) == first
        assert re.fullmatch(r"[1-9]\d{9}:AA[\w-]{33}", first["TELEGRAM_BOT_TOKEN"])
        assert len(first["BATTLE_SEED_SECRET"]) >= 32
        assert len(first["ADMIN_JWT_SECRET"]) >= 32
        assert state.secrets_file.stat().st_mode & 0o777 == 0o600

    def test_two_checkouts_share_none(self, tmp_path: Path) -> None:
        made = []
        for name in ("one", "two"):
            state = StateDir(tmp_path / name)
            state.create()
            made.append(load_or_create(state))
        assert {key for key in made[0] if made[0][key] == made[1][key]} == {"ADMIN_EMAIL"}

    def test_kept_values_survive_and_missing_ones_are_added(self, state: StateDir) -> None:
        state.secrets_file.write_text('{"TELEGRAM_BOT_TOKEN": "mine"}')
        secrets = load_or_create(state)
        assert secrets["TELEGRAM_BOT_TOKEN"] == "mine"
        assert secrets["BATTLE_SEED_SECRET"]

    def test_an_illegible_file_is_not_replaced(self, state: StateDir) -> None:
        state.secrets_file.write_text("{")
        with pytest.raises(LocalCloudError, match="JSON"):
            load_or_create(state)
        assert state.secrets_file.read_text() == "{"

    def test_functions_are_not_given_the_admins_password(self, state: StateDir) -> None:
        known = json.loads(arena_secret(load_or_create(state), mongo_uri="mongodb://m", redis_url="redis://r"))
        assert set(known) == {
            *("MONGO_URI", "REDIS_URL", "TELEGRAM_BOT_TOKEN", "BATTLE_SEED_SECRET"),
            *("ADMIN_JWT_SECRET", "ADMIN_EMAIL", "ADMIN_PASSWORD_HASH", "REPLICATION_SECRET"),
        }


class TestPorts:
    def test_free_ports_differ(self) -> None:
        assert len(set(free_ports(20))) == 20

    def test_free_ports_are_given_once_and_none_an_outgoing_connection_may_get(self) -> None:
        """Servers that start later would find them taken by those that already speak to each other."""
        given = [port for _ in range(40) for port in free_ports(12)]
        assert len(set(given)) == len(given)
        assert max(given) < 32_768

    def test_what_a_living_process_was_given_no_other_is(self) -> None:
        """Nobody listens on it yet. So many, that two who know nothing of each other would meet."""
        many = "[print(*free_ports(100)) for _ in range(30)]; print('done', flush=True); input()"
        program = f"import sys; sys.path = {sys.path}; from localcloud.ports import free_ports; {many}"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", program], text=True, **pipes) as other:  # type: ignore[call-overload]
            theirs = {int(port) for line in iter(other.stdout.readline, "done\n") for port in line.split()}
            ours = set(free_ports(60))
            other.communicate("\n")
        assert len(theirs) == 3000
        assert not ours & theirs

    def test_zero_takes_any(self) -> None:
        assert claim(0, server="s", setting="--s") > 0
        assert len(set(claim_range(0, 3, server="s", setting="--s"))) == 3

    def test_a_taken_port_is_named_with_its_owner_and_setting(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(PortTaken, match=rf"port {port}, wanted by mongod, is taken by pid \d+") as refusal:
                claim(port, server="mongod", setting="--mongo-port")
        assert "--mongo-port" in refusal.value.hint

    def test_a_replica_set_names_all_its_members(self) -> None:
        assert ReplicaSet([1, 2]).uri == "mongodb://127.0.0.1:1,127.0.0.1:2/?replicaSet=arena"


class TestProcesses:
    def test_a_process_is_itself_until_it_ends(self, sleeper: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
        identity = ProcessIdentity.of(sleeper.pid)
        assert identity is not None
        write_pid_file(tmp_path / "pid", identity)
        assert read_pid_file(tmp_path / "pid") == identity
        assert identity.is_alive()
        terminate(identity, grace_seconds=60)
        assert not identity.is_alive()
        assert sleeper.wait() == -signal.SIGTERM

    def test_a_recycled_pid_is_not_the_recorded_process(
        self, sleeper: "subprocess.Popen[bytes]", state: StateDir
    ) -> None:
        """The pid file's process is gone and another has its pid: that one is left alone."""
        write_pid_file(state.pid_file("mongod"), ProcessIdentity(sleeper.pid, "another-boot:1"))
        stop_recorded(state, lambda _: None)
        assert sleeper.poll() is None
        assert not state.pid_file("mongod").exists()

    def test_a_stale_process_is_stopped_and_named(self, sleeper: "subprocess.Popen[bytes]", state: StateDir) -> None:
        identity = ProcessIdentity.of(sleeper.pid)
        assert identity is not None
        write_pid_file(state.pid_file("mongod"), identity)
        said: list[str] = []
        stop_recorded(state, said.append)
        assert said == [f"stopping mongod of an earlier run (pid {sleeper.pid})"]
        assert wait_until_gone([identity], ENDS_SECONDS) == []

    def test_one_that_ignores_sigterm_is_killed_with_its_children(self) -> None:
        script = (
            "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
            "sleep = 'import time; time.sleep(3600)'; "
            "child = subprocess.Popen([sys.executable, '-c', sleep], start_new_session=True); "
            "print(child.pid, flush=True); child.wait()"
        )
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
        assert parent.stdout is not None
        child = ProcessIdentity.of(int(parent.stdout.readline()))
        identity = ProcessIdentity.of(parent.pid)
        assert child is not None
        assert identity is not None
        terminate(identity, grace_seconds=0.2)
        assert parent.wait() == -signal.SIGKILL
        assert wait_until_gone([child], ENDS_SECONDS) == []
        parent.stdout.close()

    @pytest.mark.parametrize("text", ["", "12", '{"pid": "1"}', '{"pid": 1}'])
    def test_an_illegible_pid_file_names_nobody(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "pid").write_text(text)
        assert read_pid_file(tmp_path / "pid") is None


class TestBinaries:
    def find(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str | None) -> Path:
        monkeypatch.setenv("PATH", str(tmp_path / "path"))
        if named is not None:
            monkeypatch.setenv("ARENA_SAMPLE", named)
        return find_binary(
            server="Sample", variable="ARENA_SAMPLE", commands=("sampled",), module="no_such_module", within="bin/*"
        )

    def test_path_is_searched(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        binary = tmp_path / "path" / "sampled"
        binary.parent.mkdir()
        binary.touch(mode=0o755)
        assert self.find(tmp_path, monkeypatch, None) == binary

    def test_the_variable_wins_and_must_be_right(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.find(tmp_path, monkeypatch, sys.executable) == Path(sys.executable)
        with pytest.raises(LocalCloudError, match="ARENA_SAMPLE names /nowhere"):
            self.find(tmp_path, monkeypatch, "/nowhere")

    def test_none_at_all_says_how_to_get_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(LocalCloudError, match="no Sample was found"):
            self.find(tmp_path, monkeypatch, None)


class TestTasks:
    def test_results_are_gathered_by_name(self) -> None:
        assert run_all({"one": lambda: 1, "two": lambda: 2}, nothing) == {"one": 1, "two": 2}

    def test_the_first_failure_does_not_wait_for_the_rest(self) -> None:
        release = threading.Event()

        def fail() -> None:
            raise LocalCloudError("broken")

        with pytest.raises(LocalCloudError, match="broken"):
            run_all({"slow": lambda: release.wait(60), "broken": fail}, nothing)
        release.set()

    def test_a_check_that_fails_ends_the_wait(self) -> None:
        release = threading.Event()

        def stop() -> None:
            raise StopRequested

        with pytest.raises(StopRequested):
            Task(lambda: release.wait(60), "slow").result(stop)
        release.set()


def test_the_end_of_a_long_log_is_read_without_the_rest(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(tmp_path / "log", lines=2) == "line 99998\nline 99999"


def test_regions_have_databases_of_their_own() -> None:
    assert [database_name(region) for region in REGIONS] == [
        *("aiba_us_east_1", "aiba_eu_west_1", "aiba_ap_southeast_1")
    ]
