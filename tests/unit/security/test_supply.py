"""What the project is made of is named exactly, and what functions are given holds no secret."""

import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.settings import SECRET_KEYS
from infra.package import PROJECT_ROOT, build_package
from tests.templates import of_type
from tests.test_tidy import tracked

REQUIREMENTS = tracked("*requirements*.txt")
EXACT = re.compile(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[^=*\s;]+(; .+)?")
BELOW = re.compile(r"[A-Za-z0-9_.-]+<[0-9.]+")
"""What a tool needs and its own metadata does not say."""
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySet|document\.write|\beval\(")


def lines(file: Path) -> list[str]:
    text = [line.partition(" #")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in text if line and not line.startswith(("#", "-r "))]


@pytest.mark.parametrize("file", REQUIREMENTS, ids=lambda file: str(file.relative_to(PROJECT_ROOT)))
def test_every_package_has_one_version(file: Path) -> None:
    wrong = [line for line in lines(file) if not EXACT.fullmatch(line)]
    assert [line for line in wrong if not BELOW.fullmatch(line)] == []
    assert not wrong or file.name == "requirements-localstack.txt"


def test_packages_come_from_the_registry_that_is_configured() -> None:
    for file in REQUIREMENTS:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"://| @ |^-[^r]", text, re.MULTILINE), file.name


def test_no_function_is_given_a_secret_by_its_environment() -> None:
    template: dict[str, Any] = build_package("prod", PROJECT_ROOT / ".arena" / "build", lambda _: None).template
    functions = of_type(template, "AWS::Serverless::Function")
    assert functions
    for properties in (one["Properties"] for one in functions.values()):
        assert set(properties["Environment"]["Variables"]).isdisjoint(SECRET_KEYS)


def test_no_part_of_the_console_makes_markup_of_text() -> None:
    for file in sorted((PROJECT_ROOT / "chalicelib" / "console").glob("*.js")):
        if file.name != "uPlot.esm.js":
            text = file.read_text(encoding="utf-8")
            assert not MARKUP.search(text)
