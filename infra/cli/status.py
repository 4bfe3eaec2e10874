"""``./arena status``: what runs, where, and how many warm environments each region has now."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from infra.cli.local import CHECKOUT
from infra.cli.summary import describe_redis
from localcloud.state import StateDir
from localcloud.supervisor import live_supervisor

NOTHING_RUNS = 3
"""The exit code, as for a stopped service elsewhere."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(as_json: bool, state_dir: Path | None) -> None:
    """Show what runs, and where. Exits with 3 when nothing does."""
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


def with_live_counts(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded status with each region's warm environments as LocalStack counts them at this moment."""
    regions = {
        name: {
            "api": entry["api"],
            "health": entry["health"],
            "websocket": entry["websocket"],
            "provisioned": _provisioned(recorded["localstack"], name, entry["function"]),
            "mongo": entry["mongo"],
            "database": entry["database"],
            "redis": entry["redis"],
            "backups": entry["backups"],
        }
        for name, entry in recorded["regions"].items()
    }
    return {**recorded, "regions": regions}


def _provisioned(endpoint_url: str, region: str, function: str) -> int:
    from botocore.exceptions import ClientError

    from infra.cloud import Cloud, error_code
    from infra.template.stage import ALIAS

    try:
        found = (
            Cloud(region, endpoint_url)
            .client("lambda")
            .get_provisioned_concurrency_config(FunctionName=function, Qualifier=ALIAS)
        )
    except ClientError as error:
        if error_code(error) == "ProvisionedConcurrencyConfigNotFoundException":
            return 0
        raise
    return int(found.get("AvailableProvisionedConcurrentExecutions", 0))


def describe(status: Mapping[str, Any], pid: int) -> str:
    """The status for people."""
    lines = [f"tier {status['tier']}, supervisor pid {pid}"]
    for name, entry in status["regions"].items():
        lines.append(f"{name}: {entry['provisioned']} warm, database {entry['database']}, {entry['api']}")
    lines.append(f"mongo {next(iter(status['regions'].values()))['mongo']}")
    lines.append(f"redis {describe_redis(status['redis'])}")
    lines.append(f"front {' '.join(status['fronts']) or 'none'}")
    lines.append(f"localstack {status['localstack']}")
    lines.append(f"console {status['console']}")
    if status["missing"]:
        lines.append(f"not here: {status['missing']}")
    return "\n".join(lines)
