"""``./arena replication catch-up`` on three databases of one mongod: what queues have lost is told past them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from click.testing import CliRunner, Result
from pymongo import MongoClient

from chalicelib.arena.ports import Document
from infra.cli.replication import command
from tests.told_regions import FIRST, NOW, REGIONS, SECOND, THIRD, ToldRegions


class Databases(ToldRegions):
    """And the command over them."""

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(command, ["catch-up", *self.addresses(), *arguments])

    def bios(self, region: str) -> dict[str, Any]:
        return {user["telegramId"]: user["bio"] for user in self.client[self.names[region]].users.find()}


@pytest.fixture
def databases(mongo_client: MongoClient[Document], mongo_uri: str) -> Iterator[Databases]:
    with Databases.made(mongo_client, mongo_uri) as found:
        yield found


def test_every_region_gets_what_it_lacks_and_gets_it_once(databases: Databases) -> None:
    databases.tell(FIRST, "1")
    databases.tell(SECOND, "2")
    caught_up = databases.run()
    assert caught_up.exit_code == 0
    assert caught_up.stdout.splitlines() == [
        f"{FIRST} lacked 1 of {SECOND}",
        f"{SECOND} lacked 1 of {FIRST}",
        f"{THIRD} lacked 1 of {SECOND}, 1 of {FIRST}",
    ]
    assert [databases.bios(region) for region in REGIONS] == [{"2": "told"}, {"1": "told"}, {"1": "told", "2": "told"}]
    again = json.loads(databases.run("--json").stdout)
    assert again == {region: {"drained": {}, "early": 0, "too_old": 0} for region in REGIONS}


def test_what_was_told_before_is_left_alone(databases: Databases) -> None:
    databases.tell(FIRST, "1", at=NOW - timedelta(hours=2))
    databases.tell(FIRST, "2")
    since = f"{NOW - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert databases.run("--since", since).exit_code == 0
    assert databases.bios(THIRD) == {"2": "told"}


def test_what_needs_an_event_that_is_nowhere_is_told(databases: Databases) -> None:
    databases.tell(SECOND, str(ObjectId()), collection="brokers")
    left = databases.run("--json")
    assert left.exit_code == 1
    assert [report["early"] for report in json.loads(left.stdout).values()] == [1, 0, 1]
