"""What all benchmarks found, from the files they wrote: each ratio and each budget on a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.measure import Budget


def lines(found: Mapping[str, Path]) -> Iterator[str]:
    """A line for each ratio and each figure with a budget; last, how many budgets were held.

    ``found``: files by benchmark; one that is not there is passed over.
    """
    held = bounded = 0
    for benchmark, path in found.items():
        if not path.exists():
            continue
        report = json.loads(path.read_text(encoding="utf-8"))
        for name, value, unit, budget in _told(report):
            verdict = ""
            if budget is not None:
                bounded += 1
                held += budget.held(value)
                verdict = budget.told(value)
            yield f"{benchmark:<22} {name:<78} {value:>10,.4g} {unit:<4} {verdict}".rstrip()
    yield f"{held} of {bounded} budgets held"


def _told(report: Mapping[str, Any]) -> Iterator[tuple[str, float, str, Budget | None]]:
    for row in report["rows"]:
        if row["ratio"] is not None:
            yield _named(row, f"{row['name']} / {row['beside']}"), row["ratio"], "x", _budget(row)
    for figure in report["figures"]:
        if figure["budget"] is not None:
            yield _named(figure, figure["name"]), figure["value"], figure["unit"], _budget(figure)


def _named(line: Mapping[str, Any], name: str) -> str:
    return f"{line['section']}: {name}" if line["section"] else name


def _budget(line: Mapping[str, Any]) -> Budget | None:
    return None if line["budget"] is None else Budget(**line["budget"])
