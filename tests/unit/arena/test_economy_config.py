"""The economy's settings and what of them is public."""

from chalicelib.arena.economy_config import (
    DEFAULTS,
    PUBLIC_FIELDS,
    config_nonzero,
    config_number,
    config_value,
    public_economy,
)


def test_nineteen_public_values_in_order() -> None:
    shown = public_economy({"trainNeurCost": 30, "secret": 1})
    assert list(shown) == list(PUBLIC_FIELDS)
    assert len(shown) == 19
    assert next(iter(shown)) == "baseRewardAibaPerScore"
    assert list(shown)[-1] == "fullCourseCompletionCertificateMintCostTonNano"
    assert shown == {name: DEFAULTS[name] for name in PUBLIC_FIELDS} | {"trainNeurCost": 30}


def test_missing_and_null_mean_the_default_and_zero_is_a_value() -> None:
    assert config_value({}, "trainNeurCost") == config_value({"trainNeurCost": None}, "trainNeurCost") == 25
    assert config_value({"trainNeurCost": 0}, "trainNeurCost") == 0


def test_numbers_fall_back_where_they_are_none() -> None:
    assert config_number({"boostMultiplier": "abc"}, "boostMultiplier") == 1.2
    assert config_number({"boostMultiplier": float("inf")}, "boostMultiplier") == 1.2
    assert config_number({"boostMultiplier": 0}, "boostMultiplier") == 0
    assert config_nonzero({"boostMultiplier": 0}, "boostMultiplier") == 1.2


def test_defaults_of_the_running_game() -> None:
    assert (DEFAULTS["dailyCapAiba"], DEFAULTS["dailyCapNeur"]) == (1_000_000, 10_000_000)
    assert DEFAULTS["courseCompletionBadgeMintCostTonNano"] == 10**10
    assert DEFAULTS["fullCourseCompletionCertificateMintCostTonNano"] == 15 * 10**9
