"""The battle engine against the game's own results, and the rules of its score one by one."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena import engine
from tests.unit.arena.golden import vectors

ANY_SEED = st.integers(0, 2**32 - 1)
MIDDLE = 2147483648
AVERAGE = {"intelligence": 50, "speed": 50, "risk": 50, "level": 1}
QUIET: dict[str, Any] = {"varianceBase": 0}
"""Rules under which chance plays no part."""


def seed_fields(given: dict[str, Any]) -> dict[str, str]:
    return {
        "telegram_id": given["telegramId"],
        "broker_id": given["brokerId"],
        "mode_key": given["modeKey"],
        "arena": given["arena"],
        "league": given["league"],
        "request_id": given["requestId"],
        "opponent_id": given["opponentId"],
    }


@pytest.mark.parametrize("case", vectors("battle"), ids=lambda case: str(case["id"]))
def test_battle_vector(case: dict[str, Any]) -> None:
    given = case["input"]
    assert engine.seed_message(**seed_fields(given)) == case["message"]
    seed = engine.battle_seed(given["secret"], **seed_fields(given))
    assert (seed.hex, seed.value) == (case["seedHex"], case["seed"])
    assert next(engine.mulberry32(seed.value)) / 2**32 == case["rand0"]
    score = engine.simulate_battle(given["broker"], seed.value, given["arena"], given["league"], given.get("rules"))
    assert score == case["score"]


@pytest.mark.parametrize("case", vectors("rng"), ids=lambda case: str(case["seed"]))
def test_generator_vector(case: dict[str, Any]) -> None:
    assert list(islice(engine.mulberry32(case["seed"]), len(case["u32"]))) == case["u32"]


def test_a_seed_is_taken_modulo_two_to_the_32() -> None:
    assert next(engine.mulberry32(2**32 + 7)) == next(engine.mulberry32(7))


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        engine.battle_seed("", telegram_id="1", broker_id="b", mode_key="m", arena="a", league="l", request_id="r")


def test_six_colons_whatever_the_fields_hold() -> None:
    message = engine.seed_message(
        telegram_id="1", broker_id="", mode_key="a:b", arena="", league="", request_id="", opponent_id=""
    )
    assert message == "1::a:b::::"


def test_half_a_surrogate_pair_counts_as_the_replacement_character() -> None:
    fields = {"telegram_id": "1", "broker_id": "b", "mode_key": "m", "arena": "a", "league": "l"}
    assert engine.battle_seed("k", **fields, request_id="x\ud800") == engine.battle_seed(
        "k", **fields, request_id="x\ufffd"
    )


@given(seed=ANY_SEED, level=st.integers(-5, 10**6), stats=st.tuples(*[st.floats(-50, 200)] * 3))
def test_a_default_score_lies_between_0_and_223(seed: int, level: int, stats: tuple[float, float, float]) -> None:
    broker = dict(zip(("intelligence", "speed", "risk"), stats, strict=True)) | {"level": level}
    assert 0 <= engine.simulate_battle(broker, seed, "prediction", "elite") <= 223


def test_the_largest_default_score_is_223() -> None:
    perfect = {"intelligence": 100, "speed": 100, "risk": 100, "level": 26}
    luckiest = next(seed for seed in range(10**6) if next(engine.mulberry32(seed)) > 0.9999 * 2**32)
    assert engine.simulate_battle(perfect, luckiest, "prediction", "elite") == 223


@pytest.mark.parametrize(
    ("arena", "score"),
    [
        ("prediction", 70),
        ("simulation", 50),
        ("strategyWars", 60),
        ("guildWars", 40),
        ("arbitrage", 50),
        ("Prediction", 50),
        ("", 50),
    ],
)
def test_intelligence_weighs_by_arena(arena: str, score: int) -> None:
    assert engine.simulate_battle({"intelligence": 100, "level": 1}, MIDDLE, arena, "rookie", QUIET) == score


@pytest.mark.parametrize(
    ("league", "rules", "score"),
    [
        ("rookie", {}, 50),
        ("pro", {}, 55),
        ("elite", {}, 60),
        ("Elite", {}, 50),
        ("elite", {"leagueMultiplier": 2}, 100),
        ("elite", {"leagueMultiplier": 0}, 50),
        ("elite", {"leagueMultiplier": "2"}, 60),
        ("elite", {"leagueMultiplier": None}, 60),
        ("elite", {"leagueMultiplier": True}, 60),
        ("elite", {"leagueMultiplier": -1}, 0),
        ("rookie", {"arenaWeights": {"intelligence": 1}}, 75),
        ("rookie", {"arenaWeights": {"intelligence": None}}, 25),
        ("rookie", {"arenaWeights": [1, 2]}, 50),
        ("rookie", {"arenaWeights": "x"}, 50),
        ("rookie", {"arenaWeights": {"intelligence": 1e308, "speed": 1e308}}, 0),
    ],
)
def test_rules_of_a_mode(league: str, rules: dict[str, Any], score: int) -> None:
    assert engine.simulate_battle(AVERAGE, MIDDLE, "arbitrage", league, {**QUIET, **rules}) == score


@pytest.mark.parametrize(
    ("level", "score"),
    [
        (1, 50),
        (2, 51),
        (11, 60),
        (26, 75),
        (27, 75),
        (10**9, 75),
        (0, 50),
        (-3, 50),
        (2.9, 51),
        (None, 50),
        ("11", 60),
        ("x", 50),
        (float("inf"), 50),
        (float("nan"), 50),
    ],
)
def test_level_adds_two_percent_up_to_half(level: object, score: int) -> None:
    assert engine.simulate_battle({**AVERAGE, "level": level}, MIDDLE, "arbitrage", "rookie", QUIET) == score


@pytest.mark.parametrize("stat", ["abc", {}, float("nan")])
def test_a_stat_that_is_no_number_counts_zero(stat: object) -> None:
    broker = {"intelligence": stat, "speed": 50, "risk": 50}
    assert engine.simulate_battle(broker, MIDDLE, "arbitrage", "rookie", QUIET) == 25


@given(seed=ANY_SEED)
def test_noise_stays_within_the_variance(seed: int) -> None:
    """Variance is 30 x (0.2 + risk) = 21."""
    score = engine.simulate_battle(AVERAGE, seed, "arbitrage", "rookie")
    assert abs(score - 50) <= 21


@pytest.mark.parametrize(
    ("score", "own", "opponent", "adjusted"),
    [(50, 3, 1, 56), (50, 1, 3, 44), (50, 9, 0, 65), (50, 0, 9, 35), (4, 0, 9, 0), (0, 0, 0, 0), (50, 5, 0, 65)],
)
def test_guild_adjustment(score: int, own: int, opponent: int, adjusted: int) -> None:
    assert engine.guild_adjusted_score(score, own, opponent) == adjusted
