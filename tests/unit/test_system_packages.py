"""Programs that tests drive: where they are looked for, and what is installed where that is allowed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from localcloud.errors import LocalCloudError
from localcloud.system_packages import PROGRAMS, UNPACKED, Program, SystemPackages, program

BROWSER = Program("some-browser", "ARENA_SOME_BROWSER", ("some-browser-of-nobody",))
SCRAPER = Program("some-scraper", "ARENA_SOME_SCRAPER", ("some-scraper-of-nobody",), unpacked=True)


class Apt:
    """Stands in for apt-get: notes the commands, puts there what an unpacked package would hold."""

    def __init__(self, checkout: Path, failing: str = "") -> None:
        self.commands: list[Sequence[str]] = []
        self._checkout = checkout
        self._failing = failing

    def __call__(self, command: Sequence[str], log_file: Path) -> int:
        self.commands.append(command)
        if command[0] == "sh" and not self._failing:
            executable(self._checkout / UNPACKED / SCRAPER.package / "usr" / "bin" / SCRAPER.commands[0])
        return 1 if self._failing and self._failing in command else 0


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def packages(checkout: Path, *programs: Program, allowed: bool = True) -> SystemPackages:
    return SystemPackages(checkout, {one.package: one for one in programs}, lambda: allowed)


def test_nothing_is_installed_that_is_there(tmp_path: Path) -> None:
    shell = Program("dash", "ARENA_SOME_SHELL", ("sh",))
    assert packages(tmp_path, shell).is_current()
    assert not packages(tmp_path, shell, BROWSER).is_current()


def test_what_would_start_a_daemon_is_unpacked_beside(tmp_path: Path) -> None:
    apt, said = Apt(tmp_path), list[str]()
    system = packages(tmp_path, SCRAPER)
    system.build(apt, said.append, tmp_path / "log")
    assert [command[-1] for command in apt.commands] == ["update", SCRAPER.package]
    assert "install" not in apt.commands[1]
    assert system.is_current()
    assert said[-1] == "system packages: ready"


def test_the_rest_is_installed_without_what_it_recommends(tmp_path: Path) -> None:
    apt = Apt(tmp_path)
    packages(tmp_path, BROWSER).build(apt, lambda _: None, tmp_path / "log")
    assert apt.commands[1][-4:] == ["install", "--yes", "--no-install-recommends", BROWSER.package]


@pytest.mark.parametrize("failing", ["install", "update"])
def test_a_failure_is_told_and_stops_nothing(tmp_path: Path, failing: str) -> None:
    said = list[str]()
    packages(tmp_path, BROWSER).build(Apt(tmp_path, failing), said.append, tmp_path / "log")
    assert "some-browser could not be installed" in said[-1]


def test_without_root_nothing_is_tried(tmp_path: Path) -> None:
    apt, said = Apt(tmp_path), list[str]()
    system = packages(tmp_path, BROWSER, SCRAPER, allowed=False)
    system.build(apt, said.append, tmp_path / "log")
    assert apt.commands == []
    assert said == [
        "system packages: some-browser, some-scraper can't be installed without root and apt-get: tests will miss them"
    ]
    assert system.disk_mebibytes == 0


def test_a_missing_program_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalCloudError, match=r"^no promtool was found: install Debian's package prometheus") as told:
        program("promtool", tmp_path)
    assert "\n" not in str(told.value)


def test_one_named_by_its_variable_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = executable(tmp_path / "own-chromium")
    for name, known in PROGRAMS.items():
        monkeypatch.setenv(known.variable, str(own))
        assert program(name, tmp_path) == own
