"""How far the regions are behind each other: ``python -m bench.replication_lag``.

Brings the local cloud up (or uses a running one), writes in the first region, and prints the time from commit to
application in the others, and whether anything is missing after the queues are empty.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from chalicelib.clock import system_clock
from tests.replication_load import Convergence, Writers

ROOT = Path(__file__).resolve().parents[1]
FREE_PORTS = ("--localstack-port", "0", "--mongo-port", "0", "--valkey-port", "0", "--websocket-port", "0")
WARM_UP_SECONDS = 75.0
"""In the first minute an environment of every schedule starts, in three regions at once."""
DRAIN_SECONDS = 300.0


def _arena(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 (our own command)
        [sys.executable, str(ROOT / "arena"), *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


@contextmanager
def _cloud(state_dir: Path | None) -> Iterator[Any]:
    if state_dir is not None:
        yield json.loads(_arena("status", "--json", "--state-dir", str(state_dir)))
        return
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as directory:
        state = ("--state-dir", str(Path(directory) / "state"))
        _arena("up", "--detach", "--cache", "none", *state, *FREE_PORTS)
        try:
            yield json.loads(_arena("status", "--json", *state))
        finally:
            _arena("down", *state)


def _percentile(rising: list[float], share: float) -> float:
    return rising[min(len(rising) - 1, int(len(rising) * share))] if rising else float("nan")


@click.command()
@click.option("--rate", default=200.0, show_default=True, help="Writes per second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Of a running local cloud.")
def main(rate: float, seconds: float, state_dir: Path | None) -> None:
    """Print lag, rate reached and what is missing."""
    with _cloud(state_dir) as status:
        source, *targets = status["regions"]
        writers = Writers(status)
        writers.write(min(rate, 20.0), WARM_UP_SECONDS)
        measured = Convergence(status, system_clock())
        load = os.getloadavg()[0]
        done = writers.write(rate, seconds)
        drained = measured.drained(source, DRAIN_SECONDS)
        committed = len(measured.committed(source))
        click.echo(
            f"{rate:.0f} writes/s asked for, {done.writes / done.seconds:.0f} made in {done.seconds:.0f} s, "
            f"{done.failures} failed; {committed} events, {done.nudges} nudges; {os.cpu_count()} cores "
            f"({platform.machine()}), load {load:.1f} before and {os.getloadavg()[0]:.1f} after; "
            f"tier {status['tier']}, writers, MongoDB and the whole local cloud on this machine"
        )
        for target in targets:
            lags = measured.lags(source, target)
            told = "  ".join(f"p{share * 100:g} {_percentile(lags, share):6.2f} s" for share in (0.5, 0.9, 0.99))
            click.echo(f"{source} -> {target}: {told}  max {_percentile(lags, 1):6.2f} s  of {len(lags)} events")
        left = ", ".join(f"{region} {count}" for region, count in measured.missing(source).items())
        when = f"drained {drained:.1f} s after the last write" if drained is not None else "not drained in time"
        click.echo(f"missing after that: {left}; {when}")
        writers.close()
        measured.close()


if __name__ == "__main__":
    main()
