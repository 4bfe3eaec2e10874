"""How far the regions are behind each other: ``python -m bench.replication_lag``.

Brings the local cloud up (or uses a running one), writes in the first region, and prints the time from commit to
application in the others, and whether anything is missing after the queues are empty. Beside it as many messages of the
same size to a function that does nothing, and whose processor time an event takes: what of the lag is the local cloud's
own, no change of the arena's takes away.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bench.bare_consumer import Heard, bare_consumer
from bench.measure import Budget, Report, Row, ended_by_ctrl_c, json_option
from bench.processors import processor_seconds
from chalicelib.clock import system_clock
from chalicelib.replication.publisher import MESSAGE_EVENTS
from infra.cli.calling import FREE_PORTS, output_of
from localcloud.state import StateDir
from tests.replication_load import Convergence, Writers

WARM_UP_SECONDS = 75.0
"""In the first minute an environment of every schedule starts, in three regions at once."""
DRAIN_SECONDS = 300.0
IDLE_SECONDS = 10.0
EVENT_CHARACTERS = 750
"""Of one signed event, about: most change a name."""
BARE_MESSAGES_MAX = 400
LOCALSTACK = "localstack"
LAG, NONE = Budget(at_most=2.0), Budget(at_most=0)


@dataclass(slots=True)
class Spent:
    """Processor seconds, by server and function, and of this process; and of the clock."""

    processors: dict[str, float] = field(default_factory=dict)
    own: float = 0.0
    seconds: float = 0.0


@contextmanager
def _cloud(state_dir: Path | None) -> Iterator[tuple[Any, StateDir]]:
    if state_dir is not None:
        yield json.loads(output_of("status", "--json", "--state-dir", str(state_dir))), StateDir(state_dir)
        return
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as directory:
        root = Path(directory) / "state"
        state = ("--state-dir", str(root))
        try:
            output_of("up", "--detach", "--cache", "none", *state, *FREE_PORTS)
            yield json.loads(output_of("status", "--json", *state)), StateDir(root)
        finally:
            # Of an interrupted start, too.
            output_of("down", *state)


@contextmanager
def _spending(state: StateDir) -> Iterator[Spent]:
    """Filled when the block ends."""
    spent = Spent()
    before, own, began = processor_seconds(state), time.process_time(), time.monotonic()
    yield spent
    spent.seconds, spent.own = time.monotonic() - began, time.process_time() - own
    after = processor_seconds(state)
    spent.processors = {name: after.get(name, 0.0) - before.get(name, 0.0) for name in {**before, **after}}


def _percentile(rising: list[float], share: float) -> float:
    return rising[min(len(rising) - 1, int(len(rising) * share))]


def _tell_bare(report: Report, status: Any, state: StateDir, rate: float, seconds: float) -> Row | None:
    """The yardstick: what the local cloud takes for a message, whoever gets it."""
    _source, *targets = status["regions"]
    rate = rate * len(targets) / MESSAGE_EVENTS
    messages = min(BARE_MESSAGES_MAX, int(rate * seconds))
    with bare_consumer(targets[0], status["localstack"]) as consumer:
        # Its environment starts, which no busy function's does.
        consumer.send(1, rate, 1)
        consumer.heard(1, DRAIN_SECONDS)
        consumer.forget()
        with _spending(state) as idle:
            time.sleep(IDLE_SECONDS)
        with _spending(state) as busy:
            consumer.send(messages, rate, MESSAGE_EVENTS * EVENT_CHARACTERS)
            found = consumer.heard(messages, DRAIN_SECONDS)
    report.section("messages of ten events' size to a function that does nothing")
    report.figure("made a second", messages / busy.seconds)
    report.figure("not heard of", messages - len(found), budget=NONE)
    if not found:
        return None
    row = report.row("from sent to heard", [[one.seconds for one in found]], "s")
    report.figure("p99", _percentile(sorted(one.seconds for one in found), 0.99), "s")
    _tell_localstack(report, found, idle, busy)
    return row


def _tell_localstack(report: Report, found: list[Heard], idle: Spent, busy: Spent) -> None:
    spent = busy.processors[LOCALSTACK]
    report.figure("CPU of LocalStack at rest, a second", idle.processors[LOCALSTACK] / idle.seconds * 1000, "ms")
    report.figure("meanwhile, a second", spent / busy.seconds * 1000, "ms")
    report.figure("meanwhile, a message", spent / len(found) * 1000, "ms")
    report.figure("messages a call", len(found) / len({one.call for one in found}))


def _tell_lag(report: Report, measured: Convergence, source: str, target: str, beside: Row | None) -> None:
    lags = measured.lags(source, target)
    report.section(f"{source} -> {target}, from commit to application")
    if lags:
        report.row("lag", [lags], "s", beside=beside)
        report.figure("lag, p99", _percentile(lags, 0.99), "s", budget=LAG)
        report.figure("lag, most", lags[-1], "s")
        report.figure("events a transaction", len(lags) / measured.transactions(source, target))


def _tell_processors(report: Report, spent: Spent, events: int) -> None:
    report.section("processor time an event, all regions, schedules and rest included")
    report.figure("this process, the writers", spent.own / events * 1000, "ms")
    for name, seconds in sorted(spent.processors.items(), key=lambda one: -one[1]):
        report.figure(name, seconds / events * 1000, "ms")
    report.figure("processors in use", (spent.own + sum(spent.processors.values())) / spent.seconds)


def _measure(status: Any, state: StateDir, rate: float, seconds: float, warm_up: float) -> Report:
    source, *targets = status["regions"]
    writers = Writers(status)
    writers.write(min(rate, 20.0), warm_up)
    conditions = {"tier": status["tier"], "regions": len(status["regions"]), "writes asked for, a second": rate}
    report = Report("replication_lag", conditions)
    bare = _tell_bare(report, status, state, rate, seconds)
    measured = Convergence(status, system_clock())
    with _spending(state) as spent:
        done = writers.write(rate, seconds)
        drained = measured.drained(source, DRAIN_SECONDS)
    committed = len(measured.committed(source))
    report.section("writes; writers, MongoDB and the whole local cloud on this machine")
    report.figure("made a second", done.writes / done.seconds)
    report.figure("failed", done.failures)
    report.figure("events", committed)
    report.figure("nudges", done.nudges)
    for target in targets:
        _tell_lag(report, measured, source, target, bare)
    report.section("after the last write")
    for region, count in measured.missing(source).items():
        report.figure(f"missing in {region} once all is quiet", count, budget=NONE)
    if drained is not None:
        report.figure("drained after", drained, "s")
    _tell_processors(report, spent, max(1, committed))
    writers.close()
    measured.close()
    return report


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=200.0, show_default=True, help="Writes per second.")
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--warm-up", default=WARM_UP_SECONDS, show_default=True, help="Seconds of few writes before.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Of a running local cloud.")
@json_option
def main(rate: float, seconds: float, warm_up: float, state_dir: Path | None, json_file: Path | None) -> None:
    """Print lag, rate reached, what is missing, and what of it is the local cloud's."""
    stopped = "the local cloud is stopped" if state_dir is None else "the local cloud runs on"
    with ended_by_ctrl_c(stopped), _cloud(state_dir) as (status, state):
        report = _measure(status, state, rate, seconds, warm_up)
    report.write(json_file)


if __name__ == "__main__":
    main()
