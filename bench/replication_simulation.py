"""Many histories of three regions, each of which must end well: ``python -m bench.replication_simulation``.

``--histories`` and ``--seed`` choose them, ``--actions`` how long they are. Prints how many a second, what happened in
them, and how many it takes until a planted bug is found. Ends with 1 if a history does not end well.
"""

import sys
import time
from collections import Counter

import click

from tests.simulation.checks import Broken
from tests.simulation.history import ACTIONS, play
from tests.simulation.parts import Parts
from tests.simulation.planted import PLANTED

HISTORIES = 5000
PLANTED_MAX = 1000


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
def main(histories: int, seed: int, actions: int, planted: bool) -> None:
    """Plays histories, one after another."""
    happened: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    broken: list[str] = []
    started = time.process_time()
    for number in range(seed, seed + histories):
        try:
            report = play(number, actions=actions)
        except Broken as error:
            broken.append(str(error))
            click.echo(error, err=True)
            continue
        happened += report.happened
        outcomes += report.outcomes
    taken = time.process_time() - started
    click.echo(f"{histories} histories of {actions} actions from seed {seed}: {histories / taken:.0f} a second")
    click.echo(f"  {len(broken)} did not end well")
    for counts in (happened, outcomes):
        click.echo("  " + ", ".join(f"{what} {count}" for what, count in counts.most_common()))
    missed = False
    for fault, parts in sorted(PLANTED.items()) if planted else ():
        tried = _until_found(parts, seed)
        missed |= tried is None
        click.echo(f"  a region that {fault:<28} is found " + ("never" if tried is None else f"after {tried}"))
    sys.exit(1 if broken or missed else 0)


if __name__ == "__main__":
    main()
