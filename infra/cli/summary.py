"""What is printed when the arena is up: addresses, calls that can be pasted, how to stop."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import click

from infra.cli.console import show, signed_in
from infra.cli.local import CHECKOUT
from localcloud.state import StateDir, read_json


def tell(status: Mapping[str, Any], state: StateDir, *, into_log: bool, unopened: bool) -> None:
    """Prints the summary and, unless it becomes a log, how to the console."""
    click.echo(f"\n{summary(status, state)}\n")
    if not into_log:
        tell_console(status, state, unopened=unopened)


def tell_console(status: Mapping[str, Any] | None, state: StateDir, *, unopened: bool) -> None:
    """Prints the console's address with a token, and opens it unless ``unopened``."""
    secrets = read_json(state.secrets_file)
    if status is None or secrets is None:
        return
    address = signed_in(status["console"], secrets)
    click.echo(f"Console, signed in for an hour (./arena console{_option(state)} gives another):\n  {address}\n")
    if not unopened:
        show(address)


def summary(status: Mapping[str, Any], state: StateDir) -> str:
    """The text for ``status``; commands name the state directory where it is not the usual one."""
    regions = status["regions"]
    width = max(len(region) for region in regions)
    first = next(iter(regions.values()))
    last = list(regions)[-1]
    option = _option(state)
    lines = [
        f"The arena is up: tier {status['tier']}, {len(regions)} region{'s' * (len(regions) > 1)}.",
        "",
        *(f"  {region:<{width}}  {entry['api']}" for region, entry in regions.items()),
        "",
        *_size(status),
        f"  MongoDB     {first['mongo']}",
        f"  Redis       {describe_redis(status['redis'])}",
        f"  LocalStack  {status['localstack']}",
        f"  WebSocket   {first['websocket']}",
        f"  Console     {status['console']}",
        *([f"  Front       {' '.join(status['fronts'])}"] if status.get("fronts") else []),
        f"  Logs        {state.logs}",
        "",
        "Try (in another terminal, from this directory):",
        f"  curl -s {first['health']}",
        f'  curl -s -H "X-Telegram-Init-Data: $(./arena initdata --user 777{option})" {first["api"]}/api/economy/me',
        *_through_front(status.get("front"), state),
        f"  ./arena battle --region {last}{option}",
        f"  ./arena live{option}                # leave it running; then, in a third terminal:",
        f"  ./arena battle --queued{option}",
        f"  ./arena status{option}",
        "",
        f"Stop: ./arena down{option}, or Ctrl-C where it runs in the foreground",
    ]
    return "\n".join(lines)


def _option(state: StateDir) -> str:
    """What commands need where the state directory is not the usual one."""
    return "" if state == StateDir.locate(None, CHECKOUT) else f" --state-dir {shlex.quote(str(state.root))}"


def _size(status: Mapping[str, Any]) -> list[str]:
    """How many environments a region keeps, and what of the tier is not here."""
    least, most = status["instances"]
    bounds = f"{least}" if least == most else f"{least} to {most}"
    lines = [f"  Instances   {bounds} warm in each region"]
    return [*lines, f"  Not here    {status['missing']}"] if status["missing"] else lines


def _through_front(url: str | None, state: StateDir) -> list[str]:
    if url is None:
        return []
    authority = shlex.quote(str(state.data / "front" / "front-ca.pem"))
    return [f"  curl -s --cacert {authority} {url}/api/game-modes"]


def describe_redis(found: str | Sequence[str] | None) -> str:
    """A status's ``redis`` in a line."""
    if found is None:
        return "none"
    return found if isinstance(found, str) else f"cluster of {len(found)}: {' '.join(found)}"
