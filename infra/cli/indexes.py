"""``./arena indexes`` and ``./arena seed``: what a database needs before the API serves from it."""

import json
from dataclasses import asdict

import click

from chalicelib.clock import system_clock
from chalicelib.data.index_drift import Drift, drift
from chalicelib.data.indexes import ensure_indexes, replaced_indexes
from chalicelib.data.seed import seed_defaults
from infra.cli.databases import opened, options


@click.group(invoke_without_command=True)
@click.option("--database", envvar="MONGO_DATABASE", default="aiba_arena", show_default=True)
@click.option("--mongo-uri", envvar="MONGO_URI", help="Connection string (or MONGO_URI).")
@click.pass_context
def command(context: click.Context, mongo_uri: str | None, database: str) -> None:
    """Create the indexes that are missing, and name those no longer used; safe to repeat.

    With the command `check`: compare only, and change nothing.
    """
    if context.invoked_subcommand is not None:
        return
    if mongo_uri is None:
        raise click.UsageError("Missing option '--mongo-uri'.")
    with opened(mongo_uri) as client:
        created = ensure_indexes(client[database])
        replaced = replaced_indexes(client[database])
    click.echo("\n".join(f"created {name}" for name in created) or "all indexes are there")
    for drop in replaced:
        click.echo(f"no longer used: {drop}")


@command.command()
@options
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def check(mongo_uri: str, database: str, as_json: bool) -> None:
    """Compare the database's indexes with those the arena says; exits with 1 when they differ.

    Missing ones, others of the same keys with different options (unique, TTL, filters), and ones nobody knows. Changes
    nothing. Indexes of shard keys are known.
    """
    with opened(mongo_uri) as client:
        found = drift(client[database])
    if as_json:
        click.echo(json.dumps({"database": database, "drift": [asdict(one) for one in found]}, indent=2))
    else:
        click.echo("\n".join(map(_line, found)) or "indexes are as the arena says")
    if found:
        raise SystemExit(1)


def _line(one: Drift) -> str:
    return f"{one.kind}: {one.collection}.{one.index}: {one.what}"


@click.command()
@options
def seed(mongo_uri: str, database: str) -> None:
    """Insert the default game modes and economy settings where missing; never overwrites."""
    with opened(mongo_uri) as client:
        seed_defaults(client[database], system_clock())
    click.echo("defaults are in place")
