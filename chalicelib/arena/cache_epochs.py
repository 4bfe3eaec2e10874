"""Epochs: by them readers know which cached values of an entity they may still believe.

One document per entity says its epoch, a text that never comes back. A cached value tells the epoch there was before
it was loaded, and is believed only while that is still the current one.
"""

import secrets
from typing import Final

from chalicelib.arena.ports import Update

COLLECTION: Final = "cacheepochs"


def renewal(entity: str) -> Update:
    """Gives ``entity`` an epoch it never had."""
    return Update(COLLECTION, {"_id": entity}, {"$set": {"epoch": secrets.token_hex(8)}}, upsert=True)
