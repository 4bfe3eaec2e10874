"""Reading what the page shows: tables and figures as data, numbers with their units as numbers."""

import re
from typing import Any, Final

import pytest

from tests.browser.browser import Browser

ROUNDED: Final = 0.006
"""The page shows three digits."""
_UNITS: Final = {
    **{"": 1.0, "/s": 1.0, "%": 0.01},
    **{"µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0},
    **{"B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2, "GiB": 1024.0**3},
}
_TABLE: Final = """
  const shown = (element) => {
    const copy = element.cloneNode(true);
    for (const unseen of copy.querySelectorAll(".unseen")) unseen.remove();
    return copy.textContent.replace(/\\s+/g, " ").trim();
  };
  const table = [...document.querySelectorAll(arguments[0] + " table")]
    .find((one) => one.caption.textContent.trim() === arguments[1]);
  return table && [...table.tBodies[0].rows].map((row) =>
    Object.fromEntries([...row.cells].map((cell) => [cell.dataset.label, shown(cell)])));
"""
_FIGURES: Final = """
  return Object.fromEntries([...document.querySelectorAll(arguments[0] + " [data-figure]")].map((one) => {
    const copy = one.querySelector("dd").cloneNode(true);
    for (const beside of copy.querySelectorAll("small, .unseen")) beside.remove();
    return [one.dataset.figure, copy.textContent.trim()];
  }));
"""


def number(text: str) -> float | None:
    """What a number with its unit says, in the API's unit; None for a dash."""
    if text == "–":
        return None
    match = re.fullmatch(r"(-?[\d,]+(?:\.\d+)?)\s*(\S*)", text)
    assert match, text
    return float(match[1].replace(",", "")) * _UNITS[match[2]]


def says(text: str, value: float | None) -> bool:
    """Whether ``text`` is ``value``, as rounded as the page shows it."""
    found = number(text)
    if found is None or value is None:
        return found is value
    return found == pytest.approx(value, rel=ROUNDED, abs=1e-9)


def table(browser: Browser, panel: str, caption: str) -> list[dict[str, str]]:
    """Rows by their columns' names."""
    selector = f"[data-panel={panel}]"
    rows: list[dict[str, str]] = browser.until(
        lambda: browser.script(_TABLE, selector, caption), f"table {caption!r} in {selector}"
    )
    return rows


def figures(browser: Browser, panel: str) -> dict[str, Any]:
    """By their names."""
    found: dict[str, Any] = browser.script(_FIGURES, f"[data-panel={panel}]")
    return found
