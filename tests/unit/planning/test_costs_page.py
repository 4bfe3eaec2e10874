"""docs/costs.md shows what the planner says."""

import re
from pathlib import Path

import pytest

from chalicelib.data.pools import connections_per_environment
from infra.planning.assumptions import Assumptions
from infra.planning.capacity import REDIS_PER_ENVIRONMENT, Plan, Planner
from infra.planning.cost import monthly, of_a_million_battles
from infra.planning.prices import AS_OF, CACHE_NODES, HOURS_A_MONTH

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "costs.md").read_text(encoding="utf-8")
PLAYERS = {"staging": 10_000, "production": 1_000_000, "enterprise": 9_000_000}
GROUPS = {
    "MongoDB Atlas": ("MongoDB Atlas",),
    "ElastiCache": ("ElastiCache",),
    "API Gateway": ("API Gateway",),
    "functions (warm, run, workers)": (
        "provisioned concurrency",
        "requests on provisioned concurrency",
        "workers and pushers",
    ),
    "SQS, WebSocket, logs, traffic": ("SQS", "WebSocket", "logs", "traffic to players"),
}


def planned(players: int, **assumed: float) -> tuple[Plan, dict[str, float]]:
    given = Assumptions().changed(assumed)
    plan = Planner(players, given).plan()
    return plan, {item.name: item.usd for item in monthly(plan, given)}


def row(head: str, values: list[float], style: str = "") -> str:
    cells = " | ".join(f"{style}{value:,.0f}{style}" for value in values)
    return f"| {style}{head}{style} | {cells} |"


def test_the_table_is_the_plans() -> None:
    plans = {tier: planned(players) for tier, players in PLAYERS.items()}
    assert {tier: plan.capacity.tier.name for tier, (plan, _) in plans.items()} == {tier: tier for tier in PLAYERS}
    assert not any(plan.warnings for plan, _ in plans.values())
    bills = [bill for _, bill in plans.values()]
    assert {name for names in GROUPS.values() for name in names} == set(bills[0])
    rows = [row(head, [sum(bill[name] for name in names) for bill in bills]) for head, names in GROUPS.items()]
    rows.append(row("total", [sum(bill.values()) for bill in bills], "**"))
    rows.append(row("registered players", list(PLAYERS.values())))
    rows.append(row("battles a day", [plan.load.battles_day for plan, _ in plans.values()]))
    each = [of_a_million_battles(plan, sum(bill.values())) for plan, bill in plans.values()]
    rows.append(row("for a million battles", each))
    assert [one for one in rows if one not in PAGE] == []


@pytest.mark.parametrize("players", [1_000, 50_000, 100_000])
def test_the_steps_between_tiers_are_the_plans(players: int) -> None:
    _, bill = planned(players)
    assert re.search(rf"\b{players:,} players\b[^.]*?\b{sum(bill.values()):,.0f}\b", PAGE)


def test_what_makes_it_cheaper_is_the_plans() -> None:
    """Each row that names assumptions, and the one without replicas."""
    found = re.findall(r"^\| (.*?) \| ([\d,]+) \|", PAGE.split("## How to halve it")[1], re.MULTILINE)
    told = {head: float(value.replace(",", "")) for head, value in found}
    assumed = {head: dict(re.findall(r"--assume (\w+)=([\d.]+)", head)) for head in told}
    both = {name: value for values in assumed.values() for name, value in values.items()}
    for head, value in told.items():
        values = both if head.startswith("both") else assumed[head]
        _, bill = planned(1_000_000, **{name: float(number) for name, number in values.items()})
        total = sum(bill.values())
        if "without replicas" in head:
            total -= 3 * round(CACHE_NODES["cache.r7g.large"].usd_hour * HOURS_A_MONTH)
        assert value == pytest.approx(total, abs=1), head
    assert len(told) == 5
    share = 100 * min(told.values()) / told["nothing"]
    assert f"The last is {share:.0f} %" in PAGE


def test_prices_date_and_connections_are_those_of_the_code() -> None:
    assert f"as of {AS_OF}" in PAGE
    assert f"at most {connections_per_environment()} to one MongoDB node" in PAGE
    assert f"{REDIS_PER_ENVIRONMENT} to one Redis node" in PAGE
