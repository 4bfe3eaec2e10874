"""An interpreter whose arena reads a wrong clock."""

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chalicelib.clock import system_clock
from infra.chaos.clocks import Clocks
from tests.test_tidy import ROOT

ASK = "from chalicelib.clock import system_clock; print(system_clock().isoformat())"


def told(python: Path, region: str) -> datetime:
    """The time an environment of ``region`` believes it is."""
    variables = {"AWS_REGION": region, "PYTHONPATH": str(ROOT)}
    found = subprocess.run([python, "-P", "-c", ASK], env=variables, capture_output=True, text=True, check=True)
    return datetime.fromisoformat(found.stdout.strip())


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_region_s_environments_are_wrong_and_right_again(tmp_path: Path, seconds: int) -> None:
    clocks = Clocks(tmp_path)
    python = clocks.interpreter(Path(sys.executable))
    clocks.set("eu-west-1", seconds)
    assert abs(told(python, "eu-west-1") - system_clock() - timedelta(seconds=seconds)) < timedelta(minutes=10)
    assert abs(told(python, "us-east-1") - system_clock()) < timedelta(minutes=10)
    clocks.right("eu-west-1")
    assert abs(told(python, "eu-west-1") - system_clock()) < timedelta(minutes=10)


def test_another_program_is_left_alone(tmp_path: Path) -> None:
    """Whose code is not the arena's."""
    python = Clocks(tmp_path).interpreter(Path(sys.executable))
    found = subprocess.run([python, "-P", "-c", "print(1)"], env={}, cwd=tmp_path, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "1\n")
