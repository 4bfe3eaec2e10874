"""``./arena console``: the operators' console of the local cloud, signed in for an hour."""

import os
import sys
import webbrowser
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from infra.cli.local import LocalCloud, local_token

TOKEN_LIFE = timedelta(hours=1)


@click.command()
@click.option("--region", default=None, help="The region that serves it. Default: the first.")
@click.option("--no-open", is_flag=True, help="Print the address, open no browser.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
def command(region: str | None, no_open: bool, state_dir: Path | None) -> None:
    """Print the console's address with a token that is good for an hour, and open it where there is a display."""
    cloud = LocalCloud.running(state_dir)
    address = signed_in(f"{cloud.api(region or cloud.regions[0])}/console", cloud.secrets)
    click.echo(address)
    if not no_open:
        show(address)


def signed_in(console: str, secrets: Mapping[str, Any]) -> str:
    """The console's address with a token in its fragment, which browsers send to nobody."""
    return f"{console}#token={local_token(secrets, TOKEN_LIFE)}"


def show(address: str, open_browser: Callable[[str], bool] = webbrowser.open) -> bool:
    """Opens a browser where a person at a terminal has a display for it; whether it did."""
    return may_open(sys.stdout.isatty(), os.environ, sys.platform) and open_browser(address)


def may_open(terminal: bool, environ: Mapping[str, str], platform: str) -> bool:
    """Whether there is somebody to open a browser for."""
    has_display = platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return terminal and has_display and "SSH_CONNECTION" not in environ
