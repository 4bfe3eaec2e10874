"""House rules held by a test: who may import whom, how long things get, what never appears."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from infra.drawings.rooms import imports_of

ROOT = Path(__file__).resolve().parents[1]
LEAVES = {
    *("settings", "backup_settings", "queue_settings", "rate_settings", "replication_settings", "scaling_settings"),
    *("networks", "errors", "clock", "credentials", "locks", "observability", "secret_rotation"),
}
ADAPTER_LIBRARIES = {"pymongo", "bson", "redis", "boto3", "botocore", "chalice", "aws_lambda_powertools", "moto"}

ALLOWED_ROOMS = {
    # room: the rooms and leaves it may import besides itself
    "arena": {"errors", "clock", "credentials", "locks", "settings"},
    "data": {"arena", "backup", "replication", "scaling", "errors", "clock", "locks", "monitoring"},
    "cache": {"arena", "errors", "clock", "locks", "monitoring"},
    "messaging": {"arena", "replication", "errors", "clock"},
    "aws": {"backup", "scaling", "errors", "clock"},
    "backup": {"arena", "replication", "errors", "clock", "locks"},
    "monitoring": {"errors", "clock", "locks"},
    "replication": {"arena", "errors", "clock", "locks"},
    "scaling": {"errors", "clock", "locks", "monitoring"},
    "entrypoints": {"wiring", "arena", "backup", "monitoring", "replication", *LEAVES},
    "wiring": {"arena", "aws", "backup", "data", "cache", "messaging", "monitoring", "replication", "scaling", *LEAVES},
    "settings": {
        "backup_settings",
        "credentials",
        "queue_settings",
        "rate_settings",
        "replication_settings",
        "scaling_settings",
    },
    "queue_settings": set[str](),
    "replication_settings": set[str](),
    "scaling_settings": set[str](),
    "backup_settings": set[str](),
    "rate_settings": {"networks"},
    "networks": set[str](),
    "credentials": set[str](),
    "dataclass_methods": set[str](),
    "errors": set[str](),
    "locks": {"errors"},
    "clock": set[str](),
    "observability": {"log_lines"},
    "log_lines": set[str](),
    "secret_rotation": set[str](),
}
PLAIN_ROOMS = {"arena", "backup", "monitoring", "replication", "scaling", "settings", "errors", "clock", "locks"}
"""Rooms that import no client library: adapters live elsewhere."""

FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 70


def tracked(*patterns: str) -> list[Path]:
    """Files git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def room_of(dotted: str) -> str | None:
    parts = dotted.split(".")
    return parts[1] if parts[0] == "chalicelib" and len(parts) > 1 else None


def test_rooms_import_only_what_the_arrows_allow() -> None:
    wrong = []
    for path in tracked("chalicelib/*.py"):
        room = path.relative_to(ROOT / "chalicelib").parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in ALLOWED_ROOMS, f"chalicelib/{room} is not in the table of arrows"
        for name in imports_of(path):
            target = room_of(name)
            if target not in (None, room) and target not in ALLOWED_ROOMS[room]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
            if room in PLAIN_ROOMS and name.split(".")[0] in ADAPTER_LIBRARIES:
                wrong.append(f"{path.relative_to(ROOT)} imports the client library {name}")
    assert not wrong, "\n".join(wrong)


def test_the_product_never_imports_its_tools() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in [*tracked("chalicelib/*.py"), ROOT / "app.py"]
        for name in imports_of(path)
        if name.split(".")[0] in {"infra", "localcloud", "tests", "localstack"}
    ]
    assert not wrong, "\n".join(wrong)


def test_files_and_functions_stay_small() -> None:
    long = []
    for path in tracked("*.py"):
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > FILE_LINES_MAX:
            long.append(f"{path.relative_to(ROOT)}: {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert not long, "\n".join(long)


@pytest.mark.parametrize("folder", ["chalicelib", "infra", "localstack/localcloud", "localstack/plugin/arena_lambda"])
def test_every_room_says_what_belongs_in_it(folder: str) -> None:
    silent = [
        path.parent.relative_to(ROOT)
        for path in tracked(f"{folder}/*__init__.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_the_localstack_folder_never_shadows_the_package_of_that_name() -> None:
    assert not (ROOT / "localstack" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (r"mock\.patch|monkeypatch\.setattr", "pass a hand-written fake in"),
        (r"unittest\.mock|from mock", "write a fake that runs under the contract suite"),
        (r"pytest\.mark\.(skip|xfail)", "make it work, or delete the test and say so in docs/guide-conformance.md"),
        (r"assert True\b", "assert something that can be false"),
    ],
)
def test_tests_can_fail(pattern: str, instead: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {instead}"
        for path in tracked("tests/*.py")
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]
    assert not found, "\n".join(found)


def test_requirements_are_pinned() -> None:
    loose = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in tracked("requirements*.txt", "localstack/requirements*.txt")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "-r ")) and "==" not in line
    ]
    assert not loose


def test_the_tree_names_no_machine() -> None:
    # Assembled, so that this file does not hold what it looks for.
    forbidden = re.compile("|".join(["/ro" + "ot/", "/wo" + "rk/", "find-" + "links", "index-" + "url"]))
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix not in {".png", ".zip"}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found, "\n".join(found)


def test_the_conformance_page_has_every_row() -> None:
    page = (ROOT / "docs" / "guide-conformance.md").read_text(encoding="utf-8")
    expected = [
        f"{letter}{number}"
        for letter, last in {"S": 6, "G": 8, "L": 5, "D": 7, "C": 6, "A": 5, "B": 5, "R": 8, "M": 4}.items()
        for number in range(1, last + 1)
    ]
    assert [row for row in expected if f"| {row} |" not in page] == []
