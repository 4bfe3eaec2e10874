"""How long a new environment of each function takes to its first answer: ``python -m bench.cold_start``.

Every start is an interpreter of its own over the built package, as Lambda runs it, beside a bare Chalice application
that imports the same libraries and asks MongoDB and Redis one question each; in turns, on the same servers. Lambda's
own part, finding a machine and unpacking the code, is not in it.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click
from pymongo import MongoClient

from bench.cold.places import (
    DATABASE,
    Place,
    Start,
    functions,
    packaged,
    secret_store,
    secrets,
    unpacked,
    variables,
    without_byte_code,
)
from bench.leaderboard import servers
from bench.measure import Budget, Report, Row, ended_by_ctrl_c, json_option
from bench.metrics import request
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from infra.package import Package
from infra.template.functions import API_FUNCTION

SEED: Final = 1
BUDGET: Final = Budget(at_most=1.25)
BARE: Final = "bare"
SHOWN: Final = 8
MEBIBYTE: Final = 1 << 20
SCHEDULED: Final = {
    **{"version": "0", "id": "bench", "detail-type": "Scheduled Event", "source": "aws.events"},
    **{"account": "1", "time": "2026-11-23T12:00:00Z", "region": "us-east-1", "resources": [], "detail": {}},
}
_MESSAGE: Final = {
    **{"messageId": "bench", "receiptHandle": "bench", "body": "{}", "attributes": {"ApproximateReceiveCount": "1"}},
    **{"messageAttributes": {}, "eventSource": "aws:sqs", "eventSourceARN": "bench", "awsRegion": "us-east-1"},
}
DELIVERED: Final = {"Records": [_MESSAGE]}
"""What can't be read comes again: everything is loaded, nothing is done."""
SPOKEN: Final = {
    "requestContext": {"connectionId": "bench", "domainName": "localhost", "stage": "api", "apiId": "bench"},
    "body": '{"type":"ping"}',
    "headers": {},
}


@dataclass(frozen=True)
class Contestant:
    """What is started, where, and with which event."""

    handler: str
    event: Mapping[str, Any]
    place: Place

    def start(self) -> Start:
        """Raises RuntimeError for an answer that is no success, except where AWS would be needed for one."""
        start = self.place.start(self.handler, self.event)
        if self.event.get("httpMethod") and start.answer.get("statusCode") != HTTPStatus.OK:
            raise RuntimeError(f"{self.handler}: {start.answer}")
        return start


def event_of(package: Package, function: str) -> Mapping[str, Any]:
    """The least that invokes ``function``."""
    handlers = functions(package)
    if handlers[function] == handlers[API_FUNCTION]:
        return request("/api/game-modes")
    sources = package.template["Resources"][function]["Properties"].get("Events", {}).values()
    kinds = {source["Type"] for source in sources}
    return DELIVERED if "SQS" in kinds else SCHEDULED if "Schedule" in kinds else SPOKEN


def in_turns(contestants: Mapping[str, Contestant], rounds: int) -> dict[str, list[Start]]:
    """Starts of each, in an order drawn anew each round; one round before is not counted."""
    draw, taken = random.Random(SEED), {name: list[Start]() for name in contestants}
    for turn in range(rounds + 1):
        progress(f"round {turn} of {rounds}")
        for name in draw.sample(sorted(contestants), len(contestants)):
            start = contestants[name].start()
            if turn:
                taken[name].append(start)
    return taken


def compared(report: Report, title: str, taken: Mapping[str, list[Start]], *, budget: Budget | None = BUDGET) -> None:
    """Both parts together beside the bare application's, then the parts."""
    parts: tuple[tuple[str, Callable[[Start], float], Budget | None], ...] = (
        ("import and first request", lambda start: start.both, budget),
        ("of which import", lambda start: start.imported, None),
        ("of which first request", lambda start: start.first, None),
        ("processor time of both", lambda start: start.processor, budget),
    )
    for part, of, bound in parts:
        report.section(f"{title}: {part}")
        yardstick: Row | None = None
        for name in sorted(taken, key=lambda name: (name != BARE, name)):
            rounds = [[of(start)] for start in taken[name]]
            failed = {start.failed for start in taken[name] if start.failed}
            told = f"{name} ({', '.join(failed)})" if failed else name
            row = report.row(told, rounds, beside=yardstick, budget=bound if yardstick else None)
            yardstick = yardstick or row


