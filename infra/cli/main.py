"""The command line: ``./arena COMMAND``. Commands are imported when they are used, so that help is quick."""

import importlib
import os
import sys
import traceback

import click

DEBUG_VARIABLE = "ARENA_DEBUG"
INTERRUPTED = 130

COMMANDS = {
    "up": "infra.cli.up:command",
    "down": "infra.cli.down:command",
    "status": "infra.cli.status:command",
    "deploy": "infra.cli.deploy:command",
    "foundation": "infra.cli.foundation:command",
    "world": "infra.cli.world:command",
    "atlas": "infra.cli.atlas:command",
    "scan": "infra.cli.scan:command",
    "battle": "infra.cli.battle:command",
    "live": "infra.cli.live:command",
    "leaderboard": "infra.cli.leaderboard:command",
    "initdata": "infra.cli.initdata:command",
    "console": "infra.cli.console:command",
    "operator-token": "infra.cli.operators:operator_token",
    "hash-password": "infra.cli.operators:hash_password",
    "indexes": "infra.cli.indexes:command",
    "seed": "infra.cli.indexes:seed",
    "shard": "infra.cli.shard:command",
    "openapi": "infra.cli.openapi:command",
    "scaling": "infra.cli.scaling:command",
    "replication": "infra.cli.replication:command",
    "logs": "infra.cli.logs:command",
    "regions": "infra.cli.regions:command",
    "failover": "infra.cli.failover:command",
    "front": "infra.cli.front:command",
    "prometheus-targets": "infra.cli.prometheus_targets:command",
    "backup": "infra.cli.backup:command",
    "restore": "infra.cli.restore:command",
    "plan": "infra.cli.plan:command",
    "demo": "infra.cli.demo:command",
    "chaos": "infra.cli.chaos:command",
}
"""Every command, and where it is."""

_SUMMARIES = {
    "up": "Start the local cloud, deploy the arena into it and fight one battle.",
    "down": "Stop the local cloud.",
    "status": "Show what runs, and where.",
    "deploy": "Package and deploy a stage, locally or to AWS.",
    "foundation": "Deploy what a region's stage stands on: network, keys, cache, firewall, backups.",
    "world": "Deploy what stands above all regions: DNS with failover, CloudFront.",
    "atlas": "Deploy the regions' databases on MongoDB Atlas.",
    "scan": "Look over templates, files and packages with scanners, findings beside their answers.",
    "battle": "Fight one battle through the API and print it.",
    "live": "Print a player's results and a leaderboard as they come, by WebSocket.",
    "leaderboard": "Rebuild, verify or recompute leaderboards.",
    "initdata": "Print a signed sign-in header for a player.",
    "console": "Open the operators' console of the local cloud, signed in for an hour.",
    "operator-token": "Print a token for operator routes of the local cloud.",
    "hash-password": "Hash an operator's password for the secret.",
    "indexes": "Create the database's missing indexes; check them.",
    "seed": "Insert the default game modes and economy settings.",
    "shard": "Spread collections over shards: plan, analyze, apply, look.",
    "openapi": "Print the API's OpenAPI document.",
    "scaling": "Show, override, check and replay how a region scales.",
    "logs": "Print what all functions logged, of one request through all regions with --id.",
    "regions": "Show who serves whose players; tell regions each other's addresses.",
    "failover": "Let another region serve a failed one's players, and give them back.",
    "replication": "Compare and repair regions; show lag and conflicts; replay what could not be applied.",
    "front": "Print the configuration of an nginx or HAProxy before the arena.",
    "prometheus-targets": "Print where Prometheus finds the regions' metrics.",
    "backup": "Take a backup of a region's database; list, show and verify backups.",
    "restore": "Make a database of a backup, as it was then or at a later point in time.",
    "plan": "Show what a number of players needs, and what it costs.",
    "demo": "Let a region scale with a real trace, speeded up, and plot it.",
    "chaos": "Strike what three regions stand on while they are played; check what was acknowledged.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported only when one is called or its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        target = COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (as above)
        with formatter.section("Commands"):
            formatter.write_dl([(name, _SUMMARIES[name]) for name in COMMANDS])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """The AIBA Arena: run it here, deploy it, look after it."""


def main() -> None:
    """Runs the command line; every failure becomes one message, a hint where there is one, and an exit code.

    0 = done, 1 = failed, 2 = wrong usage, 3 = nothing runs, 130 = interrupted.
    """
    try:
        code = cli.main(prog_name="arena", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _complain(error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader (head, say) has what it wanted. Python would complain once more when flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 (the last stop: a user sees words, not a traceback)
        if os.environ.get(DEBUG_VARIABLE):
            traceback.print_exc()
        ours = type(error).__module__.partition(".")[0] in ("infra", "localcloud", "chalicelib")
        message = str(error) if ours and str(error) else f"{type(error).__name__}: {error}"
        _complain(message, getattr(error, "hint", "" if ours else f"{DEBUG_VARIABLE}=1 shows where it happened"))
        sys.exit(1)


def _complain(message: str, hint: str = "") -> None:
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)
