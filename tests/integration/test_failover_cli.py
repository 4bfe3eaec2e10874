"""``./arena failover`` on three databases of one mongod."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pymongo import MongoClient

from chalicelib.arena.ports import Document
from infra.cli.failover import command
from infra.cli.regions import command as regions_command
from tests.told_regions import FIRST, REGIONS, SECOND, THIRD, ToldRegions


class Databases(ToldRegions):
    """And the command over some of them."""

    def run(self, *arguments: str, regions: tuple[str, ...] = REGIONS) -> Result:
        return CliRunner().invoke(command, [*self.addresses(regions), *arguments])

    def role(self, region: str, of: str) -> Any:
        return (self.client[self.names[region]].regions.find_one({"_id": of}) or {}).get("servedBy", "nothing said")


@pytest.fixture
def databases(mongo_client: MongoClient[Document], mongo_uri: str) -> Iterator[Databases]:
    with Databases.made(mongo_client, mongo_uri) as found:
        found.tell(FIRST, "777")
        yield found


def test_a_dry_run_shows_the_steps_and_changes_nothing(databases: Databases) -> None:
    shown = databases.run("--from", FIRST, "--dry-run", "--json")
    plan = json.loads(shown.stdout)
    assert (shown.exit_code, plan["serving"], plan["epoch"], len(plan["steps"])) == (0, SECOND, 1, 4)
    assert databases.role(FIRST, FIRST) == "nothing said"


def test_over_and_back(databases: Databases) -> None:
    over = databases.run("--from", FIRST, "--yes", "--json")
    report = json.loads(over.stdout)
    assert (over.exit_code, report["serving"], report["drained"], report["early"]) == (0, SECOND, {FIRST: 1}, 0)
    assert report["unserved_seconds"] > 0
    assert [databases.role(region, FIRST) for region in REGIONS] == [SECOND] * 3
    assert databases.client[databases.names[SECOND]].users.count_documents({"telegramId": "777", "bio": "told"}) == 1
    assert "serves for us-east-1 already" in databases.run("--from", FIRST, "--to", THIRD, "--yes").output
    back = databases.run("--return", FIRST, "--yes")
    assert (back.exit_code, back.stdout.splitlines()[0]) == (0, f"{FIRST} serves the players of {FIRST}")
    assert [databases.role(region, FIRST) for region in REGIONS] == [FIRST] * 3
    assert "there is nothing to return" in databases.run("--return", FIRST, "--yes").output


def test_without_yes_it_asks(databases: Databases) -> None:
    asked = CliRunner().invoke(
        command,
        [*(part for region in REGIONS for part in ("--mongo", databases.address(region))), "--from", FIRST],
        input="n\n",
    )
    assert asked.exit_code == 1
    assert databases.role(FIRST, FIRST) == "nothing said"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say --from REGION, or --return REGION"),
        (("--from", FIRST, "--return", FIRST), "say --from REGION, or --return REGION"),
        (("--from", "mars", "--yes"), "no region 'mars'"),
        (("--from", FIRST, "--mongo", "nonsense"), "--mongo nonsense: write REGION=mongodb://host/DATABASE"),
    ],
)
def test_wrong_usage(databases: Databases, arguments: tuple[str, ...], said: str) -> None:
    result = databases.run(*arguments)
    assert result.exit_code != 0
    assert said in result.output


def regions(databases: Databases, *arguments: str) -> Result:
    given = [part for region in REGIONS for part in ("--mongo", databases.address(region))]
    return CliRunner().invoke(regions_command, [*given, *arguments])


def test_addresses_are_told_to_every_region_and_change_no_role(databases: Databases) -> None:
    databases.client[databases.names[SECOND]].regions.insert_one({"_id": FIRST, "servedBy": SECOND, "epoch": 2})
    told = regions(databases, "--url", f"{FIRST}=https://one.example/api/", "--json")
    found = json.loads(told.stdout)
    assert told.exit_code == 0
    assert found[THIRD][FIRST] == {"servedBy": FIRST, "epoch": 0, "url": "https://one.example/api"}
    assert found[SECOND][FIRST] == {"servedBy": SECOND, "epoch": 2, "url": "https://one.example/api"}
    assert "eu-west-1 serves, epoch 2, https://one.example/api" in regions(databases).stdout


@pytest.mark.parametrize("address", ["mars=https://x", f"{FIRST}=nonsense", f"{FIRST}=https://x?y=1"])
def test_an_address_that_is_none(databases: Databases, address: str) -> None:
    result = regions(databases, "--url", address)
    assert (result.exit_code, f"--url {address}" in result.output) == (2, True)
