"""What a backup holds: every collection but those a restored region must not have."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LOADING: Final = "restoring."
"""Begins the names of collections that are being restored: nothing reads them before they are whole."""
RESTORATIONS: Final = "restorations"
"""Collection: what is, or was, being restored here."""
BACKUP_LOG: Final = "backups"
"""Collection: when the last backup succeeded."""

RESTORING: Final = "restoring"
VERIFIED: Final = "verified"
"""All is loaded and as the backup says; collections are being given their names."""
DONE: Final = "done"

LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fences": "numbers must not go back: a lock whose document is missing begins above all of before",
        "regions": "who served whom then need not be so now: told by the manifest, and restored as served by nobody",
        "connections": "WebSockets that are gone",
        "metrics": "of environments that are gone",
        "metricminutes": "of the region's last day",
        "scaling": "what the controller knew of environments",
        "cacheepochs": "a cache must not be believed that knows what was later",
        "verifications": "where a comparison stood",
        "catchups": "how far a failover had come, counted from what is not there any more",
        RESTORATIONS: "of this database",
        BACKUP_LOG: "of this database",
    }
)
"""Collection → why. A region writes these by itself: a database with nothing else in it is empty."""


def is_kept(collection: str) -> bool:
    """Whether a backup holds the collection."""
    return collection not in LEFT_OUT and not collection.startswith(("system.", LOADING))
