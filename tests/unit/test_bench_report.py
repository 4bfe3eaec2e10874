"""The report of benchmarks: its arithmetic, what it prints, what it writes."""

import json
from pathlib import Path

import pytest

from bench.measure import Budget, Report


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def report(said: list[str]) -> Report:
    return Report("a benchmark", {"seed": 7}, said.append)


def test_a_row_has_the_middle_the_slow_end_and_how_far_rounds_are_apart(report: Report, said: list[str]) -> None:
    row = report.row("call", [list(range(1, 100)), [200.0]], "us")
    assert (row.n, row.median, row.p95, row.low, row.high) == (100, 50.5, 96, 50, 200)
    assert " ".join(said[-1].split()) == "call n 100 median 50.500 p95 96.000 us rounds 50.000 to 200.000"


def test_samples_without_rounds_show_a_drift(report: Report) -> None:
    row = report.row("slower and slower", [[float(number) for number in range(1000)]])
    assert (row.low, row.high) == (49.5, 949.5)
    assert report.row("once", [[3.0]]).low == 3.0


def test_a_ratio_is_of_medians_and_has_a_budget(report: Report, said: list[str]) -> None:
    bare = report.row("bare", [[2.0, 2.0, 90.0]])
    kept = report.row("ours", [[3.0]], beside=bare, budget=Budget(at_most=1.5))
    assert (kept.ratio, kept.beside) == (1.5, "bare")
    assert said[-1].endswith("1.50 x bare, budget <= 1.5: held")
    report.row("ours", [[4.0]], beside=bare, budget=Budget(at_most=1.5))
    assert said[-1].endswith("2.00 x bare, budget <= 1.5: MISSED")


@pytest.mark.parametrize(
    ("budget", "value", "told"),
    [
        (Budget(at_most=8), 8, "budget <= 8: held"),
        (Budget(at_least=336), 335, "budget >= 336: MISSED"),
        (Budget(at_most=2, at_least=1), 1.5, "budget <= 2 and >= 1: held"),
    ],
)
def test_a_figure_has_a_budget(report: Report, said: list[str], budget: Budget, value: float, told: str) -> None:
    report.figure("a figure", value, budget=budget)
    assert said[-1].endswith(told)


def test_what_is_printed_is_written(report: Report, said: list[str], tmp_path: Path) -> None:
    report.section("one client")
    report.row("bare", [[2.0]])
    report.figure("round trips", 8, budget=Budget(at_most=8))
    report.write(tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_text())
    assert said[0].startswith("a benchmark: cores ")
    assert said[1] == "one client"
    assert (found["benchmark"], found["conditions"]["seed"]) == ("a benchmark", 7)
    assert {"cores", "machine", "python", "load before", "load after"} <= found["conditions"].keys()
    assert [(row["section"], row["name"], row["ratio"]) for row in found["rows"]] == [("one client", "bare", None)]
    assert found["figures"][0]["budget"] == {"at_most": 8, "at_least": None}
