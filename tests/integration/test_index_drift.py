"""``./arena indexes check``: each kind of difference, on a real database."""

import json

import pytest
from click.testing import CliRunner, Result
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.data.index_drift import drift
from chalicelib.data.indexes import INDEXES, ensure_indexes
from chalicelib.data.sharding import SHARDED
from infra.cli.indexes import command
from infra.sharding.steps import index_name


@pytest.fixture
def database(fresh_database: Database[Document]) -> Database[Document]:
    ensure_indexes(fresh_database)
    return fresh_database


def check(database: Database[Document], mongo_uri: str, *arguments: str) -> Result:
    line = ["check", "--mongo-uri", mongo_uri, "--database", database.name, *arguments]
    return CliRunner().invoke(command, line, catch_exceptions=False)


def test_what_was_just_made_does_not_differ(database: Database[Document], mongo_uri: str) -> None:
    """Nor do indexes of shard keys, nor collections the arena does not know."""
    for one in SHARDED:
        database[one.collection].create_index(list(one.key), name=index_name(one.key))
    database["somebodys"].create_index("x")
    result = check(database, mongo_uri)
    assert (result.exit_code, result.output) == (0, "indexes are as the arena says\n")
    assert json.loads(check(database, mongo_uri, "--json").output) == {"database": database.name, "drift": []}


def test_of_an_empty_database_all_is_missing(fresh_database: Database[Document], mongo_uri: str) -> None:
    assert len(drift(fresh_database)) == len(INDEXES)
    assert check(fresh_database, mongo_uri).exit_code == 1


def _missing(database: Database[Document]) -> None:
    database["battles"].drop_index("requestId_1")


def _not_unique(database: Database[Document]) -> None:
    database["users"].drop_index("telegramId_1")
    database["users"].create_index("telegramId")


def _other_ttl(database: Database[Document]) -> None:
    changed = {"keyPattern": {"expiresAt": 1}, "expireAfterSeconds": 3600}
    database.command("collMod", "battlejobs", index=changed)


def _no_ttl(database: Database[Document]) -> None:
    database["metrics"].drop_index("expiresAt_1")
    database["metrics"].create_index("expiresAt")


def _other_filter(database: Database[Document]) -> None:
    database["bossdamages"].drop_index("bossId_1_battleId_1")
    only = {"battleId": {"$exists": True}}
    database["bossdamages"].create_index([("bossId", 1), ("battleId", 1)], unique=True, partialFilterExpression=only)


def _not_sparse(database: Database[Document]) -> None:
    database["users"].drop_index("wallet_1")
    database["users"].create_index("wallet")


def _other_wildcard(database: Database[Document]) -> None:
    database["users"].drop_index("$**_1")
    database["users"].create_index("$**", wildcardProjection={"totals": 1})


def _hidden(database: Database[Document]) -> None:
    database.command("collMod", "guilds", index={"name": "name_1", "hidden": True})


def _renamed(database: Database[Document]) -> None:
    database["guilds"].drop_index("members.telegramId_1")
    database["guilds"].create_index("members.telegramId", name="members")


def _second(database: Database[Document]) -> None:
    """Of the same keys, which a filter allows."""
    only = {"guildId": {"$type": "objectId"}}
    database["battles"].create_index("guildId", name="some", partialFilterExpression=only)


def _unknown(database: Database[Document]) -> None:
    database["battles"].create_index([("score", -1)])


def _replaced(database: Database[Document]) -> None:
    database["battles"].create_index([("ownerTelegramId", 1), ("createdAt", -1)])


def _retired(database: Database[Document]) -> None:
    database["economydays"].create_index("day", unique=True)


DIFFERENCES = (
    (_missing, "missing", "battles.requestId_1", "is not there"),
    (_not_unique, "different", "users.telegramId_1", "has {}, should have {'unique': True}"),
    (_other_ttl, "different", "battlejobs.expiresAt_1", "{'expireAfterSeconds': 3600}, should have"),
    (_no_ttl, "different", "metrics.expiresAt_1", "has {}, should have {'expireAfterSeconds': 0}"),
    (_other_filter, "different", "bossdamages.bossId_1_battleId_1", "{'battleId': {'$exists': True}}}, should have"),
    (_not_sparse, "different", "users.wallet_1", "should have {'sparse': True}"),
    (_other_wildcard, "different", "users.$**_1", "has {'wildcardProjection': ['totals']}, should have"),
    (_hidden, "different", "guilds.name_1", "'hidden': True"),
    (_renamed, "different", "guilds.members", "should be called members.telegramId_1"),
    (_second, "unknown", "battles.some", "none of the arena's"),
    (_unknown, "unknown", "battles.score_-1", "db.battles.dropIndex('score_-1')"),
    (_replaced, "replaced", "battles.ownerTelegramId_1_createdAt_-1", "no longer used"),
    (_retired, "retired", "economydays.day_1", "would refuse what the arena writes"),
)


def test_each_kind_of_difference_is_told_and_fails(database: Database[Document], mongo_uri: str) -> None:
    """One after the other: each adds its line, and nothing is changed by looking."""
    lines: set[str] = set()
    for change, kind, index, what in DIFFERENCES:
        change(database)
        before = {name: database[name].index_information() for name in database.list_collection_names()}
        result = check(database, mongo_uri)
        assert result.exit_code == 1
        (line,) = set(result.output.splitlines()) - lines
        assert line.startswith(f"{kind}: {index}: ")
        assert what in line
        lines.add(line)
        assert {name: database[name].index_information() for name in database.list_collection_names()} == before
    told = json.loads(check(database, mongo_uri, "--json").output)["drift"]
    assert {f"{one['kind']}: {one['collection']}.{one['index']}: {one['what']}" for one in told} == lines
