"""The pages about threats: files and tests they name exist, and every threat has a test or says that it has none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "docs" / "security.md", *sorted((ROOT / "docs" / "security").glob("*.md"))]
THREAT = re.compile(r"^\| ([A-Z]\d+) \|(.*)\|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
FOLDERS = ("chalicelib/", "infra/", "localstack/", "tests/", "docs/", ".ci/", "bench/")


@cache
def functions_of(path: Path) -> frozenset[str]:
    """Names of a file's test functions, those of classes included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def named(text: str) -> list[str]:
    """Paths, with or without a test, between backticks."""
    return [word for word in CODE.findall(text) if word.startswith(FOLDERS)]


def missing(word: str) -> str | None:
    """What is wrong with ``path`` or ``path::test``."""
    path, _, test = word.partition("::")
    if not (ROOT / path).exists():
        return f"{path} does not exist"
    if test and test not in functions_of(ROOT / path):
        return f"{path} has no {test}"
    return None


def threats() -> dict[str, list[str]]:
    """Cells of each threat's row by its number: what an attacker does, what stops it, test, what remains."""
    rows = [found for page in PAGES for found in THREAT.findall(page.read_text(encoding="utf-8"))]
    numbers = [number for number, _ in rows]
    assert len(set(numbers)) == len(numbers)
    return {number: [cell.strip() for cell in rest.split("|")] for number, rest in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_and_tests_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [wrong for word in named(text) if (wrong := missing(word))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)\s]+)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).is_file(), f"{page.name} links to {target}"


def test_every_threat_has_a_test_or_says_that_it_has_none() -> None:
    found = threats()
    assert len(found) > 50
    for number, cells in found.items():
        assert len(cells) == 4, number
        does, stops, test, remains = cells
        assert does, number
        assert remains, number
        assert stops == "none" or named(stops), f"{number}: which file stops it?"
        assert test == "none" or any("::" in word for word in named(test)), f"{number}: which test?"
        # What no test covers has to be said where people look for it.
        assert test != "none" or remains not in ("–", "-"), number


def test_every_page_is_linked() -> None:
    index = PAGES[0].read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"security/{page.name}" not in index] == []


def test_a_name_that_is_not_there_is_noticed() -> None:
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert missing(f"{here}::test_links_lead_somewhere") is None
    assert missing(f"{here}::test_nothing") == f"{here} has no test_nothing"
    assert missing("tests/nowhere.py") == "tests/nowhere.py does not exist"
