"""Settings of scaling: checked at start-up, each problem naming key, value and what is allowed."""

import pytest

from chalicelib.scaling.policies import BY_TIER
from chalicelib.scaling_settings import ScalingSettings, policies
from chalicelib.settings import SettingsError, load
from tests.unit.test_settings import DEVELOPMENT, PRODUCTION, SECRETS


def problems(environ: dict[str, str], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, secrets)
    return list(caught.value.problems)


def test_what_is_unsaid_is_left_to_the_tier_and_the_servers() -> None:
    assert load(DEVELOPMENT).scaling == ScalingSettings()
    # The stack's parameters have these where nobody chose anything.
    said = dict.fromkeys(("ARENA_SCALING_MIN", "ARENA_SCALING_MAX", "ARENA_MONGO_CONNECTIONS"), "0")
    assert load({**DEVELOPMENT, **said}).scaling == ScalingSettings()


def test_what_is_said_is_taken() -> None:
    said = {
        "ARENA_API_FUNCTION": "arena-api",
        "ARENA_SCALING_POLICY": "predictive",
        "ARENA_SCALING_MIN": "2",
        "ARENA_SCALING_MAX": "40",
        "ARENA_MONGO_CONNECTIONS": "3000",
        "ARENA_REDIS_CONNECTIONS": "10000",
        "ARENA_SEPARATE_ENVIRONMENTS": "3",
    }
    assert load({**DEVELOPMENT, **said}).scaling == ScalingSettings(
        api_function="arena-api",
        policy="predictive",
        environments_min=2,
        environments_max=40,
        mongo_connections=3000,
        redis_connections=10_000,
        separate_environments=3,
    )


def test_the_api_scales_itself_where_nobody_is_named() -> None:
    assert load({**DEVELOPMENT, "AWS_LAMBDA_FUNCTION_NAME": "me"}).scaling.api_function == "me"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ARENA_SCALING_POLICY", "wild", "ARENA_SCALING_POLICY: 'wild'; allowed: guide, hpa, predictive"),
        ("ARENA_SCALING_MIN", "-1", "ARENA_SCALING_MIN: '-1'; a whole number up to 100000"),
        ("ARENA_SCALING_MAX", "many", "ARENA_SCALING_MAX: 'many'; a whole number up to 100000"),
        ("ARENA_MONGO_CONNECTIONS", "1e4", "ARENA_MONGO_CONNECTIONS: '1e4'; a whole number"),
        ("ARENA_SEPARATE_ENVIRONMENTS", "two", "ARENA_SEPARATE_ENVIRONMENTS: 'two'; a whole number up to 100000"),
        ("ARENA_REDIS_CONNECTIONS", "99999999", "ARENA_REDIS_CONNECTIONS: '99999999'; a whole number up to 10000000"),
    ],
)
def test_what_cannot_be_meant(key: str, value: str, words: str) -> None:
    (found,) = problems({**DEVELOPMENT, key: value})
    assert found.startswith(words)


def test_bounds_the_wrong_way_round() -> None:
    found = problems({**DEVELOPMENT, "ARENA_SCALING_MIN": "9", "ARENA_SCALING_MAX": "3"})
    assert found == ["ARENA_SCALING_MIN: 9; at most ARENA_SCALING_MAX, which is 3"]


def test_a_laptops_rules_are_for_laptops() -> None:
    assert load({**DEVELOPMENT, "ARENA_SCALING_POLICY": "laptop"}).scaling.policy == "laptop"
    (found,) = problems({**PRODUCTION, "ARENA_SCALING_POLICY": "laptop"}, SECRETS)
    assert "laptop" not in found.removeprefix("ARENA_SCALING_POLICY: 'laptop'")


def test_every_policy_there_is_may_be_chosen() -> None:
    assert set(policies(production=False)) == set(BY_TIER)
    assert set(policies(production=True)) < set(policies(production=False))
