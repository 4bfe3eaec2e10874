"""Profiles, the economy page and the public catalogue; on both stores."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bson import ObjectId

from chalicelib.arena.economy_config import PUBLIC_FIELDS
from chalicelib.errors import ArenaError
from tests.worlds import NOON, World

PROFILE = {"username": "ada", "telegram": {"username": "ada", "firstName": "Ada"}}


def test_the_first_request_makes_a_player_and_later_ones_keep_the_money(world: World) -> None:
    """The profile follows Telegram; balances and creation date stay."""
    player = world.players.upsert_player("777", PROFILE, NOON)
    assert (player["telegramId"], player["username"], player["neurBalance"]) == ("777", "ada", 0)
    world.credit("777", "neurBalance", 9)
    world.clock.advance(1)
    again = world.players.upsert_player("777", {**PROFILE, "username": "bob"}, world.clock())
    assert (again["username"], again["neurBalance"], again["createdAt"]) == ("bob", 9, NOON)
    assert again["lastSeenAt"] == world.clock()
    assert world.one("users") == again


def test_a_player_is_read_as_stored(world: World) -> None:
    assert world.players.player("777") is None
    stored = world.players.upsert_player("777", PROFILE, NOON)
    assert world.players.player("777") == stored


def test_parallel_first_requests_make_one_player(world: World) -> None:
    """The unique telegramId decides."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: world.players.upsert_player("777", PROFILE, NOON), range(16)))
    assert len(world.read("users")) == 1


def test_the_economy_page_shows_balances_and_public_settings(world: World) -> None:
    """In the wire's names; what the player has not is null or empty."""
    world.add_player(neurBalance=5, aibaBalance=6, starsBalance=7, diamondsBalance=8, badges=["top"])
    world.configure(trainNeurCost=31)
    page = world.economy().me("777")
    assert list(page) == [
        *("telegramId", "wallet", "neurBalance", "aibaBalance", "starsBalance", "diamondsBalance", "badges"),
        *("economy", "profileBoostedUntil", "schoolId"),
    ]
    assert [page[name] for name in ("neurBalance", "aibaBalance", "starsBalance", "diamondsBalance")] == [5, 6, 7, 8]
    assert tuple(page["economy"]) == PUBLIC_FIELDS
    assert page["economy"]["trainNeurCost"] == 31
    assert (page["badges"], page["schoolId"], page["profileBoostedUntil"]) == (["top"], None, None)


def test_the_economy_page_of_someone_never_seen_is_empty(world: World) -> None:
    """Not an error: authentication made them known, or will."""
    page = world.economy().me("nobody")
    assert (page["telegramId"], page["neurBalance"], page["wallet"]) == ("nobody", 0, "")


def test_the_school_is_set_cleared_and_never_guessed(world: World) -> None:
    """24 hex digits set it, other text clears it, nothing is refused."""
    world.add_player()
    school = "65" * 12
    assert world.economy().set_school("777", school) == {"ok": True, "schoolId": school}
    assert world.economy().me("777")["schoolId"] == ObjectId(school)
    assert world.economy().set_school("777", "none") == {"ok": True, "schoolId": None}
    assert world.economy().me("777")["schoolId"] is None
    with pytest.raises(ArenaError, match="no valid fields to update") as caught:
        world.economy().set_school("777", None)
    assert caught.value.status == 400


def test_game_modes_are_the_enabled_ones_sorted_and_filtered(world: World) -> None:
    """Fifteen by default; by arena, by league, by both."""
    world.add("gamemodes", key="off", enabled=False, arena="arbitrage", league="rookie")
    modes = world.public().game_modes()
    assert len(modes) == 15
    assert [(m["arena"], m["league"], m["key"]) for m in modes] == sorted(
        (m["arena"], m["league"], m["key"]) for m in modes
    )
    assert {mode["league"] for mode in world.public().game_modes(arena="prediction")} == {"rookie", "pro", "elite"}
    assert len(world.public().game_modes(league="pro")) == 5
    assert [mode["key"] for mode in world.public().game_modes("simulation", "elite")] == ["simulation-elite"]


def test_realms_are_the_active_ones_by_level_then_order(world: World) -> None:
    """And none by default."""
    assert world.public().realms() == {"realms": []}
    for key, level, order, active in (("c", 2, 1, True), ("b", 1, 2, True), ("a", 1, 1, True), ("x", 0, 0, False)):
        world.add("realms", key=key, level=level, order=order, active=active)
    assert [realm["key"] for realm in world.public().realms()["realms"]] == ["a", "b", "c"]
    assert world.public().realm("b")["realm"]["level"] == 1
    for missing in ("x", "y"):
        with pytest.raises(ArenaError, match="Realm not found") as caught:
            world.public().realm(missing)
        assert caught.value.status == 404


def test_comms_tell_that_it_runs_and_where_help_is(world: World) -> None:
    """Empty addresses are null."""
    assert world.public().comms_status() == {"status": "operational", "updatedAt": NOON}
    assert world.public().comms_config() == {"supportLink": None, "supportTelegramGroup": None}
    world.configure(supportLink="https://help.example")
    assert world.public().comms_config()["supportLink"] == "https://help.example"
