"""The tiers carry the guide's figures, and Chalice's stages carry the tiers'."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.scaling.tiers import DEVELOPMENT, ENTERPRISE, PRODUCTION, TIERS, Tier
from chalicelib.settings import TIERS as SETTINGS_TIERS
from infra.template import STAGES, StageSpec
from infra.template.groups import KEY as SEPARATE_FUNCTIONS
from infra.template.stage import API_STAGE, APP_NAME

VCPU_MB = 1_769
"""Memory at which Lambda gives one vCPU."""
CHALICE = Path(__file__).resolve().parents[2] / ".chalice"
CONFIG: dict[str, Any] = json.loads((CHALICE / "config.json").read_text())


def test_the_guides_instance_numbers() -> None:
    assert [(tier.min_instances, tier.max_instances) for tier in TIERS.values()] == [(1, 1), (2, 2), (3, 20), (10, 66)]


def test_the_guides_surroundings() -> None:
    assert [(t.load_balancer, t.database, t.cache, t.monitoring) for t in TIERS.values()] == [
        ("none", "local", "none", "basic"),
        ("nginx", "replica_set", "single_node", "full"),
        ("haproxy_or_alb", "sharded", "cluster", "advanced"),
        ("several", "sharded", "cluster", "full_stack"),
    ]


def test_enterprise_has_no_more_head_room_than_production() -> None:
    assert ENTERPRISE.max_instances * PRODUCTION.min_instances <= PRODUCTION.max_instances * ENTERPRISE.min_instances


def test_the_settings_know_the_same_tiers() -> None:
    assert tuple(TIERS) == SETTINGS_TIERS


def test_only_the_development_tier_escapes_productions_rules() -> None:
    assert {tier.name for tier in TIERS.values() if tier.app_env == "dev"} == {"development"}


@pytest.mark.parametrize("tier", TIERS.values(), ids=lambda tier: tier.name)
def test_throttling_admits_what_the_largest_fleet_serves(tier: Tier) -> None:
    assert tier.throttle_rate == 100 * tier.max_instances
    assert tier.throttle_rate / 2 <= tier.throttle_burst <= 5000


def test_queues_are_consumed_by_no_more_than_the_api_has_instances_within_what_lambda_admits() -> None:
    assert [tier.queue_concurrency for tier in TIERS.values()] == [2, 2, 20, 66]
    assert replace(ENTERPRISE, max_instances=5_000).queue_concurrency == 1_000


@pytest.mark.parametrize("change", [{"min_instances": 0}, {"min_instances": 2}, {"timeout_seconds": 29}])
def test_an_impossible_tier_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="development"):
        replace(DEVELOPMENT, **change)  # type: ignore[arg-type]  # each value fits its field


def test_chalice_has_exactly_the_stages() -> None:
    assert list(CONFIG["stages"]) == list(STAGES)
    assert CONFIG["app_name"] == APP_NAME


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_each_chalice_stage_carries_its_tiers_figures(stage: StageSpec) -> None:
    tier = stage.tier
    slower = stage.production_rules and tier.memory_mb < VCPU_MB
    # Who serves which routes is a deployment's own choice.
    figures = {key: value for key, value in CONFIG["stages"][stage.name].items() if key != SEPARATE_FUNCTIONS}
    assert figures == {
        "api_gateway_stage": API_STAGE,
        "lambda_memory_size": tier.memory_mb,
        "lambda_timeout": tier.timeout_seconds,
        "lambda_functions": {
            # A whole vCPU, which is what compressing takes.
            "backup": {"lambda_timeout": 300, **({"lambda_memory_size": VCPU_MB} if slower else {})},
            "battle_worker": {"lambda_timeout": 12},
            "live_push": {"lambda_timeout": 30},
            "replication_receiver": {"lambda_timeout": 15},
            "scaling": {"lambda_timeout": 75},
        },
        "environment_variables": {"APP_ENV": tier.app_env, "ARENA_TIER": tier.name, "LOG_LEVEL": tier.log_level},
    }


def test_what_all_stages_share() -> None:
    assert CONFIG["xray"] is False
    assert CONFIG["autogen_policy"] is False
    assert CONFIG["api_gateway_endpoint_type"] == "REGIONAL"
    # Chalice's own log group names the API function by an id that its template does not have.
    assert "log_retention_in_days" not in json.dumps(CONFIG)


def test_the_policy_allows_own_logs_and_one_secret_and_nothing_else() -> None:
    policy = json.loads((CHALICE / CONFIG["iam_policy_file"]).read_text())
    allowed = {json.dumps(row["Action"]): row["Resource"]["Fn::Sub"] for row in policy["Statement"]}
    assert all(row["Effect"] == "Allow" for row in policy["Statement"])
    assert set(allowed) == {
        '["logs:CreateLogStream", "logs:PutLogEvents"]',
        '"secretsmanager:GetSecretValue"',
    }
    assert all("${AWS::AccountId}" in resource for resource in allowed.values())
