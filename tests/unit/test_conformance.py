"""docs/guide-conformance.md claims nothing without a file that does it and a command that proves it."""

import itertools
import re

import pytest

from tests.told_commands import ROOT, Told, complaint, told_commands

PAGE = (ROOT / "docs" / "guide-conformance.md").read_text(encoding="utf-8")
ROWS = {found[1]: found for found in re.finditer(r"^\| ([A-Z]\d) \|(.*)\|(.*)\|(.*)\|(.*)\|$", PAGE, re.MULTILINE)}
WITHOUT_FILES = "not yet"


def spread(path: str) -> list[str]:
    """As a shell has braces: ``{a,b}/c`` is ``a/c`` and ``b/c``."""
    parts = [part.split(",") if number % 2 else [part] for number, part in enumerate(re.split(r"[{}]", path))]
    return ["".join(chosen) for chosen in itertools.product(*parts)]


@pytest.mark.parametrize("row", ROWS)
def test_the_files_exist(row: str) -> None:
    named = re.findall(r"`([^`]+)`", ROWS[row][4])
    assert named or WITHOUT_FILES in ROWS[row][3]
    missing = [path for one in named for path in spread(one) if not any(ROOT.glob(path.rstrip("/")))]
    assert missing == []


@pytest.mark.parametrize("row", ROWS)
def test_the_proofs_can_be_typed(row: str) -> None:
    proofs = list(told_commands(ROWS[row][5]))
    assert len(proofs) == len(re.findall(r"`[^`]+`", ROWS[row][5])) > 0 or WITHOUT_FILES in ROWS[row][3]
    wrong = {one.text: said for one in proofs if (said := complaint(Told(one.text, whole=True)))}
    assert wrong == {}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_said_is_said_of_something(row: str) -> None:
    assert len(ROWS[row][2].strip()) > 20
    assert len(ROWS[row][3].strip()) > 20


def test_rows_are_in_order_and_none_is_there_twice() -> None:
    listed = re.findall(r"^\| ([A-Z])(\d) \|", PAGE, re.MULTILINE)
    assert len(listed) == len(set(listed)) == len(ROWS)
    for letter in dict.fromkeys(letter for letter, _ in listed):
        numbers = [int(number) for one, number in listed if one == letter]
        assert numbers == list(range(1, len(numbers) + 1))
