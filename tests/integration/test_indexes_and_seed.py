"""Indexes and first documents: created once, never twice, never over what is there."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.database import Database

from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.ports import Document
from chalicelib.data.indexes import INDEXES, IndexConflict, ensure_indexes
from chalicelib.data.seed import seed_defaults
from tests.worlds import NOON


def test_all_indexes_are_created_once(database: Database[Document]) -> None:
    """The first run reports each, the second none; options are as stated."""
    created = ensure_indexes(database)
    assert created == [f"{index.collection}.{index.name}" for index in INDEXES]
    assert ensure_indexes(database) == []
    assert database["users"].index_information()["telegramId_1"]["unique"]
    six = "sourceType_1_sourceId_1_telegramId_1_currency_1_direction_1_reason_1"
    ledger = database["ledgerentries"].index_information()[six]
    assert ledger["unique"]
    assert set(ledger["partialFilterExpression"]) == {"sourceType", "sourceId"}
    assert database["actionrunkeys"].index_information()["expiresAt_1"]["expireAfterSeconds"] == 0


def test_a_missing_index_alone_is_created_and_reported(database: Database[Document]) -> None:
    """What somebody dropped comes back."""
    ensure_indexes(database)
    database["battles"].drop_index("guildId_1")
    assert ensure_indexes(database) == ["battles.guildId_1"]


def test_an_index_of_the_same_name_with_other_options_is_a_clear_error(database: Database[Document]) -> None:
    """The running game's telegramId index is not unique."""
    database["users"].create_index("telegramId")
    with pytest.raises(IndexConflict, match=r"users\.telegramId_1 .*unique"):
        ensure_indexes(database)


def test_data_that_breaks_a_unique_index_is_a_clear_error(database: Database[Document]) -> None:
    """Two players of one person must be merged first."""
    database["users"].insert_many([{"telegramId": "1"}, {"telegramId": "1"}])
    with pytest.raises(IndexConflict, match=r"users\.telegramId_1"):
        ensure_indexes(database)


def test_the_running_games_day_index_must_go_first(database: Database[Document]) -> None:
    """It would refuse a day's second stripe."""
    database["economydays"].create_index("day", unique=True)
    with pytest.raises(IndexConflict, match="dropIndex"):
        ensure_indexes(database)


def test_seeding_adds_what_is_missing_and_overwrites_nothing(database: Database[Document]) -> None:
    """An operator's mode and settings stay as they are."""
    ensure_indexes(database)
    database["gamemodes"].insert_one({"key": "prediction", "enabled": False})
    seed_defaults(database, NOON)
    seed_defaults(database, NOON)
    assert database["gamemodes"].count_documents({}) == 15
    assert "name" not in (database["gamemodes"].find_one({"key": "prediction"}) or {})
    assert database["realms"].count_documents({}) == 0
    database["economyconfigs"].update_one({}, {"$set": {"trainNeurCost": 7}})
    seed_defaults(database, NOON)
    (config,) = database["economyconfigs"].find()
    assert config["trainNeurCost"] == 7
    assert DEFAULTS.keys() <= config.keys()


def test_seeding_at_once_makes_one_of_each(database: Database[Document]) -> None:
    """Two deployments may start together."""
    ensure_indexes(database)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: seed_defaults(database, NOON), range(4)))
    assert database["gamemodes"].count_documents({}) == 15
    assert database["economyconfigs"].count_documents({}) == 1
