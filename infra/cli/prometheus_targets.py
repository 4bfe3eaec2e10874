"""``./arena prometheus-targets``: where Prometheus finds each region's metrics, as its files of targets want it.

The form: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from infra.cli.local import CHECKOUT
from localcloud.state import StateDir


@click.command()
@click.option("--api", "apis", multiple=True, metavar="REGION=URL", help="An API elsewhere, once for each region.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(apis: tuple[str, ...], state_dir: Path | None) -> None:
    """Print the targets of the local cloud, or of the APIs given, as JSON."""
    urls = _named(apis) if apis else _local(StateDir.locate(state_dir, CHECKOUT))
    click.echo(json.dumps(targets(urls), indent=2))


def targets(urls: Mapping[str, str]) -> list[dict[str, Any]]:
    """``urls``: of each region's API, as it is deployed, by region."""
    found = []
    for region, url in urls.items():
        parts = urlsplit(url)
        labels = {"region": region, "__scheme__": parts.scheme, "__metrics_path__": f"{parts.path.rstrip('/')}/metrics"}
        found.append({"targets": [parts.netloc], "labels": labels})
    return found


def _local(state: StateDir) -> dict[str, str]:
    recorded = state.read_status()
    if recorded is None:
        raise click.ClickException("nothing is running; start it with `./arena up`, or name an API with --api")
    return {region: entry["api"] for region, entry in recorded["regions"].items()}


def _named(apis: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in apis:
        region, _, url = text.partition("=")
        parts = urlsplit(url)
        if not region or parts.scheme not in ("http", "https") or not parts.netloc:
            raise click.BadParameter(f"{text!r} is not REGION=URL, e.g. eu-west-1=https://…/api", param_hint="--api")
        found[region] = url
    return found
