"""``./arena indexes`` and ``./arena seed``: what a database needs before the API serves from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import InvalidURI, PyMongoError

from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes, replaced_indexes
from chalicelib.data.seed import seed_defaults

_uri = click.option("--mongo-uri", envvar="MONGO_URI", required=True, help="Connection string (or MONGO_URI).")
_database = click.option("--database", envvar="MONGO_DATABASE", default="aiba_arena", show_default=True)


@contextmanager
def _opened(uri: str, database: str) -> Iterator[Database[dict[str, object]]]:
    try:
        # Options of the client's own would win over the address's.
        named = "serverselectiontimeoutms" in uri.lower()
        options: dict[str, Any] = {} if named else {"serverSelectionTimeoutMS": 5000}
        with MongoClient[dict[str, object]](uri, tz_aware=True, **options) as client:
            yield client[database]
    except InvalidURI as error:
        raise click.UsageError(f"--mongo-uri: {error}") from error
    except PyMongoError as error:
        # Not its text, which goes on about the topology, nor the URI, which holds the password.
        raise click.ClickException(f"the database at --mongo-uri did not do it ({type(error).__name__})") from error


@click.command()
@_uri
@_database
def command(mongo_uri: str, database: str) -> None:
    """Create the indexes that are missing, and name those no longer used; safe to repeat."""
    with _opened(mongo_uri, database) as opened:
        created = ensure_indexes(opened)
        replaced = replaced_indexes(opened)
    click.echo("\n".join(f"created {name}" for name in created) or "all indexes are there")
    for drop in replaced:
        click.echo(f"no longer used: {drop}")


@click.command()
@_uri
@_database
def seed(mongo_uri: str, database: str) -> None:
    """Insert the default game modes and economy settings where missing; never overwrites."""
    with _opened(mongo_uri, database) as opened:
        seed_defaults(opened, system_clock())
    click.echo("defaults are in place")
