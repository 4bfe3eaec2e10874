"""A small Chalice project with the repository's own stages, for what must not depend on the whole application."""

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_APP = ROOT / "tests" / "unit" / "golden" / "sample" / "app.py"
WEBSOCKET = '''

app.experimental_feature_flags.update(["WEBSOCKETS"])


@app.on_ws_message()
def message(event: object) -> None:
    """A websocket."""
'''


def write_sample_project(folder: Path, *, websocket: bool = False) -> Path:
    """Writes the project into ``folder`` and returns it. LocalStack has no websocket API, so it is optional."""
    _copy(".chalice", folder)
    (folder / "app.py").write_text(SAMPLE_APP.read_text() + (WEBSOCKET if websocket else ""))
    library = folder / "chalicelib"
    library.mkdir()
    (library / "__init__.py").write_text('"""Nothing."""\n')
    (folder / "requirements.txt").write_text("")
    return folder


def write_arena_project(folder: Path, stage: str, separate_functions: dict[str, Any]) -> Path:
    """Writes the application itself into ``folder``, with groups of routes to serve separately in ``stage``."""
    for name in (".chalice", "chalicelib"):
        _copy(name, folder)
    for name in ("app.py", "requirements.txt"):
        shutil.copyfile(ROOT / name, folder / name)
    separate(folder, stage, separate_functions)
    return folder


def separate(project: Path, stage: str, functions: Any) -> None:
    """Writes what ``stage`` of ``project`` serves separately."""
    path = project / ".chalice" / "config.json"
    config = json.loads(path.read_text())
    config["stages"][stage]["separate_functions"] = functions
    path.write_text(json.dumps(config))


def _copy(name: str, folder: Path) -> None:
    shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("deployments", "deployed", "__pycache__"))
