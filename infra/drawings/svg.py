"""Boxes, arrows and text as SVG that is read on a light page and on a dark one. Lengths are in pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as Xml

LINE: Final = 16
"""Height of a line of text."""
PAD: Final = 9
_CHARACTER: Final = 7.0
"""Widest mean of a character's width at 12 px among the fonts of the stack below."""

_COLOURS: Final = {
    # name: (fill, stroke and text) on a light page, then on a dark one
    "plain": ("#f6f8fa", "#57606a", "#1c2128", "#9198a1"),
    "blue": ("#ddf4ff", "#0969da", "#0c2d4f", "#58a6ff"),
    "green": ("#dafbe1", "#1a7f37", "#0f2f1a", "#3fb950"),
    "orange": ("#fff1e5", "#bc4c00", "#3d1f0a", "#f0883e"),
    "purple": ("#fbefff", "#8250df", "#2d1a4a", "#bc8cff"),
    "red": ("#ffebe9", "#cf222e", "#3f1416", "#ff7b72"),
}


def _style() -> str:
    def rules(place: int) -> str:
        return "".join(
            f".{name} rect{{fill:{row[place]};stroke:{row[place + 1]}}}"
            f"path.{name}{{stroke:{row[place + 1]}}}#to-{name} path{{fill:{row[place + 1]}}}"
            for name, row in _COLOURS.items()
        )

    return (
        "text{font:12px ui-sans-serif,system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}"
        ".title{font-weight:600}.quiet{fill:#57606a;font-size:11px}.ground{fill:#fff}"
        "path.line{fill:none;stroke-width:1.3}path.dashed{stroke-dasharray:4 3}"
        f"{rules(0)}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9198a1}.ground{fill:#0d1117}"
        f"{rules(2)}}}"
    )


def width_of(text: str) -> float:
    """Room that ``text`` needs."""
    return len(text) * _CHARACTER


@dataclass(frozen=True, slots=True)
class Box:
    """A box that was drawn."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


class Canvas:
    """A picture being drawn; ``label`` says what it shows to who can't see it."""

    def __init__(self, width: float, height: float, label: str) -> None:
        self._root = Xml.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "role": "img",
            },
        )
        Xml.SubElement(self._root, "title").text = label
        Xml.SubElement(self._root, "style").text = _style()
        heads = Xml.SubElement(self._root, "defs")
        for name in _COLOURS:
            head = {"id": f"to-{name}", "viewBox": "0 0 8 8", "refX": "7", "refY": "4", "markerWidth": "7"}
            marker = Xml.SubElement(heads, "marker", {**head, "markerHeight": "7", "orient": "auto"})
            Xml.SubElement(marker, "path", {"d": "M0 0L8 4L0 8z"})
        ground = {"class": "ground", "width": "100%", "height": "100%", "rx": "8"}
        Xml.SubElement(self._root, "rect", ground)

    def box(self, x: float, y: float, width: float, lines: Sequence[str], colour: str = "plain") -> Box:
        """A box with a title and quieter lines below it, as high as they need."""
        height = LINE * len(lines) + PAD
        group = Xml.SubElement(self._root, "g", {"class": colour})
        size = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}", "rx": "5"}
        Xml.SubElement(group, "rect", size)
        for number, line in enumerate(lines):
            style = "quiet" if number else "title"
            self._write(group, x + width / 2, y + PAD / 2 + LINE * number + 12, line, style, "middle")
        return Box(x, y, width, height)

    def text(self, x: float, y: float, text: str, style: str = "quiet", anchor: str = "start") -> None:
        """A line of text whose baseline is at ``y``."""
        self._write(self._root, x, y, text, style, anchor)

    def line(self, path: str, colour: str = "plain", *, head: bool = True, dashed: bool = False) -> None:
        """A line along an SVG path."""
        values = {"class": f"line {colour}{' dashed' if dashed else ''}", "d": path}
        if head:
            values["marker-end"] = f"url(#to-{colour})"
        Xml.SubElement(self._root, "path", values)

    def source(self) -> str:
        """The file's text."""
        Xml.indent(self._root, " ")
        return Xml.tostring(self._root, encoding="unicode") + "\n"

    @staticmethod
    def _write(parent: Xml.Element, x: float, y: float, text: str, style: str, anchor: str) -> None:
        place = {"x": f"{x:g}", "y": f"{y:g}", "class": style, "text-anchor": anchor}
        Xml.SubElement(parent, "text", place).text = text
