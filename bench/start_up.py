"""How long the local cloud takes to come up, new and again: ``python -m bench.start_up``.

``./arena up`` with state of its own and on free ports, each stage as the command itself says when it was reached; it is
stopped each time. The package is taken as it is: what building it takes is shown where it is built.
"""

import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from bench.measure import Budget, Report, ended_by_ctrl_c, json_option
from infra.cli.calling import FREE_PORTS, output_of
from localcloud.topology import REGIONS

NEW: Final = "the first time"
AGAIN: Final = "again"
BUDGET: Final = {NEW: None, AGAIN: Budget(at_most=30.0)}
STAGES: Final = {
    "the package is there": r"packaged ",
    "the servers are ready": r".* is ready \(pid",
    "the databases are ready": r".*: database .* is ready",
    "the stacks are planned": r".*: (?:creating|updating) stack",
    "the stacks are there, the cache is warm": r".*: cache warmed",
    "a battle was fought": r"battle in ",
}
"""What the command says last when a stage is reached."""
_LINE: Final = re.compile(r"\[ *(\d+\.\d) s\] (.*)")


def reached(output: str) -> dict[str, float]:
    """Seconds from the command's start to each stage it went through."""
    said = [(float(line[1]), line[2]) for line in map(_LINE.match, output.splitlines()) if line]
    found = {stage: [seconds for seconds, text in said if re.match(pattern, text)] for stage, pattern in STAGES.items()}
    return {stage: max(seconds) for stage, seconds in found.items() if seconds}


def brought_up(state: Path, regions: Sequence[str]) -> tuple[float, dict[str, float]]:
    """Seconds in all, and to each stage; it is down again afterwards."""
    where = ("--state-dir", str(state))
    started = time.perf_counter()
    try:
        output = output_of("up", "--detach", "--regions", ",".join(regions), *where, *FREE_PORTS)
        return time.perf_counter() - started, reached(output)
    finally:
        output_of("down", *where)


def measure(report: Report, regions: Sequence[str], rounds: int) -> None:
    taken: dict[str, list[float]] = {NEW: [], AGAIN: []}
    stages: dict[str, dict[str, float]] = {}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="arena-bench-", ignore_cleanup_errors=True) as directory:
            for which, seconds in taken.items():
                click.echo(f"{len(regions)} region(s), {which}, round {number + 1} of {rounds}", err=True)
                total, stages[which] = brought_up(Path(directory, "state"), regions)
                seconds.append(total)
    title = "one region" if len(regions) == 1 else f"{len(regions)} regions"
    for which, found in stages.items():
        report.section(f"{title}, {which}: seconds to each stage of the last round")
        for stage, seconds_to_it in found.items():
            report.figure(stage, seconds_to_it, "s")
    report.section(title)
    for which, found_seconds in taken.items():
        report.row(f"./arena up, {which}", [[one] for one in found_seconds], "s")
        report.figure(f"{title}, {which}: best", min(found_seconds), "s", budget=BUDGET[which])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True)
@json_option
def main(rounds: int, json_file: Path | None) -> None:
    """Bring the local cloud up and down, in one region and in all."""
    report = Report("start_up", {"rounds": rounds})
    with ended_by_ctrl_c("the local cloud is stopped"):
        for regions in (REGIONS[:1], REGIONS):
            measure(report, regions, rounds)
    report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
