"""Fixtures every suite may ask for."""

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
