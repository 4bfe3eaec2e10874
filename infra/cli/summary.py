"""What is printed when the arena is up: addresses, calls that can be pasted, how to stop."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from infra.cli.local import CHECKOUT
from localcloud.state import StateDir


def summary(status: Mapping[str, Any], state: StateDir) -> str:
    """The text for ``status``; commands name the state directory where it is not the usual one."""
    regions = status["regions"]
    width = max(len(region) for region in regions)
    first = next(iter(regions.values()))
    last = list(regions)[-1]
    option = "" if state == StateDir.locate(None, CHECKOUT) else f" --state-dir {shlex.quote(str(state.root))}"
    lines = [
        f"The arena is up: tier {status['tier']}, {len(regions)} region{'s' * (len(regions) > 1)}.",
        "",
        *(f"  {region:<{width}}  {entry['api']}" for region, entry in regions.items()),
        "",
        f"  MongoDB     {first['mongo']}",
        f"  Redis       {describe_redis(status['redis'])}",
        f"  LocalStack  {status['localstack']}",
        f"  WebSocket   {first['websocket']}",
        f"  Logs        {state.logs}",
        "",
        "Try (in another terminal, from this directory):",
        f"  curl -s {first['health']}",
        f'  curl -s -H "X-Telegram-Init-Data: $(./arena initdata --user 777{option})" {first["api"]}/api/economy/me',
        f"  ./arena battle --region {last}{option}",
        f"  ./arena live{option}                # leave it running; then, in a third terminal:",
        f"  ./arena battle --queued{option}",
        f"  ./arena status{option}",
        "",
        f"Stop: ./arena down{option}, or Ctrl-C where it runs in the foreground",
    ]
    return "\n".join(lines)


def describe_redis(found: str | Sequence[str] | None) -> str:
    """A status's ``redis`` in a line."""
    if found is None:
        return "none"
    return found if isinstance(found, str) else f"cluster of {len(found)}: {' '.join(found)}"
