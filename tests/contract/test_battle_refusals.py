"""Every refusal of a battle: code, status, facts, order, and that nothing changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from tests.worlds import NOON, World


def refusal(world: World, broker: Document, **fields: Any) -> ArenaError:
    """The error a battle ends in; nothing may have changed."""
    before = world.everything()
    with pytest.raises(ArenaError) as caught:
        world.battles().run(world.command(broker, **fields))
    assert world.everything() == before
    return caught.value


def add_paid_mode(world: World) -> None:
    world.add("gamemodes", key="paid", enabled=True, arena="paid", league="rookie", entryNeurCost=3, entryAibaCost=4)


Case = tuple[dict[str, Any], dict[str, Any], dict[str, Any], int, str, Any]
CASES: dict[str, Case] = {
    "no such key": ({}, {}, {"mode_key": "x"}, 400, "invalid_mode", "no game mode for modeKey x"),
    "no such arena": (
        {},
        {},
        {"arena": "x", "league": "y"},
        400,
        "invalid_mode",
        "no game mode for this arena and league",
    ),
    "disabled": ({}, {}, {"mode_key": "off"}, 403, "mode_disabled", {"modeKey": "off"}),
    "no guild": ({}, {}, {"arena": "guildWars"}, 403, "guild required", {"modeKey": "guildWars"}),
    "foreign broker": ({}, {"ownerTelegramId": "other"}, {}, 403, "not your broker", None),
    "banned broker": ({}, {"banned": True, "banReason": "bad"}, {}, 403, "broker banned", {"reason": "bad"}),
    "low level": (
        {},
        {"level": 4},
        {"league": "pro"},
        403,
        "league_locked",
        {"needLevel": 5, "haveLevel": 4, "modeKey": "prediction-pro"},
    ),
    "no energy": ({}, {"energy": 9}, {}, 403, "no energy", {"need": 10, "have": 9, "modeKey": "prediction"}),
    "cooldown": (
        {},
        {"cooldowns": {"prediction": NOON - timedelta(milliseconds=29_001)}},
        {},
        429,
        "cooldown",
        {"retryAfterMs": 999, "modeKey": "prediction"},
    ),
    "NEUR": ({"neurBalance": 2}, {}, {"mode_key": "paid"}, 403, "insufficient NEUR", {"need": 3, "have": 2}),
    "AIBA": (
        {"neurBalance": 3, "aibaBalance": 3},
        {},
        {"mode_key": "paid"},
        403,
        "insufficient AIBA",
        {"need": 4, "have": 3},
    ),
    "banned player": (
        {"bannedUntil": NOON + timedelta(milliseconds=1), "bannedReason": "why"},
        {},
        {},
        403,
        "banned",
        {"until": NOON + timedelta(milliseconds=1), "reason": "why"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refusal_names_its_reason_and_changes_nothing(world: World, case: Case) -> None:
    """One cause at a time."""
    player, broker_fields, command, status, code, details = case
    world.add_player(**player)
    broker = world.add_broker(**broker_fields)
    world.add("gamemodes", key="off", enabled=False, arena="prediction", league="rookie")
    add_paid_mode(world)
    error = refusal(world, broker, **command)
    assert (error.status, error.code, error.details) == (status, code, details)
    assert error.headers == {}


@pytest.mark.parametrize("deleted", [False, True])
def test_a_broker_that_is_gone_is_not_found(world: World, deleted: bool) -> None:
    """Never there, or merged into another."""
    world.add_player()
    broker = world.add_broker(deletedAt=NOON) if deleted else {"_id": ObjectId()}
    error = refusal(world, broker)
    assert (error.status, error.code) == (404, "broker not found")


def test_another_players_request_id_is_refused(world: World) -> None:
    """Whatever else the request asks for."""
    world.add_player()
    world.add_player("888")
    world.battles().run(world.command(world.add_broker()))
    error = refusal(world, {"_id": ObjectId()}, telegram_id="888", arena="nowhere")
    assert (error.status, error.code) == (409, "requestId already used")


def test_reasons_come_in_the_games_order(world: World) -> None:
    """With everything wrong at once, mending the reason given brings up the next."""
    world.add_player("777", neurBalance=0, bannedUntil=NOON + timedelta(hours=1))
    world.add_player("888")
    world.add("battles", requestId="request-1", ownerTelegramId="888")
    mode = {"arena": "guildWars", "league": "pro", "cooldownSeconds": 30, "entryNeurCost": 1, "entryAibaCost": 1}
    broker = world.add_broker(ownerTelegramId="888", banned=True, level=1, energy=0, cooldowns={"war": NOON})

    def brokers(**fields: Any) -> Callable[[], Document]:
        return lambda: world.add_broker(**{"level": 1, "energy": 0, "cooldowns": {"war": NOON}, **fields})

    assert refusal(world, broker, mode_key="war").code == "banned"
    world.clock.advance(3600)
    assert refusal(world, broker, mode_key="war").code == "requestId already used"
    assert refusal(world, broker, request_id="r2", mode_key="war").code == "invalid_mode"
    world.add("gamemodes", key="shut", **{**mode, "enabled": False})
    assert refusal(world, broker, request_id="r2", mode_key="shut").code == "mode_disabled"
    world.add("gamemodes", key="war", enabled=True, energyCost=90, **mode)
    assert refusal(world, broker, request_id="r2", mode_key="war").code == "guild required"
    world.add_guild("777")
    assert refusal(world, {"_id": ObjectId()}, request_id="r2", mode_key="war").code == "broker not found"
    now = world.clock()
    # Each step fights with another broker, one fault fewer than the last.
    steps: list[tuple[str, Callable[[], Document]]] = [
        ("not your broker", lambda: broker),
        ("broker banned", brokers(banned=True)),
        ("league_locked", brokers()),
        ("no energy", brokers(level=5)),
        ("cooldown", brokers(level=5, energy=100, cooldowns={"war": now})),
        ("insufficient NEUR", brokers(level=5, energy=100)),
    ]
    for code, choose in steps:
        assert refusal(world, choose(), request_id="r2", mode_key="war").code == code


def test_a_refused_request_id_may_be_used_again_at_once(world: World) -> None:
    """No lock is left behind: the second try gets its own answer."""
    world.add_player()
    broker = world.add_broker(energy=9)
    assert refusal(world, broker).code == "no energy"
    world.clock.advance(60)
    assert not world.battles().run(world.command(broker)).replayed


@pytest.mark.parametrize(
    ("mode", "after", "refused"),
    [
        ("prediction", "prediction-pro", False),
        ("prediction-pro", "prediction", True),
        ("prediction-pro", "prediction-elite", True),
        ("prediction", "simulation", False),
    ],
)
def test_any_run_in_an_arena_blocks_its_rookie_mode(world: World, mode: str, after: str, refused: bool) -> None:
    """A pro mode never run is blocked by the arena's last run; other arenas are not."""
    world.add_player()
    broker = world.add_broker(energy=100, level=10)
    if after == "prediction-pro":
        world.battles().run(world.command(broker, "own", mode_key=after))
        world.clock.advance(46)
    world.battles().run(world.command(broker, "first", mode_key=mode))
    world.clock.advance(1)
    if refused:
        assert refusal(world, broker, request_id="second", mode_key=after).code == "cooldown"
    else:
        assert not world.battles().run(world.command(broker, "second", mode_key=after)).replayed
