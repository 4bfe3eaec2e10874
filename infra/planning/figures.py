"""A figure of the plan: a number that says how it came about."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a plan."""

    name: str
    value: float | str
    unit: str
    formula: str
    """With the numbers put in."""
    source: str


def number(value: float) -> str:
    """A number as a person would write it."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.2f}" if value >= 0.01 else f"{value:.2g}"
