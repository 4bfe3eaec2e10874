"""``./arena demo``: a real trace on the local stack; the deployed controller scales, and a report shows it."""

import sys
from pathlib import Path
from typing import Any

import click

from chalicelib.scaling_settings import LAPTOP_POLICY
from infra.cli.local import CHECKOUT, LocalCloud
from localcloud.errors import LocalCloudError, StopRequested
from localcloud.state import StateDir
from localcloud.stop_request import StopRequest
from localcloud.supervisor import Supervisor
from localcloud.topology import REGIONS

_INTERRUPTED = 130
_TRACE = CHECKOUT / "bench" / "traces" / "azure_fn_flash.csv"
_DEMO = CHECKOUT / ".arena" / "demo"
ENVIRONMENTS_MAX = 8
"""What two cores can show; the development tier itself has one environment and nothing to scale."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--minutes", type=click.FloatRange(1, 120), default=14.0, show_default=True, help="How long.")
@click.option("--speed", type=click.FloatRange(1, 600), default=8.0, show_default=True, help="Trace minutes a minute.")
@click.option("--trace", type=_FILE, default=_TRACE, help="CSV of minute,requests.  [default: a flash crowd]")
@click.option("--peak", type=click.FloatRange(0.1, 1000), default=24.0, show_default=True, help="Requests/s at most.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of arrivals and players.")
@click.option("--out", type=_DIRECTORY, default=None, help="Where the report goes.  [default: .arena/demo/report]")
@click.option("--use-running", is_flag=True, help="Use the cloud of --state-dir, as it is, instead of an own one.")
@click.option("--state-dir", type=_DIRECTORY, default=None, help="The demo's cloud.  [default: .arena/demo/state]")
def command(out: Path | None, state_dir: Path | None, use_running: bool, **how: Any) -> None:
    """Let the environments of a region rise and fall with a real trace, speeded up, and plot it.

    Brings up a local cloud of its own (one region, any free ports), and stops it at the end and on Ctrl-C. The rules
    are the guide's with a request rate that two cores reach (4/s for each environment instead of 100); cooldowns and
    the times of shrinking are a quarter of the guide's.
    """
    # Late, so that wrong usage and --help do not wait for the AWS and MongoDB libraries.
    from infra.cli.local_arena import LocalArena, Options, elapsed_log
    from infra.demo.play import Demo

    stop, log = StopRequest(), elapsed_log(click.echo)
    try:
        demo = Demo(log=log, stop=stop, out=out or _DEMO / "report", **how)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    stop.install()
    try:
        if use_running:
            passed = demo.play(LocalCloud.running(state_dir))
        else:
            state = StateDir((state_dir or _DEMO / "state").absolute())
            scaling = {"ScalingPolicy": LAPTOP_POLICY, "ScalingMin": "1", "ScalingMax": str(ENVIRONMENTS_MAX)}
            options = Options("development", REGIONS[:1], 0, 0, 0, 0, parameters=scaling)
            with Supervisor(state, log, stop) as supervisor:
                LocalArena(options, state, CHECKOUT, supervisor, log).bring_up()
                passed = demo.play(LocalCloud.running(state.root), supervisor.check)
    except StopRequested:
        log("stopped")
        sys.exit(_INTERRUPTED)
    if not passed:
        raise LocalCloudError("environments did not rise in time and fall again", "the report says what happened")
