"""All benchmarks are found, can be asked what they take, and are summed up."""

import importlib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.__main__ import QUICK, USUAL, benchmarks, main
from bench.measure import Budget, Report
from bench.summary import lines


@pytest.mark.parametrize("name", benchmarks())
def test_every_benchmark_writes_its_figures_and_takes_what_it_is_given(name: str) -> None:
    command = importlib.import_module(f"bench.{name}").main
    assert isinstance(command, click.Command)
    for arguments in (USUAL.get(name, ()), QUICK.get(name, ())):
        context = command.make_context(name, [*arguments, "--json", "found.json"])
        assert context.params["json_file"] == Path("found.json")


def test_every_benchmark_says_what_it_is_about() -> None:
    listed = CliRunner().invoke(main, ["--list"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.output.splitlines()] == list(benchmarks())
    assert all(benchmarks().values())


def test_an_unknown_benchmark_is_refused_with_those_there_are() -> None:
    refused = CliRunner().invoke(main, ["limiter", "speed"])
    assert refused.exit_code == 2
    assert "speed; there are: " in refused.output


def test_ratios_and_budgets_are_summed_up(tmp_path: Path) -> None:
    report = Report("some", {}, lambda _: None)
    report.section("calls")
    bare = report.row("bare", [[2.0]])
    report.row("ours", [[3.0]], beside=bare, budget=Budget(at_most=1.25))
    report.figure("not bounded", 7)
    report.figure("round trips", 8, budget=Budget(at_most=8))
    report.write(tmp_path / "some.json")
    told = [" ".join(line.split()) for line in lines({"some": tmp_path / "some.json", "other": tmp_path / "none.json"})]
    assert told == [
        "some calls: ours / bare 1.5 x budget <= 1.25: MISSED",
        "some calls: round trips 8 budget <= 8: held",
        "1 of 2 budgets held",
    ]
