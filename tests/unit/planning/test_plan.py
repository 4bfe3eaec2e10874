"""The capacity plan: hand-computed figures, and how they move."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.scaling.connections import ConnectionBudget
from infra.cli.plan import command
from infra.foundation.sizes import SIZES
from infra.planning.assumptions import Assumptions
from infra.planning.capacity import Plan, plan
from infra.planning.cost import monthly
from infra.planning.prices import gateway_usd


def figures(planned: Plan) -> dict[str, Any]:
    return {figure.name: figure.value for figure in planned.figures}


def total(planned: Plan) -> float:
    return sum(item.usd for item in monthly(planned, Assumptions()))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_a_million_players_by_hand() -> None:
    found = figures(plan(1_000_000))
    # 200,000 actives fight 20 battles each and make 15 other requests; a battle is two requests.
    assert found["requests"] == 200_000 * 15 + 4_000_000 * 2
    # Three times the mean of a day, half of it in the largest region.
    assert found["peak request rate"] == pytest.approx(11_000_000 / 86_400 * 1.5)
    # 190.97 a second x 25 ms = 4.77 busy on average, and three times its square root on top: 11.3.
    assert found["provisioned concurrency"] == 12
    assert found["tier"] == "production"
    assert found["shards"] == 4


def test_the_guides_hundred_requests_a_second_bind_when_requests_are_quick() -> None:
    # A thousand a second of 1 ms keep one environment busy; the guide wants ten.
    planned = plan(1_000_000, service_ms=1, requests_per_active_day=150, battles_per_active_day=1)
    assert planned.capacity.environments == -(-planned.load.peak_rate // 100)


@pytest.mark.parametrize(("fewer", "more"), [(10_000, 100_000), (1_000_000, 10_000_000), (10_000_000, 100_000_000)])
def test_more_players_never_need_less(fewer: int, more: int) -> None:
    small, large = plan(fewer), plan(more)
    assert total(small) < total(large)
    for name in ("environments", "workers", "shards"):
        assert getattr(small.capacity, name) <= getattr(large.capacity, name), name
    assert small.capacity.cache.nodes <= large.capacity.cache.nodes


def test_connections_cap_the_environments_and_the_plan_says_so() -> None:
    planned = plan(100_000_000, connections_per_environment=20_000)
    allowed = figures(planned)["MongoDB connections allow"]
    assert planned.capacity.environments == allowed < 543
    assert any("allowed by connections" in warning for warning in planned.warnings)


def test_a_budget_leaves_room_for_all_others() -> None:
    budget = ConnectionBudget(
        name="mongo_connections", limit=500, reserved=10, per_environment=7, other_environments=10, on_demand_share=0.5
    )
    capacity = budget.ceiling().capacity
    assert capacity == 40  # (490 / 7 - 10) / 1.5
    assert (capacity * 1.5 + 10) * 7 + 10 <= 500 < ((capacity + 1) * 1.5 + 10) * 7 + 10


def test_a_budget_that_others_use_up_allows_none() -> None:
    budget = ConnectionBudget(
        name="x", limit=100, reserved=10, per_environment=10, other_environments=9, on_demand_share=0
    )
    assert budget.ceiling().capacity == 0


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"per_environment": 0}, {"on_demand_share": -0.1}])
def test_an_impossible_budget_is_named(wrong: dict[str, Any]) -> None:
    sound: dict[str, Any] = {
        "name": "mongo_connections",
        "limit": 500,
        "reserved": 0,
        "per_environment": 7,
        "other_environments": 0,
        "on_demand_share": 0,
    }
    with pytest.raises(ValueError, match=rf"mongo_connections\.{next(iter(wrong))} is .*; allowed: "):
        ConnectionBudget(**sound | wrong)


def test_calls_cost_less_by_the_step() -> None:
    assert gateway_usd(333e6) == pytest.approx(333 * 3.5)
    assert gateway_usd(1_000e6) == pytest.approx(333 * 3.5 + 667 * 2.8)
    assert gateway_usd(30_000e6) == pytest.approx(333 * 3.5 + 667 * 2.8 + 19_000 * 2.38 + 10_000 * 1.51)


def test_the_command_prints_every_figure_with_its_formula_and_source() -> None:
    reports = json.loads(run("--json").output)
    assert [report["players"] for report in reports] == [10_000, 1_000_000, 100_000_000]
    for report in reports:
        assert all(figure["formula"] and figure["source"] for figure in report["figures"])
        bill = {figure["name"]: figure["value"] for figure in report["figures"] if figure["name"].startswith("cost: ")}
        assert bill.pop("cost: total") == pytest.approx(sum(bill.values()), abs=0.1)


def test_an_assumption_changes_the_plan() -> None:
    usual, busier = (
        json.loads(run("--players", "1000000", "--json", *more).output)[0]["figures"]
        for more in ((), ("--assume", "peak_to_mean=6"))
    )
    rates = [next(one["value"] for one in found if one["name"] == "peak request rate") for found in (usual, busier)]
    assert rates[1] == pytest.approx(2 * rates[0])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--assume", "peak=4"), "unknown assumption peak; there are: daily_active_share"),
        (("--assume", "peak_to_mean=many"), "NAME=VALUE with a number"),
        (("--assume", "daily_active_share=2"), "daily_active_share is 2.0; allowed: 0 to 1"),
        (("--players", "0"), "0 is not in the range"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


@pytest.mark.parametrize(("players", "nodes"), [(10_000, 1), (1_000_000, 6), (9_000_000, 9)])
def test_cache_nodes_are_those_of_the_tiers_foundation(players: int, nodes: int) -> None:
    capacity = plan(players).capacity
    deployed = SIZES[capacity.tier.name].cache
    assert capacity.cache == deployed
    assert capacity.cache.nodes == nodes


def test_more_cache_than_the_tier_has_means_more_masters_or_a_warning() -> None:
    assert plan(1_000_000, board_bytes=100_000).capacity.cache.shards > 3
    alone = plan(10_000, board_bytes=1_000_000)
    assert alone.capacity.cache.shards == 1
    assert any("CacheNodeType" in warning for warning in alone.warnings)
