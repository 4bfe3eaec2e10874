"""``./arena backup`` and ``./arena restore``, between a real database and a directory."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from bson import ObjectId
from click.testing import CliRunner, Result
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.replication.capture import Recorder
from infra.cli.backup import command as backup_command
from infra.cli.restore import command as restore_command
from tests.worlds import World, mongo_world

REGION = "us-east-1"


@dataclass(frozen=True)
class Site:
    """A region's world, the commands beside it, and an empty database."""

    uri: str
    world: World
    database: Database[Document]
    empty: Database[Document]
    store: Path

    def address(self, database: Database[Document]) -> str:
        base, _, options = self.uri.partition("/?")
        return f"{base}/{database.name}?{options}"

    def run(self, command: click.Command, *arguments: str) -> Result:
        return CliRunner().invoke(command, list(arguments))

    def backup(self) -> str:
        mongo = f"{REGION}={self.address(self.database)}"
        done = self.run(backup_command, "--mongo", mongo, "--to", str(self.store), "--json")
        assert done.exit_code == 0, done.output
        return str(json.loads(done.stdout)["backup"])

    def look(self, *arguments: str) -> Result:
        return self.run(backup_command, *arguments, "--from", str(self.store))

    def restore(self, *arguments: str) -> Result:
        into = ("--into", self.address(self.empty))
        return self.run(restore_command, "--from", str(self.store), *into, *arguments)


@pytest.fixture
def site(
    database: Database[Document], mongo_client: MongoClient[Document], mongo_uri: str, tmp_path: Path
) -> Iterator[Site]:
    found: list[World] = []
    recorder = Recorder(lambda: found[0].clock(), REGION, 15, ("eu-west-1",), ObjectId)
    world, pools = mongo_world(database, mongo_uri, recorder=recorder)
    found.append(world)
    world.add_player()
    empty = mongo_client[f"test_restored_{ObjectId()}"]
    yield Site(mongo_uri, world, database, empty, tmp_path / "store")
    pools.close()
    mongo_client.drop_database(empty.name)


def test_taken_listed_shown_verified_restored(site: Site) -> None:
    backup = site.backup()
    listed = json.loads(site.look("list", "--json").stdout)
    assert [(one["backup"], one["region"], one["database"]) for one in listed] == [(backup, REGION, site.database.name)]
    assert backup in site.look("list").stdout
    assert "users" in site.look("show").stdout
    assert json.loads(site.look("show", "--backup", backup, "--json").stdout)["format"] == 1
    assert site.look("verify").stdout.startswith(f"whole: {backup}")

    planned = site.restore("--dry-run")
    assert (planned.exit_code, f"into {site.empty.name}, which is empty" in planned.stdout) == (0, True)
    assert site.empty.list_collection_names() == []
    done = site.restore("--yes", "--json")
    assert (done.exit_code, json.loads(done.stdout)["backup"]) == (0, backup), done.output
    assert site.empty["users"].count_documents({"telegramId": "777"}) == 1
    refused = site.restore("--yes")
    assert refused.exit_code == 1
    assert "is not empty: economyconfigs (1)" in refused.output


def test_a_rehearsal_does_not_say_that_the_arena_serves_nobody(site: Site) -> None:
    """What is restored beside it says so, of itself."""
    roles = [{"_id": region, "servedBy": region, "epoch": 0} for region in (REGION, "eu-west-1")]
    site.database["regions"].insert_many(roles)
    site.backup()
    assert f"in it nobody serves the players of {REGION}, until" in site.restore("--dry-run").output
    done = site.restore("--yes")
    assert done.exit_code == 0, done.output
    assert f"in it nobody serves the players of {REGION}: if the region is to use it, go on" in done.output


@pytest.mark.parametrize(
    "into", ["scratch", "mongodb://owner:password@host", "mongodb://owner:password@host/?tls=true"]
)
def test_an_address_without_a_database_is_refused_by_its_options_name(site: Site, into: str) -> None:
    site.backup()
    refused = site.run(restore_command, "--from", str(site.store), "--into", into, "--yes")
    assert (refused.exit_code, "--into: write mongodb://host/DATABASE" in refused.output) == (2, True), refused.output
    assert "password" not in refused.output


def test_a_damaged_object_is_named_and_the_exit_code_says_so(site: Site) -> None:
    site.backup()
    (part,) = site.store.glob("data/*/*/*/users-00000.bson.gz")
    stored = part.read_bytes()
    part.write_bytes(stored[:-1] + bytes([stored[-1] ^ 1]))
    for refused in (site.look("verify"), site.restore("--yes")):
        assert refused.exit_code == 1
        assert f"{part.relative_to(site.store)}: is damaged" in refused.output
    assert site.empty.list_collection_names() == []


def test_to_a_time_by_the_next_backup(site: Site) -> None:
    """The backup before it is taken, and the outbox of the one after it. Points are of writes, in whole seconds."""
    first = site.backup()
    until = datetime.fromisoformat(json.loads(site.look("list", "--json").stdout)[0]["at"])
    site.world.clock.advance((until - site.world.clock()).total_seconds())
    site.world.players.upsert_player("777", {"username": "in time"}, site.world.clock())
    site.world.clock.advance(0.001)
    site.world.players.upsert_player("777", {"username": "too late"}, site.world.clock())
    nothing_later = site.restore("--until", until.isoformat(), "--yes")
    assert "nothing tells what followed the backup" in nothing_later.output
    while system_clock() < until + timedelta(seconds=1):
        pass
    site.world.players.upsert_player("777", {"username": "much too late"}, site.world.clock())
    site.backup()
    done = site.restore("--backup", first, "--until", until.isoformat(), "--yes", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["backup"], report["replayed"]["applied"], report["replayed"]["later"]) == (first, 1, 2)
    assert [user["username"] for user in site.empty["users"].find()] == ["in time"]


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("--until", "yesterday"), "write 2026-11-30T06:33:00Z", 2),
        (("--until", "2026-11-30T06:33:00"), "say its offset", 2),
        (("--until", "2001-01-01T00:00:00Z"), "no backup of before 2001-01-01", 1),
        (("--until", "2101-01-01T00:00:00Z"), "outboxes keep events for 7 days", 1),
        (("--backup", "20260101T000000Z-00000000"), "has no backup 20260101T000000Z-00000000", 1),
        (("--region", "eu-west-1"), "has no backup of eu-west-1", 1),
    ],
)
def test_what_can_not_be_done_is_said(site: Site, arguments: tuple[str, ...], words: str, code: int) -> None:
    site.backup()
    refused = site.restore(*arguments, "--yes")
    assert (refused.exit_code, words in refused.output) == (code, True), refused.output


@pytest.mark.parametrize("store", ["s3://", "https://bucket/prefix", "s3://bucket?x=1"])
def test_stores_are_buckets_or_directories(store: str) -> None:
    refused: Any = CliRunner().invoke(backup_command, ["list", "--from", store])
    assert refused.exit_code == 2
    assert "s3://BUCKET" in refused.output
