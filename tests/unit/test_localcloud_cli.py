"""The command line's manners, with nothing running: quick help, plain errors, exit codes, the status's shape."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.cli.calling import output_of
from localcloud.state import StateDir

CHECKOUT = Path(__file__).resolve().parents[2]


def arena(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(CHECKOUT / "arena"), *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_command_without_importing_any() -> None:
    script = (
        "import sys; sys.path[:0] = ['.', 'localstack']; sys.argv = ['arena', '--help']\n"
        "import infra.cli.main as m\n"
        "try: m.main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert set(m.COMMANDS) == set(m._SUMMARIES)\n"
        "heavy = {'boto3', 'botocore', 'pymongo', 'infra.cli.up'} & set(sys.modules); assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("up", "down", "status", "deploy", "battle", "initdata"))


@pytest.mark.parametrize(
    "command",
    [
        "up",
        "down",
        "status",
        "deploy",
        "battle",
        "initdata",
        "indexes",
        "seed",
        "operator-token",
        "hash-password",
        "openapi",
        "backup",
        "restore",
    ],
)
def test_every_command_has_help(command: str) -> None:
    done = arena(command, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Usage: arena {command}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("status",), 3, "nothing is running"),
        (("battle",), 1, "error: no local cloud runs here"),
        (("up", "--regions", "mars,us-east-1"), 2, "mars; known regions: us-east-1"),
        (("up", "--regions", ","), 2, "none given"),
        (("up", "--tier", "palatial"), 2, "'palatial' is not"),
        (("up", "--mongo-port", "70000"), 2, "--mongo-port"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = arena(*arguments, "--state-dir", str(tmp_path))
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unusable_state_directory_is_one_message_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = arena("up", "--state-dir", str(tmp_path / "file" / "state"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: the state directory")
    assert "hint: choose another one with --state-dir" in done.stderr


def test_down_succeeds_when_nothing_runs_and_purges_what_is_ours(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state")
    state.create()
    state.server_data("mongod").joinpath("file").write_text("x")
    done = arena("down", "--purge", "--state-dir", str(state.root))
    assert done.returncode == 0, done.stderr
    assert "nothing is running" in done.stdout
    assert list(state.root.iterdir()) == []


def test_whoever_calls_a_command_gets_what_it_prints_or_hears_why_not(tmp_path: Path) -> None:
    """As benchmarks do, wherever they are started."""
    where = ("--state-dir", str(tmp_path))
    assert "nothing is running" in output_of("down", *where)
    with pytest.raises(RuntimeError, match=r"^\./arena status --state-dir .* failed:\n(.*\n)*.*nothing is running"):
        output_of("status", *where)
