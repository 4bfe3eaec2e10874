"""Regular expressions that strangers' text meets take time in proportion to it: no repetition repeats another."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chalicelib

_parser = importlib.import_module("re._parser")
ROOT = Path(__file__).resolve().parents[3]
_MAX_REPEAT = int(_parser.MAXREPEAT)


def patterns() -> dict[str, re.Pattern[str]]:
    """Compiled patterns of every module, by name."""
    found: dict[str, re.Pattern[str]] = {}
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
                found[f"{module.name}.{name}"] = value
    return found


def endless_in_endless(items: Any, inside: bool = False) -> Iterator[str]:
    """Repetitions without an end within such, in a parsed pattern."""
    for operation, argument in items:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            _, most, repeated = argument
            endless = int(most) == _MAX_REPEAT
            if endless and inside:
                yield name
            yield from endless_in_endless(repeated, inside or endless)
        elif name == "SUBPATTERN":
            yield from endless_in_endless(argument[-1], inside)
        elif name == "BRANCH":
            for branch in argument[1]:
                yield from endless_in_endless(branch, inside)


def is_calm(pattern: str) -> bool:
    return not list(endless_in_endless(_parser.parse(pattern)))


def test_the_check_finds_what_it_looks_for() -> None:
    for wild in (r"(a+)+$", r"(x|(ab*)*)*", r"(?:\d+,)*"):
        assert not is_calm(wild)
    for calm in (r"[a-z]+(\.[a-z]{1,8}){0,3}", r"\d+x\d+", r"(a|b)*"):
        assert is_calm(calm)


@pytest.mark.parametrize(("name", "pattern"), patterns().items(), ids=lambda value: str(value)[:60])
def test_no_repetition_repeats_another(name: str, pattern: re.Pattern[str]) -> None:
    # What settings are read by meets the words of whoever deploys, and no stranger's.
    assert is_calm(pattern.pattern) or name.partition(".")[2].partition(".")[0].endswith("settings")


def test_no_pattern_is_made_of_what_somebody_sent() -> None:
    """Patterns are literals, or data of ours: none is built in a function from its arguments."""
    built = []
    for file in sorted((ROOT / "chalicelib").rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "re." in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("re.compile", "re.search", "re.match"):
                first = node.args[0]
                if not isinstance(first, ast.Constant | ast.JoinedStr) and not ast.unparse(first).startswith("_"):
                    built.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert built == []
