"""What a new database starts with: the default modes and the economy's defaults. Never overwrites."""

from datetime import datetime
from typing import Final

from bson import ObjectId
from pymongo import UpdateOne
from pymongo.database import Database

from chalicelib.arena.cache_epochs import renewal
from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.modes import DEFAULT_MODES
from chalicelib.arena.ports import Document

CONFIG_ID: Final = ObjectId("000000000000000000000001")
"""Fixed, so that two who seed an empty database at once still make one document."""


def seed_defaults(database: Database[Document], now: datetime) -> None:
    """Inserts the default modes that are missing, and the economy's settings if there are none.

    Safe to run again and by several at once; there are no default realms. Indexes come first (``ensure_indexes``).
    """
    stamps = {"createdAt": now, "updatedAt": now, "__v": 0}
    seeded = database["gamemodes"].bulk_write(
        [UpdateOne({"key": mode["key"]}, {"$setOnInsert": {**mode, **stamps}}, upsert=True) for mode in DEFAULT_MODES],
        ordered=False,
    )
    changed = ["game_mode"] if seeded.upserted_count else []
    if database["economyconfigs"].find_one({}) is None:
        database["economyconfigs"].update_one({"_id": CONFIG_ID}, {"$setOnInsert": {**DEFAULTS, **stamps}}, upsert=True)
        changed.append("economy_config")
    for entity in changed:
        # Environments of the last release may have cached what was there before.
        update = renewal(entity)
        database[update.collection].update_one(update.where, update.change, upsert=True)
