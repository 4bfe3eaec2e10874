"""The fifteen default modes and how a mode's document is read."""

from typing import Any

import pytest

from chalicelib.arena.modes import ARENAS, DEFAULT_MODES, Mode, mode_key


def read(config: dict[str, Any] | None = None, **fields: Any) -> Mode:
    return Mode.from_document({"key": "k", "arena": "prediction", **fields}, config or {})


def test_fifteen_modes_of_five_arenas_and_three_leagues() -> None:
    assert len({mode["key"] for mode in DEFAULT_MODES}) == len(DEFAULT_MODES) == 15
    assert [mode["key"] for mode in DEFAULT_MODES[:3]] == ["prediction", "prediction-pro", "prediction-elite"]
    assert {mode["arena"] for mode in DEFAULT_MODES} == set(ARENAS)


@pytest.mark.parametrize("arena", ARENAS)
@pytest.mark.parametrize(("league", "energy", "seconds"), [("rookie", 10, 30), ("pro", 15, 45), ("elite", 20, 60)])
def test_a_default_mode(arena: str, league: str, energy: int, seconds: int) -> None:
    guild = arena == "guildWars"
    mode = next(mode for mode in DEFAULT_MODES if mode["key"] == mode_key(arena, league))
    assert mode == {
        "key": arena if league == "rookie" else f"{arena}-{league}",
        "name": f"{arena} ({league})",
        "description": "Auto-generated default game mode",
        "enabled": True,
        "arena": arena,
        "league": league,
        "energyCost": energy + 5 * guild,
        "cooldownSeconds": seconds + 15 * guild,
        "entryNeurCost": 0,
        "entryAibaCost": 0,
        "rewardMultiplierAiba": 1,
        "rewardMultiplierNeur": 1,
        "rules": {"requiresGuild": True} if guild else {},
    }
    assert Mode.from_document(mode, {}).requires_guild is guild


@pytest.mark.parametrize(("league", "level"), [("rookie", 1), ("pro", 5), ("elite", 10), ("master", 1), ("Elite", 1)])
def test_a_league_asks_for_a_level(league: str, level: int) -> None:
    assert read(league=league).min_broker_level == level


@pytest.mark.parametrize(("rule", "level"), [(3, 3), (0, 0), ("7", 7), (None, 10), ("many", 10)])
def test_a_rule_replaces_the_leagues_level(rule: object, level: int) -> None:
    assert read(league="elite", rules={"minBrokerLevel": rule}).min_broker_level == level


@pytest.mark.parametrize(
    ("stored", "config", "cost"),
    [
        (12.9, {}, 12),
        (-4, {}, 0),
        (1000, {}, 100),
        (1000, {"battleMaxEnergy": 40}, 40),
        (0, {}, 0),
        (None, {}, 1),
        (None, {"battleEnergyCost": 7}, 7),
        ("x", {}, 0),
    ],
)
def test_energy_cost_is_clamped(stored: object, config: dict[str, Any], cost: int) -> None:
    assert read(config, energyCost=stored).energy_cost == cost


@pytest.mark.parametrize(("stored", "seconds"), [(45.5, 45), (-1, 0), (10**6, 86400), (None, 30), (0, 0)])
def test_cooldown_is_clamped(stored: object, seconds: int) -> None:
    assert read(cooldownSeconds=stored).cooldown_seconds == seconds


@pytest.mark.parametrize(("stored", "cost"), [(3.7, 3), (-2, 0), (2e9, 10**9), (None, 0)])
def test_entry_costs_are_clamped(stored: object, cost: int) -> None:
    mode = read(entryNeurCost=stored, entryAibaCost=stored)
    assert mode.entry_neur_cost == mode.entry_aiba_cost == cost


def test_a_bare_document_is_an_enabled_rookie_mode_without_rules() -> None:
    mode = read(rules=None)
    assert (mode.enabled, mode.league, mode.rules, mode.requires_guild) == (True, "rookie", {}, False)
    assert not read(enabled=False).enabled


def test_guild_wars_need_a_guild_even_without_the_rule() -> None:
    assert read(arena="guildWars").requires_guild
    assert read(rules={"requiresGuild": True}).requires_guild
