"""A battle beside what it can't be faster than: ``python -m bench.battle``.

The whole request through the application's handler, as Lambda calls it: signed in, limited, logged, measured,
leaderboards told. Beside it the same transaction written by hand (the player and the broker read, six writes, a commit:
nine round trips), its writes alone, and a Chalice handler that does nothing. Contestants take turns, round by round in
an order drawn anew, so that a busy moment meets all alike. One environment, then several at once, each a process of its
own; on one MongoDB node, then on three.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import psutil
from pymongo import MongoClient

from bench.battle_contestants import PLAYERS, Place
from bench.battle_environments import (
    ARENA,
    HANDLER,
    TRANSACTION,
    UNCACHED,
    UNSEEN,
    WRITES,
    EnvironmentFailed,
    Environments,
    Ran,
    environments,
)
from bench.limiter import server
from bench.measure import Budget, Report, ended_by_ctrl_c, json_option
from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from tests.servers import replica_set

SEED: Final = 1
CLIENTS: Final = 8
TIMES_THE_FLOOR: Final = 1.5
ROUND_TRIPS: Final = 8
BATTLES_PER_SECOND: Final = 336
"""Four times the 84 of the back end the arena takes the place of, on the machine it was measured on."""

Rounds = dict[str, list[Sequence[Ran]]]
"""Of each contestant, what its environments did, round by round."""


class Database:
    """A replica set, from the side of whoever measures it."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._client: MongoClient[Any] = MongoClient(uri, tz_aware=True)
        self.version = str(self._client.server_info()["version"])
        hosts = [str(host).rsplit(":", 1) for host in self._client.admin.command("hello")["hosts"]]
        self._processes = [psutil.Process(self._pid(host, int(port))) for host, port in hosts]

    def cpu_seconds(self) -> float:
        """Of all members since they began."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes)

    def fill(self, places: Sequence[Place]) -> None:
        """A new arena with players, whose caps nobody reaches."""
        database = self._client[places[0].database]
        ensure_indexes(database)
        seed_defaults(database, system_clock())
        database["economyconfigs"].update_one({}, {"$set": {"dailyCapAiba": 10**9, "dailyCapNeur": 10**9}})
        for place in places:
            place.settle()

    def close(self) -> None:
        self._client.close()

    def _pid(self, host: str, port: int) -> int:
        with MongoClient[Any](host, port, directConnection=True) as member:
            return int(member.admin.command("serverStatus")["pid"])


@contextmanager
def database(members: int) -> Iterator[Database]:
    """A replica set of so many members, gone afterwards."""
    with replica_set(members) as uri:
        found = Database(uri)
        try:
            yield found
        finally:
            found.close()


def fight(
    fleet: Environments, mongo: Database, contestants: Sequence[str], rounds: int, draw: random.Random
) -> tuple[Rounds, dict[str, float]]:
    """Rounds of all contestants, the first thrown away, and the CPU seconds of MongoDB by contestant."""
    done: Rounds = {name: [] for name in contestants}
    cpu = dict.fromkeys(contestants, 0.0)
    for number in range(rounds + 1):
        for name in draw.sample(contestants, len(contestants)):
            before = mongo.cpu_seconds()
            ran = fleet.round(name)
            if number:
                done[name].append(ran)
                cpu[name] += mongo.cpu_seconds() - before
        _progress(number, rounds)
    return done, cpu


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rround {done} of {of}", nl=done >= of, err=True)


def tell(report: Report, done: Rounds, cpu: dict[str, float], *, alone: bool) -> None:
    """Rows and figures of one place and number of environments."""
    times = {
        name: [[ms for ran in each for ms in ran.milliseconds] for each in rounds] for name, rounds in done.items()
    }
    floor = report.row(TRANSACTION, times[TRANSACTION])
    if HANDLER in times:
        report.row(HANDLER, times[HANDLER])
    for name in (WRITES, ARENA, UNCACHED, UNSEEN):
        if name in times:
            budget = Budget(at_most=TIMES_THE_FLOOR) if alone and name == ARENA else None
            report.row(name, times[name], beside=floor, budget=budget)
    for name in sorted(done.keys() - {HANDLER}):
        _costs(report, name, [ran for each in done[name] for ran in each], cpu[name])
    if not alone:
        rates = {name: [[_rate(each)] for each in done[name]] for name in (TRANSACTION, ARENA)}
        beside = report.row(f"{TRANSACTION}, rate", rates[TRANSACTION], "per s")
        report.row(f"{ARENA}, rate", rates[ARENA], "per s", beside=beside)
        middle = median(rate for (rate,) in rates[ARENA])
        report.figure("battles per second", middle, budget=Budget(at_least=BATTLES_PER_SECOND))


def _costs(report: Report, name: str, ran: Sequence[Ran], mongo_cpu: float) -> None:
    battles = sum(len(one.milliseconds) for one in ran)
    commands = sum(one.commands for one in ran) / battles
    budget = Budget(at_most=ROUND_TRIPS) if name == ARENA else None
    report.figure(f"{name}: MongoDB round trips", commands, budget=budget)
    report.figure(f"{name}: CPU of its process", sum(one.cpu_seconds for one in ran) / battles * 1000, "ms")
    report.figure(f"{name}: CPU of MongoDB", mongo_cpu / battles * 1000, "ms")


def _rate(together: Sequence[Ran]) -> float:
    """Battles a second of environments that began together."""
    seconds = max(ran.ended for ran in together) - min(ran.began for ran in together)
    return sum(len(ran.milliseconds) for ran in together) / seconds


def run(members: int, clients: int, rounds: int, redis_url: str, report: Report, mongo: Database) -> None:
    """All that is measured with so many environments on a replica set of so many members."""
    # By a name of its own, which begins its cache keys: players meet no limit for what they fought before.
    places = [Place(number, mongo.uri, f"bench_{members}_{clients}") for number in range(clients)]
    mongo.fill(places)
    contestants = [HANDLER, WRITES, TRANSACTION, ARENA, UNCACHED, UNSEEN] if clients == 1 else [TRANSACTION, ARENA]
    with environments(places, redis_url) as fleet:
        done, cpu = fight(fleet, mongo, contestants, rounds, random.Random(SEED))
    report.section(f"{clients} environment(s), {members} MongoDB node(s)")
    tell(report, done, cpu, alone=clients == 1)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(min=2, max=12), default=12, show_default=True, help="Of 50 battles each.")
@click.option("--clients", type=click.IntRange(min=2, max=64), default=CLIENTS, show_default=True, help="At once.")
@click.option("--members", type=click.Choice(["1", "3"]), multiple=True, default=("1", "3"), show_default=True)
@json_option
def main(rounds: int, clients: int, members: Sequence[str], json_file: Path | None) -> None:
    """Time battles beside a bare transaction and a bare handler."""
    report: Report | None = None
    try:
        with ended_by_ctrl_c("servers and environments are stopped"), server() as redis_url:
            for count in map(int, members):
                with database(count) as mongo:
                    report = report or Report(
                        "battle", {"mongod": mongo.version, "seed": SEED, "battles a round": PLAYERS, "rounds": rounds}
                    )
                    for environments_now in (1, clients):
                        run(count, environments_now, rounds, redis_url, report, mongo)
    except EnvironmentFailed as error:
        raise click.ClickException(str(error)) from error
    if report is not None:
        report.write(json_file)


if __name__ == "__main__":
    main(standalone_mode=True)
