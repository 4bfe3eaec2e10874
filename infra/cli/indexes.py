"""``./arena indexes`` and ``./arena seed``: what a database needs before the API serves from it."""

import click
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes, replaced_indexes
from chalicelib.data.seed import seed_defaults

_uri = click.option("--mongo-uri", envvar="MONGO_URI", required=True, help="Connection string (or MONGO_URI).")
_database = click.option("--database", envvar="MONGO_DATABASE", default="aiba_arena", show_default=True)


def _open(uri: str, database: str) -> Database[dict[str, object]]:
    client: MongoClient[dict[str, object]] = MongoClient(uri, tz_aware=True, serverSelectionTimeoutMS=5000)
    return client[database]


@click.command()
@_uri
@_database
def command(mongo_uri: str, database: str) -> None:
    """Create the indexes that are missing, and name those no longer used; safe to repeat."""
    opened = _open(mongo_uri, database)
    created = ensure_indexes(opened)
    click.echo("\n".join(f"created {name}" for name in created) or "all indexes are there")
    for drop in replaced_indexes(opened):
        click.echo(f"no longer used: {drop}")


@click.command()
@_uri
@_database
def seed(mongo_uri: str, database: str) -> None:
    """Insert the default game modes and economy settings where missing; never overwrites."""
    seed_defaults(_open(mongo_uri, database), system_clock())
    click.echo("defaults are in place")
