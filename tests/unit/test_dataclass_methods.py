"""What a package keeps of dataclasses: all that a start makes, and no other methods than Python makes of their text."""

import marshal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from chalicelib.dataclass_methods import execute_of, file_in, kept_in

ROOT: Final = Path(__file__).resolve().parents[2]
TEXTS: Final = 1000
"""Of the application's hundreds of dataclasses there are more: were Python to make them otherwise, there are none."""
_START: Final = """
import dataclasses, sys
from pathlib import Path
from chalicelib.dataclass_methods import execute_of, kept_in

class Noting(dict):
    def get(self, text):
        print(text) if text not in self else None
        return super().get(text)

vars(dataclasses)["exec"] = execute_of(Noting(kept_in(Path(sys.argv[1]))))
import app, chalicelib.data.pools
"""
_USE: Final = """
import sys
from pathlib import Path
from chalicelib import dataclass_methods
dataclass_methods.use(Path(sys.argv[1]))
from chalicelib.arena.brokers import Cost
print(Cost("AIBA", 2) == Cost("AIBA", 2) != Cost("AIBA", 3), Cost("NEUR", 4))
"""


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps what the application's dataclasses are made of."""
    folder = tmp_path_factory.mktemp("keeping")
    file_in(folder).parent.mkdir()
    command = [sys.executable, "-P", "infra/compile_methods.py", str(file_in(folder)), str(ROOT)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


def test_each_text_is_kept_as_python_compiles_it(keeping: Path) -> None:
    kept = kept_in(keeping)
    assert len(kept) > TEXTS
    for text, code in kept.items():
        assert marshal.loads(code) == compile(text, "<string>", "exec")  # noqa: S302


def test_a_start_finds_all_it_makes(keeping: Path) -> None:
    assert _printed(_START, keeping) == ""


def test_classes_made_of_it_are_as_others(keeping: Path, tmp_path: Path) -> None:
    assert _printed(_USE, keeping) == _printed(_USE, tmp_path) == "True Cost(currency='NEUR', amount=4)\n"


def test_what_is_kept_of_a_text_is_executed() -> None:
    found: dict[str, object] = {}
    execute_of({"x = 1": marshal.dumps(compile("x = 2", "", "exec"))})("x = 1", None, found)
    assert found["x"] == 2


def test_a_text_that_is_not_kept_is_compiled() -> None:
    found: dict[str, object] = {}
    execute_of({"x = 1": marshal.dumps(compile("x = 2", "", "exec"))})("x = y", {"y": 3}, found)
    assert found["x"] == 3


def _printed(script: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
