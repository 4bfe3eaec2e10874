"""A small Chalice project with the repository's own stages, for what must not depend on the whole application."""

import shutil
from pathlib import Path

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
    shutil.copytree(ROOT / ".chalice", folder / ".chalice", ignore=shutil.ignore_patterns("deployments", "deployed"))
    (folder / "app.py").write_text(SAMPLE_APP.read_text() + (WEBSOCKET if websocket else ""))
    library = folder / "chalicelib"
    library.mkdir()
    (library / "__init__.py").write_text('"""Nothing."""\n')
    (folder / "requirements.txt").write_text("")
    return folder
