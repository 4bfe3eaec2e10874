"""``./arena status``: what runs, where, and how many warm environments each region has now."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from infra.cli.local import CHECKOUT
from infra.cli.summary import describe_redis
from localcloud.state import StateDir
from localcloud.supervisor import live_supervisor

NOTHING_RUNS: Final = 3
"""The exit code, as for a stopped service elsewhere."""
NO_ANSWER: Final = 1
"""The exit code when the servers are there and LocalStack does not say what it runs."""
PATIENCE_SECONDS: Final = 5.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(as_json: bool, state_dir: Path | None) -> None:
    """Show what runs, and where. Exits with 3 when nothing does, with 1 when LocalStack does not answer."""
    state = StateDir.locate(state_dir, CHECKOUT)
    owner = live_supervisor(state)
    recorded = state.read_status()
    if owner is None or recorded is None:
        if owner is None:
            click.echo("nothing is running; start it with `make run` or `./arena up --detach`", err=True)
        else:
            click.echo(f"the local cloud is starting or stopping (pid {owner.pid})", err=True)
        sys.exit(NOTHING_RUNS)
    status = with_live_counts(recorded)
    click.echo(json.dumps(status, indent=2) if as_json else describe(status, owner.pid))
    if any(entry["provisioned"] is None for entry in status["regions"].values()):
        click.echo(
            f"LocalStack at {recorded['localstack']} does not tell what it runs: look at {state.logs}, or start anew "
            "with `./arena down` and `./arena up`; the data stays",
            err=True,
        )
        sys.exit(NO_ANSWER)


def with_live_counts(recorded: Mapping[str, Any], patience_seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """The recorded status with each region's warm environments as LocalStack counts them now, None if it does not."""
    counts = _provisioned(recorded, patience_seconds)
    regions = {
        name: {
            "api": entry["api"],
            "health": entry["health"],
            "websocket": entry["websocket"],
            "provisioned": counts.get(name),
            "mongo": entry["mongo"],
            "database": entry["database"],
            "redis": entry["redis"],
            "backups": entry["backups"],
        }
        for name, entry in recorded["regions"].items()
    }
    return {**recorded, "regions": regions}


def _provisioned(recorded: Mapping[str, Any], patience_seconds: float) -> dict[str, int]:
    """By region; what has no answer for one is not asked for the others."""
    from botocore.exceptions import BotoCoreError, ClientError

    from infra.cloud import Cloud

    counts: dict[str, int] = {}
    for region, entry in recorded["regions"].items():
        cloud = Cloud(region, recorded["localstack"], patience_seconds, attempts=1)
        try:
            counts[region] = _warm(cloud.client("lambda"), entry["function"])
        except (BotoCoreError, ClientError):
            break
    return counts


def _warm(api: Any, function: str) -> int:
    from botocore.exceptions import ClientError

    from infra.cloud import error_code
    from infra.template.stage import ALIAS

    try:
        found = api.get_provisioned_concurrency_config(FunctionName=function, Qualifier=ALIAS)
    except ClientError as error:
        if error_code(error) == "ProvisionedConcurrencyConfigNotFoundException":
            return 0
        raise
    return int(found.get("AvailableProvisionedConcurrentExecutions", 0))


def describe(status: Mapping[str, Any], pid: int) -> str:
    """The status for people."""
    lines = [f"tier {status['tier']}, supervisor pid {pid}"]
    for name, entry in status["regions"].items():
        warm = "?" if entry["provisioned"] is None else entry["provisioned"]
        lines.append(f"{name}: {warm} warm, database {entry['database']}, {entry['api']}")
    lines.append(f"mongo {next(iter(status['regions'].values()))['mongo']}")
    lines.append(f"redis {describe_redis(status['redis'])}")
    lines.append(f"front {' '.join(status['fronts']) or 'none'}")
    lines.append(f"localstack {status['localstack']}")
    lines.append(f"console {status['console']}")
    if status["missing"]:
        lines.append(f"not here: {status['missing']}")
    return "\n".join(lines)