def sizes(report: Report, package: Package, folder: Path) -> None:
    """The archive, and what is largest in it."""
    report.section("size of the package, MiB")
    parts: Counter[str] = Counter()
    byte_code = 0
    for path in folder.rglob("*"):
        if path.is_file():
            parts[path.relative_to(folder).parts[0]] += path.stat().st_size
            byte_code += path.stat().st_size if path.suffix == ".pyc" else 0
    report.figure("archive", package.zip_path.stat().st_size / MEBIBYTE, "MiB")
    report.figure("unpacked", parts.total() / MEBIBYTE, "MiB")
    report.figure("of which byte code", byte_code / MEBIBYTE, "MiB")
    for name, size in parts.most_common(SHOWN):
        report.figure(f"  {name}", size / MEBIBYTE, "MiB")


def imports(report: Report, contestant: Contestant) -> None:
    """Where the time of importing goes: module by module in themselves, added up by package."""
    report.section("imported by the API's function to its first answer, self time (-X importtime, one start)")
    modules: dict[str, float] = {}
    for line in contestant.place.import_times(contestant.handler, contestant.event).splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            modules[rest.rpartition("|")[2].strip()] = int(own) / 1000
    packages: dict[str, float] = {}
    for name, taken in modules.items():
        top = name.partition(".")[0]
        package = "the standard library" if top in sys.stdlib_module_names else top
        packages[package] = packages.get(package, 0.0) + taken
    report.figure("modules", len(modules))
    for found in (packages, modules):
        for name in sorted(found, key=lambda name: -found[name])[:SHOWN]:
            report.figure(f"  {name}", found[name], "ms")
    made = contestant.place.dataclasses(contestant.handler, contestant.event)
    report.figure("dataclasses made", len(made))
    report.figure("  processor time of that", sum(made), "ms")


def progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{text} ", nl=False, err=True)


@contextmanager
def prepared() -> Iterator[dict[str, str]]:
    """Secrets that name a seeded database and a cache, both gone afterwards."""
    with servers() as (mongo_uri, redis_url):
        with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
            ensure_indexes(client[DATABASE])
            seed_defaults(client[DATABASE], system_clock())
        yield secrets(mongo_uri, redis_url)


def run(rounds: int, json_file: Path | None) -> None:
    """The whole benchmark."""
    package = packaged(lambda line: click.echo(line, err=True))
    report = Report("cold_start", {"stage": package.stage, "rounds": rounds, "seed": SEED})
    with tempfile.TemporaryDirectory(prefix="arena-bench-") as directory, prepared() as secret:
        folder = unpacked(package, Path(directory, "package"))
        sizes(report, package, folder)
        place, handlers = Place(folder, variables(secret)), functions(package)
        event, api = event_of(package, API_FUNCTION), handlers[API_FUNCTION]

        def beside_bare(title: str, where: Place, budget: Budget | None = BUDGET) -> None:
            both = {BARE: Contestant("bare.app", request("/bare"), where), "API": Contestant(api, event, where)}
            compared(report, title, in_turns(both, rounds), budget=budget)

        imports(report, Contestant(api, event, place))
        beside_bare("API", place)
        with secret_store(secret) as reading:
            beside_bare("API, its secret read first", Place(folder, {**variables({}), **reading}))
        sources = without_byte_code(folder, Path(directory, "sources"))
        beside_bare("API, no byte code in the package", Place(sources, place.variables), budget=None)
        others = {
            name: Contestant(handler, event_of(package, name), place)
            for name, handler in handlers.items()
            if name != API_FUNCTION
        }
        others[BARE] = Contestant("bare.app", request("/bare"), place)
        compared(report, "other functions", in_turns(others, rounds))
    report.write(json_file)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(min=1), default=9, show_default=True, help="Starts of each function.")
@json_option
def main(rounds: int, json_file: Path | None) -> None:
    """Start every function in interpreters of its own, beside a bare one."""
    with ended_by_ctrl_c("the servers are stopped"):
        run(rounds, json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
