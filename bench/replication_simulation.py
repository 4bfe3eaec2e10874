"""Many histories of three regions, each of which must end well: ``python -m bench.replication_simulation``.

``--histories`` and ``--seed`` choose them, ``--actions`` how long they are. Prints how many a second, what happened in
them, and how many it takes until a planted bug is found. Ends with 1 if a history does not end well.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import click

from bench.measure import Budget, Report, json_option
from tests.simulation.checks import Broken
from tests.simulation.history import ACTIONS, play
from tests.simulation.parts import Parts
from tests.simulation.planted import PLANTED

HISTORIES = 5000
PLANTED_MAX = 1000
NONE = Budget(at_most=0)


def _until_found(parts: Parts, seed: int) -> int | None:
    for tried in range(PLANTED_MAX):
        try:
            play(seed + tried, parts)
        except Broken:
            return tried + 1
    return None


@click.command()
@click.option("--histories", default=HISTORIES, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the first history; the others follow.")
@click.option("--actions", default=ACTIONS, show_default=True, help="What people do in each.")
@click.option("--planted/--no-planted", default=True, show_default=True, help="Count until planted bugs are found.")
@json_option
def main(histories: int, seed: int, actions: int, planted: bool, json_file: Path | None) -> None:
    """Plays histories, one after another."""
    report = Report("replication_simulation", {"histories": histories, "actions": actions, "seed": seed})
    happened: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    broken: list[str] = []
    started = time.process_time()
    for number in range(seed, seed + histories):
        try:
            played = play(number, actions=actions)
        except Broken as error:
            broken.append(str(error))
            click.echo(error, err=True)
            continue
        happened += played.happened
        outcomes += played.outcomes
    taken = time.process_time() - started
    report.figure("histories a second", histories / taken)
    report.figure("that did not end well", len(broken), budget=NONE)
    for counts in (happened, outcomes):
        click.echo("  " + ", ".join(f"{what} {count}" for what, count in counts.most_common()))
    missed = 0
    for fault, parts in sorted(PLANTED.items()) if planted else ():
        tried = _until_found(parts, seed)
        missed += tried is None
        if tried is not None:
            report.figure(f"a region that {fault} is found after", tried)
    if planted:
        report.figure(f"planted bugs not found after {PLANTED_MAX}", missed, budget=NONE)
    report.write(json_file)
    sys.exit(1 if broken or missed else 0)


if __name__ == "__main__":
    main()
