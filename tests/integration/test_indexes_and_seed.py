"""Indexes and first documents: created once, never twice, never over what is there."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bson import ObjectId
from click.testing import CliRunner
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from chalicelib.arena.economy_config import DEFAULTS
from chalicelib.arena.ports import Document
from chalicelib.data.battle_job_queries import COLLECTION, queued
from chalicelib.data.indexes import INDEXES, IndexConflict, ensure_indexes, replaced_indexes
from chalicelib.data.seed import seed_defaults
from infra.cli.indexes import command
from tests.worlds import NOON


def test_all_indexes_are_created_once(fresh_database: Database[Document]) -> None:
    """The first run reports each, the second none; options are as stated."""
    created = ensure_indexes(fresh_database)
    assert created == [f"{index.collection}.{index.name}" for index in INDEXES]
    assert ensure_indexes(fresh_database) == []
    assert fresh_database["users"].index_information()["telegramId_1"]["unique"]
    six = "telegramId_1_sourceId_1_sourceType_1_currency_1_direction_1_reason_1"
    ledger = fresh_database["ledgerentries"].index_information()[six]
    assert ledger["unique"]
    assert set(ledger["partialFilterExpression"]) == {"sourceType", "sourceId"}
    assert fresh_database["actionrunkeys"].index_information()["expiresAt_1"]["expireAfterSeconds"] == 0


def test_a_missing_index_alone_is_created_and_reported(fresh_database: Database[Document]) -> None:
    """What somebody dropped comes back."""
    ensure_indexes(fresh_database)
    fresh_database["battles"].drop_index("guildId_1")
    assert ensure_indexes(fresh_database) == ["battles.guildId_1"]


def test_queued_battles_are_counted_without_reading_one(fresh_database: Database[Document]) -> None:
    """Operators' pages and the metrics ask often, also of a queue of many thousands."""
    ensure_indexes(fresh_database)
    job = {"status": "queued", "arena": "prediction", "league": "rookie", "acceptedAt": NOON}
    fresh_database[COLLECTION].insert_many(
        [{**job, "ownerTelegramId": str(number), "requestId": "r"} for number in range(20)]
    )
    asked = {"aggregate": COLLECTION, "pipeline": [*queued().pipeline], "cursor": {}}
    explained = fresh_database.command({"explain": asked, "verbosity": "executionStats"})
    found = explained.get("executionStats") or explained["stages"][0]["$cursor"]["executionStats"]
    assert (found["totalKeysExamined"], found["totalDocsExamined"]) == (20, 0)


def test_old_blows_that_name_no_battle_stay(fresh_database: Database[Document]) -> None:
    """The running game's damage rows have no battleId, many of one boss; rows that have one are unique."""
    blows = fresh_database["bossdamages"]
    blows.insert_many([{"bossId": 1, "telegramId": "7"}, {"bossId": 1, "telegramId": "7"}])
    ensure_indexes(fresh_database)
    battle = ObjectId()
    blows.insert_one({"bossId": 1, "battleId": battle})
    with pytest.raises(DuplicateKeyError):
        blows.insert_one({"bossId": 1, "battleId": battle})


def test_replaced_indexes_are_named_with_the_command_that_drops_them(
    fresh_database: Database[Document], mongo_uri: str
) -> None:
    """Only by the person: an older release that still serves may need one."""
    fresh_database["battles"].create_index([("ownerTelegramId", 1), ("createdAt", -1)])
    arguments = ["--mongo-uri", mongo_uri, "--database", fresh_database.name]
    output = CliRunner().invoke(command, arguments, catch_exceptions=False).output
    drop = "db.battles.dropIndex('ownerTelegramId_1_createdAt_-1')"
    assert output.splitlines()[-1] == f"no longer used: {drop}"
    assert replaced_indexes(fresh_database) == [drop]
    fresh_database["battles"].drop_index("ownerTelegramId_1_createdAt_-1")
    assert replaced_indexes(fresh_database) == []
    output = CliRunner().invoke(command, arguments, catch_exceptions=False).output
    assert output == "all indexes are there\n"


def test_an_index_of_the_same_name_with_other_options_is_a_clear_error(fresh_database: Database[Document]) -> None:
    """The running game's telegramId index is not unique."""
    fresh_database["users"].create_index("telegramId")
    with pytest.raises(IndexConflict, match=r"users\.telegramId_1 .*unique"):
        ensure_indexes(fresh_database)


def test_data_that_breaks_a_unique_index_is_a_clear_error(fresh_database: Database[Document]) -> None:
    """Two players of one person must be merged first."""
    fresh_database["users"].insert_many([{"telegramId": "1"}, {"telegramId": "1"}])
    with pytest.raises(IndexConflict, match=r"users\.telegramId_1"):
        ensure_indexes(fresh_database)


def test_the_running_games_day_index_must_go_first(fresh_database: Database[Document]) -> None:
    """It would refuse a day's second stripe."""
    fresh_database["economydays"].create_index("day", unique=True)
    with pytest.raises(IndexConflict, match="dropIndex"):
        ensure_indexes(fresh_database)


def test_seeding_adds_what_is_missing_and_overwrites_nothing(fresh_database: Database[Document]) -> None:
    """An operator's mode and settings stay as they are."""
    ensure_indexes(fresh_database)
    fresh_database["gamemodes"].insert_one({"key": "prediction", "enabled": False})
    seed_defaults(fresh_database, NOON)
    seed_defaults(fresh_database, NOON)
    assert fresh_database["gamemodes"].count_documents({}) == 15
    assert "name" not in (fresh_database["gamemodes"].find_one({"key": "prediction"}) or {})
    assert fresh_database["realms"].count_documents({}) == 0
    fresh_database["economyconfigs"].update_one({}, {"$set": {"trainNeurCost": 7}})
    seed_defaults(fresh_database, NOON)
    (config,) = fresh_database["economyconfigs"].find()
    assert config["trainNeurCost"] == 7
    assert DEFAULTS.keys() <= config.keys()


def test_seeding_at_once_makes_one_of_each(fresh_database: Database[Document]) -> None:
    """Two deployments may start together."""
    ensure_indexes(fresh_database)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: seed_defaults(fresh_database, NOON), range(4)))
    assert fresh_database["gamemodes"].count_documents({}) == 15
    assert fresh_database["economyconfigs"].count_documents({}) == 1
