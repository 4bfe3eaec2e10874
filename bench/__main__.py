"""Every benchmark, or some of them: ``python -m bench [NAMES]``; figures go to ``.arena/bench/NAME.json``, too."""

import ast
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from bench.summary import lines

HERE: Final = Path(__file__).resolve().parent
RESULTS: Final = HERE.parent / ".arena" / "bench"
INTERRUPTED: Final = 130
_DOCUMENTS = ("--documents", "100000")
USUAL: Final[Mapping[str, Sequence[str]]] = {"sharding": _DOCUMENTS}
"""What a benchmark is given unless it is quick; the others have all they need."""
QUICK: Final[Mapping[str, Sequence[str]]] = {
    "backup": ("--battles", "4000"),
    "battle": ("--rounds", "3", "--members", "1"),
    "cache_outage": ("--seconds", "3"),
    "cold_start": ("--rounds", "3"),
    "growth": ("--rounds", "2", "--calls", "10"),
    "leaderboard": ("--players", "20000", "--calls", "300"),
    "limiter": ("--calls", "500"),
    "metrics": ("--calls", "200"),
    "middleware": ("--calls", "300"),
    "publisher": ("--events", "200", "--rounds", "1"),
    "receiver": ("--events", "100", "--rounds", "1"),
    "read_cache": ("--players", "2000", "--calls", "200"),
    "replication_lag": ("--rate", "50", "--seconds", "15"),
    "replication_simulation": ("--histories", "300", "--no-planted"),
    "scaling_policies": ("--trace", "azure_fn_flash"),
    "sharding": ("--documents", "10000"),
}
"""Enough to see that it works and how much it is about; the figures are rough."""


def benchmarks() -> dict[str, str]:
    """Modules of this folder that can be run, with the first line of what they say of themselves."""
    found = {}
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if "main" in functions and path.stem != "__main__":
            said = (ast.get_docstring(tree) or "").partition("\n")[0]
            found[path.stem] = said.partition(": ``")[0].rstrip(".")
    return found


def result(name: str) -> Path:
    return RESULTS / f"{name}.json"


def run(name: str, arguments: Sequence[str]) -> int:
    """The exit code. What the benchmark prints is printed; figures of an earlier run are gone before."""
    result(name).unlink(missing_ok=True)
    command = [sys.executable, "-m", f"bench.{name}", *arguments, "--json", str(result(name))]
    # The terminal sends Ctrl-C to both; the benchmark stops its servers, and is waited for.
    with subprocess.Popen(command, cwd=HERE.parent) as process:  # noqa: S603 (our own modules)
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def run_all(names: Sequence[str], quick: bool) -> list[str]:
    """Names of those that failed."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    failed = []
    for number, name in enumerate(names, 1):
        click.secho(f"\n[{number} of {len(names)}] {name}", bold=True)
        began = time.monotonic()
        code = run(name, (QUICK if quick else USUAL).get(name, ()))
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code != 0:
            failed.append(name)
        click.echo(f"{name} {'failed' if code else 'done'} in {time.monotonic() - began:.0f} s")
    return failed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="Only say which there are.")
@click.option("--quick", is_flag=True, help="Fewer calls of each, for a look.")
def main(names: tuple[str, ...], listed: bool, quick: bool) -> None:
    """Run benchmarks, NAMES or all, one after another, and sum up what they found.

    Ends with 1 when one of them failed; a budget that was missed is no failure.
    """
    known = benchmarks()
    if listed:
        for name, about in known.items():
            click.echo(f"{name:<24}{about}")
        return
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(known)}", param_hint="NAMES")
    chosen = names or tuple(known)
    try:
        failed = run_all(chosen, quick)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    click.secho("\nratios and budgets", bold=True)
    for line in lines({name: result(name) for name in chosen}):
        click.echo(line)
    if failed:
        click.echo(f"failed: {', '.join(failed)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
