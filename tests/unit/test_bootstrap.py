"""The environments: when they are rebuilt, how a failure is told, and that a second run does nothing."""

import ast
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud import environments_cli
from localcloud.environments import Environment, environments, require_disk
from localcloud.errors import LocalCloudError

CHECKOUT = Path(__file__).resolve().parents[2]


class Runner:
    """Stands in for pip and venv: notes the commands, makes what venv would, and fails where told to."""

    def __init__(self, environment: Environment, failing: str = "") -> None:
        self.commands: list[list[str]] = []
        self._environment = environment
        self._failing = failing

    def __call__(self, command: Sequence[str], log_file: Path) -> int:
        self.commands.append(list(command))
        with log_file.open("a") as log:
            log.write(f"line of {command[-1]}\n")
        if "venv" in command:
            self._environment.python.parent.mkdir(parents=True)
            self._environment.python.touch()
            version = f"version = {platform.python_version()}\n"
            (self._environment.directory / "pyvenv.cfg").write_text(f"home = somewhere\n{version}")
        return 1 if self._failing and self._failing in command else 0


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "base.txt").write_text("left==1\n")
    (tmp_path / "all.txt").write_text("-r base.txt\nright==2\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "module.py").write_text("VALUE = 1\n")
    return Environment("sample", tmp_path / "env", tmp_path / "all.txt", 10, project=project)


def build(environment: Environment, failing: str = "") -> Runner:
    runner = Runner(environment, failing)
    environment.build(runner, lambda _: None, environment.directory.parent / "pip.log")
    return runner


def test_a_new_environment_is_created_filled_and_stamped(environment: Environment) -> None:
    assert not environment.is_current()
    commands = build(environment).commands
    assert [command[2] for command in commands] == ["venv", "pip", "pip"]
    assert environment.is_current()


@pytest.mark.parametrize("changed", ["base.txt", "all.txt", "project/module.py"])
def test_any_change_of_what_it_is_built_from_makes_it_stale(environment: Environment, changed: str) -> None:
    build(environment)
    with (environment.requirements.parent / changed).open("a") as file:
        file.write("# changed\n")
    assert not environment.is_current()


def test_what_building_the_project_leaves_behind_changes_nothing(environment: Environment) -> None:
    build(environment)
    assert environment.project is not None
    for leftover in ("build/lib/module.py", "sample.egg-info/SOURCES.txt"):
        file = environment.project / leftover
        file.parent.mkdir(parents=True)
        file.write_text("built\n")
    assert environment.is_current()


def test_a_stale_environment_of_the_same_python_is_brought_up_to_date_in_place(environment: Environment) -> None:
    build(environment)
    environment.requirements.write_text("right==3\n")
    assert all("venv" not in command for command in build(environment).commands)


def test_an_environment_of_another_python_is_made_anew(environment: Environment) -> None:
    build(environment)
    (environment.directory / "pyvenv.cfg").write_text("version = 3.11.0-other\n")
    environment.requirements.write_text("right==3\n")
    environment.python.unlink()
    environment.python.parent.rmdir()
    assert "--clear" in build(environment).commands[0]


def test_a_failure_shows_pips_last_words_and_leaves_no_stamp(environment: Environment) -> None:
    with pytest.raises(LocalCloudError, match=r"(?s)exit code 1.*line of .*all\.txt") as failure:
        build(environment, failing=str(environment.requirements))
    assert "pip config list" in failure.value.hint
    assert not environment.is_current()


def test_a_removed_interpreter_makes_it_stale(environment: Environment) -> None:
    build(environment)
    environment.python.unlink()
    assert not environment.is_current()


def test_too_little_disk_is_told_before_anything_is_built(environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match=r"MiB are needed .*sample.* are free"):
        require_disk([replace(environment, disk_mebibytes=2**40)], tmp_path)


def test_a_failing_environment_ends_the_others(tmp_path: Path) -> None:
    """One installation fails while another would take an hour: the failure is told at once."""
    (tmp_path / "requirements.txt").write_text("")
    slow, broken = (Environment(name, tmp_path / name, tmp_path / "requirements.txt", 1) for name in ("slow", "broken"))
    for one, script in ((slow, "#!/bin/sh\nexec sleep 3600\n"), (broken, "#!/bin/sh\necho no such package; exit 7\n")):
        one.python.parent.mkdir(parents=True)
        one.python.write_text(script)
        one.python.chmod(0o755)
        (one.directory / "pyvenv.cfg").write_text(f"version = {platform.python_version()}\n")
    with pytest.raises(LocalCloudError, match=r"(?s)broken.*exit code 7.*no such package"):
        environments_cli.build_all([slow, broken], tmp_path, lambda _: None)
    assert not slow.is_current()


def test_the_checkout_has_its_environments() -> None:
    known = environments(CHECKOUT)
    assert set(known) == {"project", "localstack", "runtime", "scan", "docs", "fuzz"}
    assert all(environment.requirements.exists() for environment in known.values())


def test_help_names_the_environments() -> None:
    done = bootstrap("--help")
    assert done.returncode == 0
    assert "{project,localstack,runtime,scan,docs,fuzz}" in done.stdout


def test_an_older_python_is_told_what_is_needed() -> None:
    """Told, and not shown a syntax error: the file keeps to an old grammar, 3.7's standing for all."""
    told = (
        "import sys; sys.version_info = (3, 9, 1); sys.argv = ['bootstrap.py']; exec(open({!r}).read(), {!r})".format(
            str(CHECKOUT / "localstack" / "bootstrap.py"), {"__name__": "__main__", "__file__": "bootstrap.py"}
        )
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "3.9" in done.stderr
    ast.parse((CHECKOUT / "localstack" / "bootstrap.py").read_text(), feature_version=(3, 7))


def bootstrap(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKOUT / "localstack" / "bootstrap.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)
