"""``./arena leaderboard``: mends standings from battles, loads the sets, and says what is wrong."""

import json
import random
from collections.abc import Iterator
from typing import Any

from click.testing import CliRunner
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.arena.standings import ALL, stored_totals
from chalicelib.arena.standings_audit import StandingsAudit
from chalicelib.cache.leaderboard import BoardKeys
from chalicelib.data.leaderboard_upkeep import MongoStandingsBooks
from chalicelib.data.operations import Operations
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from infra.cli.leaderboard import command
from tests.redis_doors import client_of
from tests.standings import kept, realm_sums, still_held, summed
from tests.worlds import World


def run(name: str, database: Database[Document], mongo_uri: str, redis_url: str | None) -> tuple[int, list[Document]]:
    """Exit code and reports."""
    where = ["--mongo-uri", mongo_uri, "--database", database.name, *(["--redis-url", redis_url] if redis_url else [])]
    result = CliRunner().invoke(command, [name, "--json", *where])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    reports: list[Document] = json.loads(result.stdout)
    return result.exit_code, reports


def test_a_database_of_the_running_game_gets_its_standings(
    world: World, database: Database[Document], mongo_uri: str, valkey_url: str
) -> None:
    """Battles and no standings: recomputed, loaded, verified; then broken on purpose, and found."""
    draw = random.Random(5)
    for number in range(450):
        realms: Document = {"realmProgress": {"desert": {}}} if number % 5 == 0 else {}
        database["users"].insert_one({"telegramId": str(number), **realms})
    for number in range(900):
        fields: dict[str, Any] = {"requestId": str(number), "ownerTelegramId": str(draw.randrange(450))}
        world.add("battles", **fields, league=draw.choice(["rookie", "pro"]), score=draw.randrange(200), rewardAiba=3)
        world.clock.advance(draw.randrange(20_000))
    code, (found,) = run("verify", database, mongo_uri, None)
    players = {battle["ownerTelegramId"] for battle in world.read("battles")}
    assert (code, found["players"], found["wrong"]) == (1, 450, len(players))
    code, (mended,) = run("recompute", database, mongo_uri, None)
    assert (code, mended["wrong"], mended["mended"]) == (0, len(players), len(players))
    expected = summed(world.read("battles"), "month")
    for user in world.read("users"):
        assert kept(user) == still_held(expected[user["telegramId"]], user)
        if user.get("realmProgress") and user["telegramId"] in players:
            assert realm_sums(user)[None, "realm:desert"] == stored_totals(user, None, ALL)
    assert run("recompute", database, mongo_uri, None)[1][0]["wrong"] == 0

    code, reports = run("rebuild", database, mongo_uri, valkey_url)
    assert code == 0
    assert {report["board"]: report["players"] for report in reports if report["season"] is None}["all"] == len(players)
    assert run("verify", database, mongo_uri, valkey_url)[0] == 0

    client = client_of(valkey_url)
    key = BoardKeys(database.name).ranking(None, "all", "score")
    somebody = min(players)
    client.zadd(key, {somebody: 10**9, "stranger": 5})
    code, reports = run("verify", database, mongo_uri, valkey_url)
    (board,) = (report for report in reports if report.get("board") == "all" and report["season"] is None)
    assert (code, board["ahead"], board["behind"], board["strangers"]) == (1, 1, 0, 1)
    assert run("rebuild", database, mongo_uri, valkey_url)[0] == 0
    assert run("verify", database, mongo_uri, valkey_url)[0] == 0
    client.close()


def test_without_redis_there_is_nothing_to_rebuild(database: Database[Document], mongo_uri: str) -> None:
    """Said in words, with an exit code."""
    arguments = ["rebuild", "--mongo-uri", mongo_uri, "--database", database.name]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 1
    assert "no Redis is configured" in result.output


class Interrupted(MongoStandingsBooks):
    """Books of an arena in which a battle is fought right before each of the first replacements."""

    def __init__(self, operations: Operations, fight: Iterator[object]) -> None:
        super().__init__(operations)
        self._fight = fight

    def replace(self, player: Document, changes: Document) -> bool:
        next(self._fight, None)
        return super().replace(player, changes)


def test_recomputing_loses_no_battle_fought_meanwhile(
    world: World, database: Database[Document], mongo_uri: str
) -> None:
    """The player is looked at again, as often as it takes."""
    world.add_player()
    brokers = [world.add_broker(energy=100, intelligence=90) for _ in range(3)]
    battles = (world.battles().run(world.command(broker, str(broker["_id"]))) for broker in brokers)
    next(battles)
    database["users"].update_many({}, {"$unset": {"totals": "", "seasons": ""}})
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS))
    operations = Operations(pools, database.name)
    report = StandingsAudit(Interrupted(operations, battles), world.catalogue, world.clock).run(mend=True)
    pools.close()
    assert (report.wrong, report.mended) == (1, 1)
    (sums,) = summed(world.read("battles"), "month").values()
    assert kept(world.one("users", telegramId="777")) == sums
    assert sums[None, ALL].battles == 3
