"""The rooms of the product and who imports whom, from the imports themselves."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infra.drawings.layers import PASSING, Arrows, layered, without_shortcuts
from infra.drawings.svg import LINE, PAD, Box, Canvas, width_of

PRODUCT: Final = "chalicelib"
LEAVES: Final = "leaves"
_HEIGHT: Final = LINE + PAD
_STEP: Final = _HEIGHT + 44
_BESIDE: Final = 26
_MARGIN: Final = 24
_COLOURS: Final = {"app.py": "purple", "entrypoints": "purple", "wiring": "purple", LEAVES: "plain"}
_ADAPTERS: Final = frozenset({"aws", "cache", "data", "messaging"})


def imports_of(path: Path) -> Iterator[str]:
    """Every dotted name a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms(checkout: Path) -> dict[str, frozenset[str]]:
    """Of ``app.py`` and each room those it imports; the files beside the rooms are one, ``leaves``."""
    folders = {path.parent.name for path in (checkout / PRODUCT).glob("*/*.py")}
    files = {LEAVES: list((checkout / PRODUCT).glob("*.py")), "app.py": [checkout / "app.py"]}
    files |= {room: list((checkout / PRODUCT / room).rglob("*.py")) for room in sorted(folders)}
    return {
        room: frozenset(
            target
            for path in paths
            for name in imports_of(path)
            if (target := _room_of(name, folders)) not in (None, room)
            if target is not None
        )
        for room, paths in files.items()
    }


def _room_of(dotted: str, folders: set[str]) -> str | None:
    parts = dotted.split(".")
    if parts[0] != PRODUCT or len(parts) < 2:
        return None
    return parts[1] if parts[1] in folders else LEAVES


def drawing(checkout: Path) -> str:
    """The picture: arrows that follow from others are left out."""
    layers, arrows = layered(without_shortcuts(rooms(checkout)))
    wide = max(width_of(room) for room in arrows if PASSING not in room) + 34
    width = max(len(layer) for layer in layers) * (wide + _BESIDE) + 2 * _MARGIN
    height = len(layers) * _STEP + 2 * _MARGIN
    canvas = Canvas(width, height, "The rooms of the code and their imports")
    boxes: dict[str, Box] = {}
    for level, layer in enumerate(layers):
        step = (width - 2 * _MARGIN) / len(layer)
        for number, room in enumerate(layer):
            middle, y = _MARGIN + step * (number + 0.5), _MARGIN + level * _STEP
            if PASSING in room:
                boxes[room] = Box(middle, y, 0, _HEIGHT)
            else:
                colour = _COLOURS.get(room, "orange" if room in _ADAPTERS else "green")
                boxes[room] = canvas.box(middle - wide / 2, y, wide, [room], colour)
    for room in arrows:
        if PASSING not in room:
            _arrows_from(canvas, room, arrows, boxes)
    canvas.text(_MARGIN, height - 8, "purple: entry and composition · orange: adapters · green: pure rooms")
    return canvas.source()


def _arrows_from(canvas: Canvas, room: str, arrows: Arrows, boxes: Mapping[str, Box]) -> None:
    """Draws a room's arrows, through the stops between."""
    start = boxes[room]
    targets = sorted(arrows[room], key=lambda one: boxes[one].x + boxes[one].width / 2)
    for number, first in enumerate(targets):
        x, y = start.x + start.width * (number + 1) / (len(targets) + 1), start.y + start.height
        path, target = f"M{x:g} {y:g}", first
        while True:
            end = boxes[target]
            path += f"C{x:g} {(y + end.y) / 2:g} {end.middle[0]:g} {(y + end.y) / 2:g} {end.middle[0]:g} {end.y:g}"
            if PASSING not in target:
                break
            x, y = end.middle[0], end.y + end.height
            path += f"V{y:g}"
            target = next(iter(arrows[target]))
        canvas.line(path)
