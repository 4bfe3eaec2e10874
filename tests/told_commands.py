"""The commands that documentation tells people to type."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from infra.cli.main import cli

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_ENDS: Final = re.compile(r"\s(?:#\s|>|\||&&|;)|(?<=\S);\s|$")
_PROGRAM: Final = re.compile(
    r"(?:^|\s|\()(?:\w+=\S+ )*(?P<program>\./arena|make|(?:\.venv/bin/)?python3? -m \S+|pytest|\.venv/bin/pytest)"
    r"(?=\s|$)(?P<rest>.*)"
)
_PLACEHOLDER: Final = re.compile(r"…|\b[A-Z][A-Z_]+\b|\.\.\.")
"""What a reader replaces, so that it has no value of the right kind."""


@dataclass(frozen=True, slots=True)
class Told:
    """One command. ``whole``: in a block, to be typed as it stands, not mentioned in a sentence."""

    text: str
    whole: bool

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def told_commands(text: str) -> Iterator[Told]:
    """Every command of ours in blocks and between backticks, without what redirects it."""
    for kind, block in _FENCE.findall(text):
        for line in re.sub(r" *\\\n *", " ", block).splitlines():
            shown = line.strip()
            if kind == "mermaid" or (kind == "console" and not shown.startswith("$ ")):
                continue
            yield from _of_line(shown.removeprefix("$ "), whole=True)
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _FENCE.sub("", text)):
        yield from _of_line(code, whole=False)


def _of_line(line: str, *, whole: bool) -> Iterator[Told]:
    for part in re.split(r" && | \| |; ", line):
        inner = re.findall(r"\$\((\./arena [^)]+)\)", part)
        if inner:
            yield from (Told(one, whole) for one in inner)
            continue
        if not whole and not re.match(r"(\w+=\S+ )*(\./arena|make |python|\.venv|pytest)", part):
            continue
        found = _PROGRAM.match(part)
        if found:
            rest = found["rest"][: next(_ENDS.finditer(found["rest"])).start()]
            yield Told(f"{found['program']}{rest}".strip(), whole)


def complaint(told: Told) -> str | None:
    """What is wrong with a command, or None."""
    program, _, rest = told.text.partition(" ")
    if program == "./arena":
        return arena_complaint(shlex.split(re.sub(r"[\[\]]", "", rest)), told)
    if program == "make":
        return _make_complaint(told.words[1:])
    words = told.words
    if "-m" in words[:2]:
        module, words = words[2], words[2:]
        if module != "pytest":
            return _module_complaint(module)
    return _paths_complaint(words[1:])


def arena_complaint(words: Sequence[str], told: Told) -> str | None:
    """Walks down to the command and has click read the rest as it would."""
    command: click.Command = cli
    context = click.Context(cli, info_name="arena")
    rest = [found for word in words if word not in ("…", "...") for found in _expanded(word)]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            # A group that does something by itself, or one that has this many commands in a sentence.
            return None if _PLACEHOLDER.search(rest[0]) else f"no command {rest[0]!r}"
        command, rest = found, rest[1:]
        context = click.Context(command, info_name=command.name, parent=context)
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    if unknown:
        return f"no option {unknown[0]}"
    if not told.whole or "--help" in rest:
        return None
    try:
        if _PLACEHOLDER.search(told.text):
            command.make_parser(context).parse_args(list(rest))
        elif not isinstance(command, click.Group):
            command.make_context("arena", list(rest))
    except click.BadParameter as error:
        # A name without a folder is a file that the reader has.
        own = re.search(r"File '[^/']+' does not exist", error.format_message())
        return None if own else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return None


def _expanded(word: str) -> list[str]:
    """As a shell has it."""
    found = sorted(str(path) for path in ROOT.glob(word)) if "*" in word else []
    return found or [word]


def _make_complaint(words: Sequence[str]) -> str | None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    unknown = [word for word in words if "=" not in word and word not in targets]
    return f"no target {unknown[0]}" if unknown else None


def _module_complaint(module: str) -> str | None:
    path = ROOT.joinpath(*module.split("."))
    there = path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()
    return None if there or module in ("venv", "pip") else f"no module {module}"


def _paths_complaint(words: Sequence[str]) -> str | None:
    """Of pytest's arguments, those that are paths."""
    for word in words:
        path = word.partition("::")[0]
        if "/" in path and not path.startswith("-") and not (ROOT / path).exists():
            return f"no file {path}"
    return None
