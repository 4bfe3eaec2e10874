"""Fixtures every suite may ask for, and the order of the suites."""

import pytest

from tests.servers import (
    caches,
    database,
    emptied,
    fresh_database,
    mongo_client,
    mongo_three_uri,
    mongo_uri,
    valkey_cluster,
    valkey_url,
)

__all__ = [
    "caches",
    "database",
    "emptied",
    "fresh_database",
    "mongo_client",
    "mongo_three_uri",
    "mongo_uri",
    "valkey_cluster",
    "valkey_url",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole local cloud last: while it runs it keeps the machine busy, and it runs to the end."""
    items.sort(key=lambda item: "e2e" in item.path.parts)
