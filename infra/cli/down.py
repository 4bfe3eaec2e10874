"""``./arena down``: stops the local cloud of a state directory."""

import signal
from pathlib import Path

import click

from infra.cli.local import CHECKOUT
from localcloud.processes import terminate, wait_until_gone
from localcloud.state import StateDir
from localcloud.supervisor import acquire, live_supervisor, stop_recorded

ORDERLY_STOP_SECONDS = 60.0


@click.command()
@click.option("--purge", is_flag=True, help="Also delete its data, logs and secrets.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="Default: .arena/state.")
def command(purge: bool, state_dir: Path | None) -> None:
    """Stop the local cloud, and what an earlier one that was killed may have left.

    Succeeds when nothing runs.
    """
    state = StateDir.locate(state_dir, CHECKOUT)
    if not state.run.exists():
        click.echo("nothing is running")
    else:
        _stop(state)
    if purge:
        state.purge()
        click.echo(f"deleted the data, logs and secrets in {state.root}")


def _stop(state: StateDir) -> None:
    owner = live_supervisor(state)
    if owner is not None:
        click.echo(f"stopping the local cloud (pid {owner.pid})")
        owner.signal(signal.SIGTERM)
        if wait_until_gone([owner], ORDERLY_STOP_SECONDS):
            click.echo("it does not end; killing it")
            terminate(owner, grace_seconds=0)
    with acquire(state):
        stop_recorded(state, click.echo)
        state.clear_status()
    click.echo("stopped" if owner is not None else "nothing is running")
