"""``./arena up``: the local cloud with the arena deployed into it."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from infra.cli.local import CHECKOUT
from infra.cli.stack_parameters import named
from infra.fronts.tiers import DEFAULT_PORT as DEFAULT_FRONT_PORT
from infra.fronts.tiers import DEFAULT_TLS_PORT, KINDS
from localcloud import localstack_server, mongod, valkey
from localcloud.errors import StopRequested
from localcloud.processes import ProcessIdentity, descendants
from localcloud.state import StateDir
from localcloud.stop_request import StopRequest
from localcloud.supervisor import Supervisor
from localcloud.topology import CACHES, REGIONS, TIERS
from localcloud.websocket.server import DEFAULT_PORT as DEFAULT_WEBSOCKET_PORT

_INTERRUPTED = 130
_AS_TIER = "Default: as the tier has it."
_PORT = click.IntRange(0, 65_535)
_CACHE_HELP = "Redis: " + "; ".join(f"{name} = {cache.purpose}" for name, cache in CACHES.items()) + f". {_AS_TIER}"


class Regions(click.ParamType[tuple[str, ...]]):
    """A comma-separated list of known regions, each once."""

    name = "a,b,c"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        regions = tuple(dict.fromkeys(part.strip() for part in str(value).split(",") if part.strip()))
        unknown = [region for region in regions if region not in REGIONS]
        if unknown or not regions:
            self.fail(f"{', '.join(unknown) or 'none given'}; known regions: {', '.join(REGIONS)}", param, ctx)
        return regions


@click.command()
@click.option("--detach", is_flag=True, help="Return when it is up, and leave it running (./arena down stops it).")
@click.option("--tier", type=click.Choice(list(TIERS)), default=next(iter(TIERS)), show_default=True)
@click.option(
    "--regions", "chosen_regions", type=Regions(), help=f"Default: {','.join(REGIONS)}; enterprise: the first."
)
@click.option("--cache", "chosen_cache", type=click.Choice(list(CACHES)), help=_CACHE_HELP)
@click.option("--apart", is_flag=True, help="A database server and a cache of its own for each region.")
@click.option("--mongo-members", type=click.IntRange(1, 7), help=f"Of each replica set. {_AS_TIER}")
@click.option("--localstack-port", type=_PORT, default=localstack_server.DEFAULT_PORT, show_default=True)
@click.option("--mongo-port", type=_PORT, default=mongod.DEFAULT_PORT, show_default=True)
@click.option("--valkey-port", type=_PORT, default=valkey.DEFAULT_PORT, show_default=True)
@click.option("--websocket-port", type=_PORT, default=DEFAULT_WEBSOCKET_PORT, show_default=True)
@click.option("--front", type=click.Choice(KINDS), help=f"Before the regions. {_AS_TIER}")
@click.option("--front-port", type=_PORT, default=DEFAULT_FRONT_PORT, show_default=True)
@click.option("--front-tls-port", type=_PORT, default=DEFAULT_TLS_PORT, show_default=True)
@click.option("--parameter", "given", multiple=True, metavar="NAME=VALUE", help="A parameter of the stacks.")
@click.option("--no-open", is_flag=True, help="Print the console's address, open no browser.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
@click.option("--into-log", is_flag=True, hidden=True, help="What is printed becomes a log: no token.")
def command(
    *,
    detach: bool,
    tier: str,
    chosen_regions: tuple[str, ...] | None,
    chosen_cache: str | None,
    apart: bool,
    mongo_members: int | None,
    localstack_port: int,
    mongo_port: int,
    valkey_port: int,
    websocket_port: int,
    front: str | None,
    front_port: int,
    front_tls_port: int,
    given: tuple[str, ...],
    no_open: bool,
    state_dir: Path | None,
    into_log: bool,
) -> None:
    """Start the local cloud, deploy the arena into it and fight one battle.

    Stays in the foreground until Ctrl-C, then stops everything. A port of 0 takes any free one.
    """
    regions, cache = chosen_regions or TIERS[tier].regions, chosen_cache or TIERS[tier].cache
    state, parameters = StateDir.locate(state_dir, CHECKOUT), named(given)
    if detach:
        from infra.cli.detached import start_detached

        ports = (localstack_port, mongo_port, valkey_port, websocket_port)
        more = [text for one in given for text in ("--parameter", one)]
        own = [*(["--apart"] if apart else []), *(["--mongo-members", str(mongo_members)] if mongo_members else [])]
        from infra.cli.summary import tell_console

        before = ["--front-port", str(front_port), "--front-tls-port", str(front_tls_port)]
        before += ["--front", front] if front else []
        start_detached(state, [*_arguments(tier, regions, cache, ports), *own, *before, *more])
        tell_console(state.read_status(), state, unopened=True)
        return
    # Late, so that wrong usage and --help do not wait for the AWS and MongoDB libraries.
    from infra.cli.local_arena import LocalArena, Options, elapsed_log
    from infra.cli.summary import tell

    stop = StopRequest()
    stop.install()
    log = elapsed_log(click.echo)
    options = Options(
        *(tier, regions, localstack_port, mongo_port, valkey_port, websocket_port, cache, apart, mongo_members),
        *(parameters, front, front_port, front_tls_port),
    )
    is_up = False
    try:
        with Supervisor(state, log, stop) as supervisor:
            status = LocalArena(options, state, CHECKOUT, supervisor, log).bring_up()
            is_up = True
            tell(status, state, into_log=into_log, unopened=no_open)
            supervisor.watch()
    except StopRequested:
        log("stopped")
        sys.exit(0 if is_up else _INTERRUPTED)
    finally:
        _end_helpers()


def _end_helpers() -> None:
    """Ends what packaging may still be running when it was interrupted; the servers are gone by now."""
    own = ProcessIdentity.of(os.getpid())
    for helper in descendants(own) if own else []:
        helper.signal(signal.SIGKILL)


def _arguments(tier: str, regions: tuple[str, ...], cache: str, ports: Sequence[int]) -> list[str]:
    options = ("--localstack-port", "--mongo-port", "--valkey-port", "--websocket-port")
    chosen = [text for option, port in zip(options, ports, strict=True) for text in (option, str(port))]
    return ["--tier", tier, "--regions", ",".join(regions), "--cache", cache, *chosen]
