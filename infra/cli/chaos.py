"""``./arena chaos``: three local regions, players, faults by a seed, and what was acknowledged checked."""

import sys
from pathlib import Path

import click

from infra.chaos.schedule import KINDS
from infra.cli.local import CHECKOUT
from localcloud.errors import LocalCloudError, StopRequested
from localcloud.stop_request import StopRequest

_INTERRUPTED = 130
_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_OUT = CHECKOUT / ".arena" / "chaos" / "report"
_KINDS = "\n".join(f"{name}: {kind.told}" for name, kind in KINDS.items())


@click.command(epilog="\b\nFaults:\n" + _KINDS)
@click.option("--minutes", type=click.FloatRange(0.5, 120), default=5.0, show_default=True, help="How long.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the faults, and of what players want.")
@click.option("--players", type=click.IntRange(3, 60), default=9, show_default=True, help="At home in all regions.")
@click.option("--fault", "kinds", type=click.Choice(list(KINDS)), multiple=True, help="These alone.  [default: all]")
@click.option("--whole-sets", is_flag=True, help="Also take all members of a region's database away at once.")
@click.option(
    "--arena-cap", type=click.IntRange(min=0), default=6000, show_default=True, help="AIBA a day in one arena."
)
@click.option("--out", type=_DIRECTORY, default=None, help="Where the report goes.  [default: .arena/chaos/report]")
@click.option("--state-dir", type=_DIRECTORY, default=None, help="The run's cloud.  [default: .arena/chaos/state]")
def command(
    minutes: float,
    seed: int,
    players: int,
    kinds: tuple[str, ...],
    whole_sets: bool,
    arena_cap: int,
    out: Path | None,
    state_dir: Path | None,
) -> None:
    """Kill, stop, fill and cut what the arena stands on while it is played, and check what was acknowledged.

    Brings up a local cloud of its own (three regions, each with a replica set of three and a cache of six) on any free
    ports, and stops it at the end. A run of four minutes or more also loses LocalStack with all its queues, once, and
    has another region take over from one that fails. Ctrl-C ends the faults early; what happened until then is checked
    all the same. A second Ctrl-C gives that up. Exit code 1 when anything acknowledged is lost, doubled or otherwise.
    """
    # Late, so that wrong usage and --help do not wait for the AWS and MongoDB libraries.
    from infra.chaos.cloud import brought_up
    from infra.chaos.cloud import state_dir as chosen_state
    from infra.chaos.play import Game, Plan
    from infra.cli.local_arena import elapsed_log

    stop, log = StopRequest(), elapsed_log(click.echo)
    stop.install()
    again = f"./arena chaos --minutes {minutes:g} --seed {seed} --players {players} --arena-cap {arena_cap}"
    again += "".join(f" --fault {kind}" for kind in kinds) + (" --whole-sets" if whole_sets else "")
    plan = Plan(
        seed=seed,
        minutes=minutes,
        players=players,
        kinds=kinds,
        whole_sets=whole_sets,
        arena_cap=arena_cap,
        out=(out or _OUT).absolute(),
        command=again,
    )
    log(again)
    try:
        with brought_up(chosen_state(state_dir), log, stop, arena_cap) as cloud:
            run = Game(plan, cloud, log, stop, lambda: stop.times > 1).play()
    except StopRequested:
        log("stopped; nothing was checked")
        sys.exit(_INTERRUPTED)
    if run.violations or run.drained_seconds is None:
        raise LocalCloudError(
            f"{len(run.violations)} violations" if run.violations else "not everything was told to all regions",
            f"the report names each; the same again: {again}",
        )
