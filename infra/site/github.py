"""Markdown as GitHub reads it, for a builder that reads it otherwise."""

import re
from collections.abc import Iterator
from typing import Final

_ITEM: Final = re.compile(r"( *)([-*]|\d+\.) +(?=\S)")
_FENCE: Final = re.compile(r" *(```+)")
_OUTWARD: Final = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)([^)#]+)(?:#[^)]*)?\)")
_STEP: Final = 4
"""Columns by which Python-Markdown wants what belongs to an item of a list indented."""


def slug(heading: str, separator: str) -> str:
    """A heading's anchor."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", separator)


def indented(text: str) -> str:
    """``text`` with lists apart from what stands before them, and what belongs to their items indented by fours."""
    return "\n".join(_indented(text.split("\n")))


def _indented(lines: list[str]) -> Iterator[str]:
    contents: list[int] = []  # column at which each open item's text begins
    fence = before = ""
    loose = False  # whether there was an empty line within the list
    for line in lines:
        marks = _FENCE.match(line)
        item = None if fence else _ITEM.match(line)
        column = len(line) - len(line.lstrip(" "))
        if line.strip() and not fence:
            while contents and column < contents[-1]:
                contents.pop()
        loose = (loose and bool(contents or item)) or (bool(contents) and not line.strip())
        within = contents[-1] if contents else 0
        if item:
            if before.strip() and (loose or not _belongs(before)):
                yield ""
            contents.append(item.end())
        yield " " * _STEP * (len(contents) - bool(item)) + line[min(within, column) :] if line.strip() else line
        if marks and (not fence or marks[1] == fence):
            fence = "" if fence else marks[1]
        before = line


def _belongs(line: str) -> bool:
    """Whether it is an item's or is in one, so that another may follow at once."""
    return line.startswith(" ") or bool(_ITEM.match(line))


def without_links_out(text: str, levels: int) -> str:
    """``text`` with files outside the documentation named in place of linked to, ``levels`` folders below its root."""

    def named(found: re.Match[str]) -> str:
        label, up, path = found.groups()
        if up.count("/") <= levels:
            return found[0]
        return label if path in label else f"{label} (`{path}`)"

    return _OUTWARD.sub(named, text)
