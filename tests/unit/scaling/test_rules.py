"""The guide's table, and what one rule wants of what it sees."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.scaling.configuration import RuleSetError
from chalicelib.scaling.model import CPU_USAGE, Observation, RuleOutcome, Wish, missing, reading
from chalicelib.scaling.rule_set import canonical, digest, read_rule_set, rule_set_data
from chalicelib.scaling.rule_sets import RULE_SETS
from chalicelib.scaling.rules import LastAction, Rule, cools_for, judge_rule
from chalicelib.scaling.tiers import TIERS
from tests.unit.scaling.stories import rule_set

CPU = rule_set({"cooldown_seconds": 300}).rules[0]


def judged(value: float | None, *, requested: int = 10, ready: int | None = None, rule: Rule = CPU) -> RuleOutcome:
    metrics = {CPU_USAGE: missing("CloudWatch did not answer") if value is None else reading(value, 0)}
    there = requested if ready is None else ready
    observation = Observation(at=0, requested=requested, ready=there, metrics=metrics)
    return judge_rule(rule, observation)


def test_the_table_is_the_guides() -> None:
    rows = [
        (rule.name, rule.metric, rule.out_above, rule.in_below, rule.out_factor, rule.in_factor, rule.cooldown_seconds)
        for rule in RULE_SETS["production"].rules
    ]
    assert rows == [
        ("cpu", "cpu_usage", 70, 35, 2, 0.8, 300),
        ("memory", "memory_usage", 80, 40, 2, 0.8, 300),
        ("request_rate", "request_rate", 100, 50, 2, 0.8, 60),
        ("battle_queue", "battle_queue_length", 50, 25, 3, 0.7, 120),
    ]


def test_targets_behaviour_and_bounds_are_the_guides() -> None:
    guide = RULE_SETS["production"]
    assert [(target.metric, target.kind, target.target, target.tolerance) for target in guide.targets] == [
        ("cpu_usage", "utilization", 70, 0.1),
        ("memory_usage", "utilization", 80, 0.1),
        ("request_rate", "average_value", 100, 0.1),
    ]
    assert rule_set_data(guide)["behavior"] == {
        "out": {
            "stabilization_seconds": 60,
            "policies": [{"kind": "percent", "value": 100, "period_seconds": 15}],
            "select": "max",
        },
        "in": {
            "stabilization_seconds": 300,
            "policies": [{"kind": "percent", "value": 10, "period_seconds": 60}],
            "select": "max",
        },
    }
    assert {name: (each.limits.min, each.limits.max) for name, each in RULE_SETS.items()} == {
        name: (tier.min_instances, tier.max_instances) for name, tier in TIERS.items()
    }


@pytest.mark.parametrize(
    ("value", "wish", "desired", "reason"),
    [
        (85, "out", 20, "cpu_usage 85 is above 70: 10 x 2 = 20"),
        (70, "hold", 10, "cpu_usage 70 is between 35 and 70"),
        (35, "hold", 10, "cpu_usage 35 is between 35 and 70"),
        (34.9, "in", 8, "cpu_usage 34.9 is below 35: 10 x 0.8 = 8"),
        (0, "in", 8, "cpu_usage 0 is below 35: 10 x 0.8 = 8"),
        (None, "abstain", 10, "cpu_usage is missing: CloudWatch did not answer"),
    ],
)
def test_above_out_below_half_in_between_hold_missing_abstains(
    value: float | None, wish: str, desired: int, reason: str
) -> None:
    outcome = judged(value)
    assert (outcome.wish, outcome.desired, outcome.reason) == (wish, desired, reason)


@pytest.mark.parametrize(("capacity", "out", "in_"), [(1, 2, 1), (2, 4, 1), (3, 6, 2), (4, 8, 3), (7, 14, 5)])
def test_factors_move_by_one_at_least_and_never_to_nothing(capacity: int, out: int, in_: int) -> None:
    assert (judged(99, requested=capacity).desired, judged(1, requested=capacity).desired) == (out, in_)


def test_a_small_factor_still_moves() -> None:
    gentle = replace(CPU, out_factor=1.01, in_factor=0.99)
    assert (judged(99, rule=gentle).desired, judged(1, rule=gentle).desired) == (11, 9)


def test_a_factor_applies_to_what_was_measured_not_to_what_is_on_its_way() -> None:
    coming = judged(99, requested=20, ready=10)
    assert (coming.wish, coming.reason) == ("hold", "cpu_usage 99 is above 70, but 20 of at least 20 are on their way")
    assert judged(99, requested=12, ready=10).desired == 20
    leaving = judged(1, requested=8, ready=10)
    assert (leaving.wish, leaving.desired) == ("hold", 8)


@pytest.mark.parametrize(
    ("wish", "last", "now", "left"),
    [
        ("out", None, 0, 0),
        ("out", LastAction("out", 0), 100, 200),  # it went out and has not seen the effect yet
        ("out", LastAction("out", 0), 300, 0),  # over after exactly 300 s
        ("in", LastAction("out", 0), 299, 1),  # nor does it take back what it just gave
        ("in", LastAction("in", 0), 1, 299),
        ("out", LastAction("in", 0), 1, 0),  # having shrunk never delays growing
        ("hold", LastAction("out", 0), 1, 0),
        ("abstain", LastAction("out", 0), 1, 0),
    ],
)
def test_cooldowns(wish: Wish, last: LastAction | None, now: float, left: float) -> None:
    assert cools_for(CPU, wish, last, now) == left


def test_data_and_rule_set_are_one() -> None:
    for each in RULE_SETS.values():
        assert read_rule_set(rule_set_data(each)) == each
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert len({digest(rule_set_data(each)) for each in RULE_SETS.values()}) == len(RULE_SETS)


def test_wrong_data_is_refused_whole_with_key_value_and_fix() -> None:
    with pytest.raises(RuleSetError) as caught:
        read_rule_set(
            {
                "name": " ",
                "limits": {"min": 5, "max": 3},
                "rules": [
                    {"name": "a", "metric": "cpu", "out_above": 70, "out_factor": 1, "in_factor": 0.8},
                    {
                        "name": "a",
                        "metric": "cpu_usage",
                        "out_above": 70,
                        "in_below": 70,
                        "out_factor": 2,
                        "in_factor": "x",
                        "cooldown_seconds": -1,
                        "statistic": "p99",
                        "color": 1,
                    },
                ],
                "targets": [{"name": "t", "metric": "battle_queue_length", "kind": "average_value", "target": 50}],
                "behavior": {"in": {"policies": [{"kind": "percent", "value": 0, "period_seconds": 60}]}, "up": {}},
            }
        )
    assert caught.value.problems == (
        "name: ' '; a name that isn't empty",
        "limits.max: 3; at least limits.min, which is 5",
        "rules[0].metric: 'cpu'; one of: cpu_usage, memory_usage, request_rate, battle_queue_length",
        "rules[0].out_factor: 1; a number above 1 and below 10",
        "rules[0].cooldown_seconds: not set; a whole number from 0 to 86400",
        "rules[1].in_below: 70; below out_above, which is 70",
        "rules[1].in_factor: 'x'; a number above 0 and below 1",
        "rules[1].cooldown_seconds: -1; a whole number from 0 to 86400",
        "rules[1].statistic: 'p99'; one of: maximum, average",
        "rules[1].color: unknown key; known: cooldown_seconds, in_below, in_factor, metric, name, out_above, "
        "out_factor, statistic",
        "targets[0].metric: 'battle_queue_length'; one of: cpu_usage, memory_usage, request_rate",
        "behavior.in.policies[0].value: 0; a whole number from 1 to 10000",
        "behavior.up: unknown key; known: in, out",
        "rules and targets: two are named 'a'; give each a name of its own",
    )


@pytest.mark.parametrize("data", [None, [], {}, {"name": "x", "limits": {"min": 1, "max": 1}}, {"rules": {}}])
def test_what_is_no_rule_set_at_all_is_refused(data: Any) -> None:
    with pytest.raises(RuleSetError):
        read_rule_set(data)
