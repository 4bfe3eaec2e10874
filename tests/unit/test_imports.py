"""What loading a function imports, beside the reviewed list in ``imports.txt``: every cold start pays for it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import app as composition

ROOT: Final = Path(__file__).resolve().parents[2]
REVIEWED: Final = Path(__file__).with_name("imports.txt")
_ASYNCHRONOUS: Final = ("asyncio", "concurrent", "multiprocessing", "subprocess")
_NETWORK: Final = ("email", "http", "ssl", "xmlrpc")
_LARGE: Final = ("ctypes", "decimal", "sqlite3", "tempfile", "unittest", "xml", "zipfile")
HEAVY: Final = frozenset({*_ASYNCHRONOUS, *_NETWORK, *_LARGE})
"""Of the standard library, what takes milliseconds by itself or by what it brings; the rest is not worth a review."""
_LOAD: Final = """
import json, sys
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


def modules() -> list[str]:
    """What Lambda imports to have its handlers: the application, or one room of it alone."""
    app = composition.app
    triggered = [*app.event_sources, *app.pure_lambda_functions, *app.websocket_handlers.values()]
    return sorted({"app", *(one.handler_string.rpartition(".")[0] for one in triggered)})


def reviewed() -> set[str]:
    lines = REVIEWED.read_text(encoding="utf-8").splitlines()
    return {line.split()[0] for line in lines if not line.startswith("#")}


@pytest.mark.parametrize("module", modules())
def test_a_function_imports_what_was_reviewed(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", _LOAD, module], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {"app", "chalicelib"}
    loaded = {name for name in json.loads(done.stdout) if name in HEAVY or name not in sys.stdlib_module_names} - ours
    file = REVIEWED.relative_to(ROOT)
    assert loaded - reviewed() == set(), (
        f"{module} now imports these when it is loaded, before any request: import them in the function that needs "
        f"them or, if every request does, add them to {file} once `python -m bench.cold_start` has shown the price"
    )
    assert reviewed() - loaded == set(), f"these are no longer imported: take them out of {file}"
