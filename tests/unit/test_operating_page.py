"""docs/operating.md says of the tiers what the code has, and sends on-call to alarms there are."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib.backup.keeping import PLANS
from chalicelib.scaling.tiers import TIERS, Tier
from infra.atlas.sizes import SIZES as DATABASES
from infra.foundation.sizes import SIZES as FOUNDATIONS
from infra.fronts.tiers import FRONTS
from infra.package import PROJECT_ROOT, build_package
from infra.template import STAGES
from infra.template.parameters import DASHBOARD, parameters
from tests.prometheus import rules

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
NAMES = {"none": "none", "nginx": "nginx", "haproxy": "HAProxy"}


def span(least: object, most: object) -> str:
    return str(least) if least == most else f"{least} to {most}"


def warm(tier: Tier) -> str:
    return span(tier.min_instances, tier.max_instances)


def database(tier: Tier) -> str:
    size = DATABASES[tier.name]
    instances = span(size.instance, size.largest)
    return instances if size.shards == 1 else f"{size.shards} shards of {instances}"


def continuous(tier: Tier) -> str:
    days = DATABASES[tier.name].continuous_days
    return f"{days} days" if days else "no"


def cache(tier: Tier) -> str:
    size = FOUNDATIONS[tier.name].cache
    if size is None:
        return "none"
    return f"{size.shards} masters, {size.shards * size.replicas} replicas" if size.cluster else "1 node"


def front(tier: Tier) -> str:
    found = FRONTS[tier.name]
    return f"{found.balancers} {NAMES[found.kind]}" if found.balancers > 1 else NAMES[found.kind]


def backups(tier: Tier) -> str:
    hours = PLANS[tier.name].every // timedelta(hours=1)
    return "each hour" if hours == 1 else f"each {hours} hours"


def dashboard(tier: Tier) -> str:
    stage = next(one for one in STAGES.values() if one.tier == tier)
    return "yes" if parameters(stage)[DASHBOARD]["Default"] == "on" else "no"


ROWS: dict[str, Callable[[Tier], str]] = {
    "warm environments in a region": warm,
    "memory of a function, MB": lambda tier: f"{tier.memory_mb:,}",
    "requests a second a region admits": lambda tier: f"{tier.throttle_rate:,}",
    "consumers of a queue at once": lambda tier: str(tier.queue_concurrency),
    "database (Atlas, three nodes a shard)": database,
    "any second restored (Atlas)": continuous,
    "cache": cache,
    "front of your own, if any": front,
    "zones, NAT gateways": lambda tier: f"{FOUNDATIONS[tier.name].zones}, {FOUNDATIONS[tier.name].ways_out}",
    "backups by the clock": backups,
    "backup bucket keeps": lambda tier: f"{FOUNDATIONS[tier.name].backup_days} days",
    "logs": lambda tier: f"{tier.log_level}, {tier.log_retention_days} days",
    "rules of production": lambda tier: "yes" if tier.app_env == "prod" else "no",
    "CloudWatch dashboard": dashboard,
}


def test_the_tiers_are_those_of_the_code() -> None:
    rows = [f"| {head} | {' | '.join(told(tier) for tier in TIERS.values())} |" for head, told in ROWS.items()]
    assert f"| | {' | '.join(TIERS)} |" in PAGE
    assert [row for row in rows if row not in PAGE] == []


def test_alarms_and_alerts_exist() -> None:
    template = build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template
    on_call = PAGE.split("## On call")[1].split("\n## ")[0]
    assert set(re.findall(r"`(\w+Alarm)`", PAGE)) <= set(template["Resources"])
    alerts = {rule.get("alert") for rule in rules()}
    named = set(re.findall(r"`(Arena\w+)`", on_call))
    assert named
    assert named <= alerts


@pytest.mark.parametrize("runbook", sorted((ROOT / "docs" / "runbooks").glob("*.md")), ids=lambda page: page.stem)
def test_every_runbook_is_reached_from_the_on_call_table(runbook: Path) -> None:
    assert f"(runbooks/{runbook.name})" in PAGE.split("## On call")[1]
