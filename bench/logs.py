"""What the log costs: a line, a debug line that is not written, the logger's first use: ``python -m bench.logs``.

Processor time, the best of several rounds: on a busy machine the rest is other people's work.
"""

import io
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click
from aws_lambda_powertools import Logger

from bench.measure import Report, Row, json_option
from chalicelib.log_lines import SAMPLE_RATE, SERVICE, new_logger
from chalicelib.observability import correlated, correlation_id

LINES: Final = 2_000
ROUNDS: Final = 15
STARTS: Final = 9
_ROOT: Final = Path(__file__).resolve().parents[1]
_START: Final = """
import time
before = time.process_time()
import app
imported = time.process_time()
from chalicelib.observability import logger
logger()
print(imported - before, time.process_time() - imported)
"""


def microseconds(work: Callable[[], object]) -> float:
    """Of one call."""
    started = time.process_time()
    for _ in range(LINES):
        work()
    return (time.process_time() - started) / LINES * 1e6


def line(logger: Logger) -> Callable[[], None]:
    """What each request leaves."""
    return lambda: logger.info("request", method="POST", route="/api/battle/run", status=200, duration_ms=12.34)


def request(logger: Logger) -> None:
    """All that a request logs, with its id."""
    with correlated("0b2f7a52-8c0e-4d1f-9f1c-6c1f8f8e2f10"):
        logger.debug("request begins", method="POST", route="/api/battle/run")
        logger.debug("rate limits asked", remaining={"address": 599, "player": 59})
        logger.info("request", method="POST", route="/api/battle/run", status=200, duration_ms=12.34)


def start() -> tuple[float, float]:
    """Milliseconds of a new process: importing the application, then making the logger."""
    command = [sys.executable, "-c", _START]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    imported, made = (float(part) * 1000 for part in done.stdout.split())
    return imported, made


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@json_option
def main(json_file: Path | None) -> None:
    """Print what logging costs."""
    plain = Logger(service="powertools", utc=True, stream=io.StringIO())
    ours = new_logger({SERVICE: "ours"}, correlation_id, io.StringIO())
    sampling = new_logger({SERVICE: "sampling", SAMPLE_RATE: "0.01"}, correlation_id, io.StringIO())
    works: Mapping[str, Callable[[], object]] = {
        "a request's line, as Powertools writes it": line(plain),
        "a request's line, as the arena does": line(ours),
        "a debug line that is not written": lambda: ours.debug("m", number=1),
        "all of a request, debug lines not written": lambda: request(ours),
        "all of a request, 1 % of ids sampled": lambda: request(sampling),
    }
    report = Report("logs", {"lines": LINES, "rounds": ROUNDS})
    report.section("processor time of a line, or of a request's")
    first: Row | None = None
    for name, work in works.items():
        taken = [microseconds(work) for _ in range(ROUNDS)]
        row = report.row(name, [[one] for one in taken], "us", beside=first)
        report.figure("  at best", min(taken), "us")
        first = first or row
    report.section("processor time of a start")
    starts = [start() for _ in range(STARTS)]
    report.row("importing the application", [[one] for one, _ in starts])
    report.row("making the logger, at the first line", [[one] for _, one in starts])
    report.write(json_file)


if __name__ == "__main__":
    main()
