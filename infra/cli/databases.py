"""What commands on one database have in common: its options, and opening it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click
from pymongo import MongoClient
from pymongo.errors import InvalidURI, PyMongoError

from chalicelib.arena.ports import Document


def options(function: Callable[..., None]) -> Callable[..., None]:
    """``mongo_uri`` and ``database``."""
    for option in (
        click.option("--database", envvar="MONGO_DATABASE", default="aiba_arena", show_default=True),
        click.option("--mongo-uri", envvar="MONGO_URI", required=True, help="Connection string (or MONGO_URI)."),
    ):
        function = option(function)
    return function


@contextmanager
def opened(uri: str) -> Iterator[MongoClient[Document]]:
    """A client. Its errors become the command's."""
    try:
        # Options of the client's own would win over the address's.
        named = "serverselectiontimeoutms" in uri.lower()
        given: dict[str, Any] = {} if named else {"serverSelectionTimeoutMS": 5000}
        with MongoClient[Document](uri, tz_aware=True, **given) as client:
            yield client
    except InvalidURI as error:
        raise click.UsageError(f"--mongo-uri: {error}") from error
    except PyMongoError as error:
        # Not its text, which goes on about the topology, nor the URI, which holds the password.
        raise click.ClickException(f"the database at --mongo-uri did not do it ({type(error).__name__})") from error
