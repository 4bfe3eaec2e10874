"""``./arena logs``: what all functions of all regions logged, merged by time; of one id, or all of it."""

import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.clock import system_clock
from infra.cli.local import CHECKOUT
from infra.cloud import Cloud, explain
from infra.log_files import LogFiles
from infra.log_groups import find_lines
from infra.log_reading import LEVELS, Line, data, in_order, shown
from infra.template.stage import STAGES
from localcloud.state import StateDir

LOOK_SECONDS = 0.3
NOTHING_FOUND = 1
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Duration(click.ParamType[timedelta]):
    """``90s``, ``10m``, ``2h``, ``1d``."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration, e.g. 90s, 10m, 2h or 1d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@dataclass(frozen=True)
class Wanted:
    """Which lines are shown, and how."""

    correlation_id: str | None
    regions: tuple[str, ...]
    function: str | None
    level: str | None
    since: datetime
    as_json: bool

    def has(self, line: Line) -> bool:
        return (
            (line.is_told if self.correlation_id is None else line.is_about(self.correlation_id))
            and (not self.regions or line.source.region in self.regions)
            and (self.function is None or _plain(self.function) in _plain(line.source.function))
            and (self.level is None or line.is_at_least(self.level))
            and (line.at is None or line.at >= self.since)
        )

    def show(self, lines: Iterable[Line]) -> int:
        """Prints what is wanted of ``lines``, in order; how many that were."""
        chosen = in_order(line for line in lines if self.has(line))
        for line in chosen:
            click.echo(json.dumps(data(line)) if self.as_json else "\n".join(shown(line, self.correlation_id)))
        return len(chosen)


@click.command()
@click.option("--id", "correlation_id", help="Only lines about this id: an X-Request-Id, or a battle's requestId.")
@click.option("--region", "regions", multiple=True, help="Only this region; may be repeated. All by default.")
@click.option("--function", help="Only functions with this in their name: api, battle_worker, receiver …")
@click.option(
    "--level", type=click.Choice(LEVELS, case_sensitive=False), help="Only lines of this level or a higher one."
)
@click.option("--since", type=Duration(), default="1h", show_default=True, help="How far back: 90s, 10m, 2h, 1d.")
@click.option("--follow", is_flag=True, help="Go on with what is logged from now on, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@click.option("--aws", is_flag=True, help="From CloudWatch, with your credentials, instead of the local cloud.")
@click.option("--stage", type=click.Choice(list(STAGES)), default="prod", show_default=True, help="With --aws.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
def command(
    correlation_id: str | None,
    regions: tuple[str, ...],
    function: str | None,
    level: str | None,
    since: timedelta,
    follow: bool,
    as_json: bool,
    aws: bool,
    stage: str,
    state_dir: Path | None,
) -> None:
    """Print what the functions of all regions logged, in the order of time.

    With --id everything one request came to: API, queues, worker, publisher, the other regions. Exits with 1 when
    nothing was found.
    """
    if correlation_id is not None and not correlation_id.strip():
        raise click.UsageError("--id is empty")
    wanted = Wanted(correlation_id, regions, function, level and level.upper(), system_clock() - since, as_json)
    if aws:
        if follow:
            raise click.UsageError("--follow is for the local cloud: use `aws logs tail --follow` for one group in AWS")
        if not regions:
            raise click.UsageError("--aws needs --region")
        found = _show_aws(wanted, STAGES[stage].stack_name)
    else:
        files = LogFiles(_directory(state_dir))
        found = _show_local(wanted, files, follow=follow)
        heard = files.regions()
        if unheard := sorted(set(regions) - heard):
            click.echo(f"no logs of {', '.join(unheard)}; there are some of {', '.join(sorted(heard))}", err=True)
    if not found:
        click.echo("nothing was logged" + (f" about {correlation_id}" if correlation_id else ""), err=True)
        raise SystemExit(NOTHING_FOUND)


def _directory(state_dir: Path | None) -> Path:
    directory = StateDir.locate(state_dir, CHECKOUT).logs / "functions"
    if not directory.is_dir():
        raise click.ClickException(f"there are no logs in {directory}; has the local cloud run (make run)?")
    return directory


def _show_local(wanted: Wanted, files: LogFiles, *, follow: bool) -> int:
    read: Callable[[], int] = lambda: wanted.show(line for lines in files.lines(wanted.since) for line in lines)  # noqa: E731
    found = read()
    try:
        while follow:
            time.sleep(LOOK_SECONDS)
            found += read()
    except KeyboardInterrupt:
        # That is how following ends.
        return found
    return found


def _show_aws(wanted: Wanted, stack_name: str) -> int:
    try:
        return wanted.show(
            line
            for region in wanted.regions
            for line in find_lines(
                Cloud(region).client("logs"), region, stack_name, wanted.since, wanted.correlation_id
            )
        )
    except (BotoCoreError, ClientError) as error:
        raise click.ClickException(explain(error)) from error


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
