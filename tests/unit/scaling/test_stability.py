"""The calm checker: what it proves holds in the real policy, and what it rejects really goes round."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.scaling.constant_load import ConstantLoad, run
from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import BATTLE_QUEUE_LENGTH, CPU_USAGE, Observation, ScalingLimits
from chalicelib.scaling.responses import metrics_of, responses
from chalicelib.scaling.rule_set import RuleSet, read_rule_set
from chalicelib.scaling.rule_sets import GUIDE_BEHAVIOR, RULE_SETS, hpa_rule_set
from chalicelib.scaling.rules import METRIC_KINDS
from chalicelib.scaling.stability import Cycle, Proof, Unproved, check
from chalicelib.scaling.tiers import TIERS
from tests.unit.scaling.stories import rule_set, seen

FLAPPING = {"out_factor": 3, "in_factor": 0.7, "in_below": 50}
SEEDS = range(40)


def calm(verdict: object) -> bool:
    return isinstance(verdict, Proof)


@pytest.mark.parametrize("tier", ["development", "staging", "production"])
def test_the_guides_sets_are_calm(tier: str) -> None:
    assert calm(check(RULE_SETS[tier]))
    assert calm(check(hpa_rule_set(TIERS[tier])))


@pytest.mark.parametrize("cooldown", [0, 60, 300])
def test_up_by_three_down_by_0_7_at_70_and_50_is_rejected_whatever_the_cooldown(cooldown: int) -> None:
    verdict = check(rule_set({**FLAPPING, "cooldown_seconds": cooldown}, low=3, high=60))
    assert isinstance(verdict, Cycle)
    assert len(set(verdict.capacities)) > 1


def test_the_cycle_of_the_load_worth_42() -> None:
    """58 -> 174 -> 121 -> 84 -> 58: 41.9 whole environments' work, for ever."""
    ran = run(GuidePolicy(rule_set(FLAPPING, high=200)), ConstantLoad({CPU_USAGE: 4_190}), 58, 60)
    assert [decision.current for decision in ran.decisions] == [58, 174, 121, 84, 58]
    assert not ran.settles


def test_half_of_the_threshold_is_what_makes_the_guides_factors_calm() -> None:
    """Scaling in by a factor f from just below ``in_below`` multiplies usage by 1/f: calm while that stays below
    ``out_above``, which 70 / 35 leaves room for with 0.7, and 70 / 50 does not."""
    verdicts = {below: calm(check(rule_set({**FLAPPING, "in_below": below}, high=40))) for below in (35, 45, 48, 50)}
    assert verdicts == {35: True, 45: False, 48: False, 50: False}
    gentle = {
        below: calm(check(rule_set({**FLAPPING, "in_below": below, "in_factor": 0.95}, high=40))) for below in (35, 50)
    }
    assert gentle == {35: True, 50: False}


def test_small_fleets_cycle_where_factors_alone_would_not() -> None:
    """From 3 environments 0.7 rounds down to 2: a third less, more than the factor says."""
    rule = {**FLAPPING, "in_below": 45}
    assert not calm(check(rule_set(rule, low=1, high=30)))
    assert calm(check(rule_set(rule, low=20, high=60)))


def test_the_queue_rule_is_calm_because_busy_environments_are_kept() -> None:
    queue = {"metric": BATTLE_QUEUE_LENGTH, "out_above": 50, "out_factor": 3, "in_factor": 0.7}
    assert calm(check(rule_set(queue, high=30)))


def test_rate_policies_count_where_a_window_guards_them() -> None:
    """10 % per 60 s can't jump over a band that 30 % can; but only a window of 60 s or more keeps the 10 % whole."""
    assert calm(check(rule_set(FLAPPING, low=20, high=60, behavior=GUIDE_BEHAVIOR)))
    unguarded = {**GUIDE_BEHAVIOR, "in": {**GUIDE_BEHAVIOR["in"], "stabilization_seconds": 0}}
    assert not calm(check(rule_set(FLAPPING, low=20, high=60, behavior=unguarded)))


@pytest.mark.parametrize("seed", range(8))
def test_rule_sets_calm_each_are_calm_together(seed: int) -> None:
    rng = random.Random(seed)
    rows: list[dict[str, Any]] = []
    while len(rows) < 3:
        row = {**any_rule(rng, len(rows)), "metric": list(METRIC_KINDS)[len(rows)]}
        if calm(check(rule_set(row, high=20))):
            rows.append(row)
    assert calm(check(rule_set(*rows, high=20)))


def any_rule(rng: random.Random, number: int) -> dict[str, Any]:
    above = rng.choice([50, 70, 80, 100])
    return {
        "name": f"rule {number}",
        "metric": rng.choice(list(METRIC_KINDS)),
        "out_above": above,
        "in_below": round(above * rng.uniform(0.2, 0.95), 1),
        "out_factor": round(rng.uniform(1.1, 4), 2),
        "in_factor": round(rng.uniform(0.2, 0.95), 2),
        "cooldown_seconds": rng.choice([0, 60, 120, 300]),
    }


def any_rule_set(rng: random.Random) -> RuleSet:
    low = rng.randint(1, 5)
    rules = [any_rule(rng, number) for number in range(rng.randint(0, 3))]
    targets = [
        {
            "name": f"target {number}",
            "metric": rng.choice([name for name, kind in METRIC_KINDS.items() if kind == "mean"]),
            "kind": rng.choice(["utilization", "average_value"]),
            "target": rng.choice([50, 70, 100]),
            "tolerance": rng.choice([0, 0.1, 0.3]),
        }
        for number in range(rng.randint(0 if rules else 1, 2))
    ]
    behavior = {way: any_direction(rng) for way in ("out", "in")} if rng.random() < 0.5 else {}
    limits = {"min": low, "max": rng.randint(low, 20)}
    return read_rule_set({"name": "any", "limits": limits, "rules": rules, "targets": targets, "behavior": behavior})


def any_direction(rng: random.Random) -> dict[str, Any]:
    policies = [
        {
            "kind": rng.choice(["percent", "environments"]),
            "value": rng.choice([1, 4, 10, 50, 100]),
            "period_seconds": rng.choice([15, 60, 120]),
        }
        for _ in range(rng.randint(0, 2))
    ]
    select = rng.choice(["max", "max", "min", "disabled"])
    return {"stabilization_seconds": rng.choice([0, 60, 300]), "policies": policies, "select": select}


def any_load(rng: random.Random, rules: RuleSet) -> ConstantLoad:
    """Any constant load; half of them exactly on some threshold at some capacity."""
    top = rules.limits.max
    sums, needed = {}, {}
    for metric in metrics_of(rules):
        if METRIC_KINDS[metric] == "backlog":
            needed[metric] = rng.randint(0, top + 1)
        elif rng.random() < 0.5:
            sums[metric] = rng.uniform(0, 110 * top)
        else:
            edges = [rule.out_above for rule in rules.rules] + [rule.in_below for rule in rules.rules]
            sums[metric] = rng.choice([*edges, *(target.target for target in rules.targets)]) * rng.randint(1, top)
    ceiling = rng.randint(1, top) if rng.random() < 0.3 else None
    return ConstantLoad(sums, needed, ceiling)


def settles(policy: GuidePolicy, rng: random.Random) -> bool:
    """A changing load for a while, then a constant one, evaluated at any times: does the capacity stop changing?"""
    limits = policy.rule_set.limits
    state, capacity, now = None, rng.randint(limits.min, limits.max), 0.0
    for _ in range(rng.randint(0, 12)):
        decision, state = policy.decide(state, any_load(rng, policy.rule_set).observe(capacity, now), now)
        capacity, now = decision.desired, now + rng.choice([7, 15, 60, 61, 130])
    load, rhythm = any_load(rng, policy.rule_set), rng.choice([(15,), (60,), (7, 15, 60, 61, 130)])
    moved_at = now
    while now - moved_at < 2_000:
        decision, state = policy.decide(state, load.observe(capacity, now), now)
        if decision.desired != capacity:
            moved_at = now
        capacity, now = decision.desired, now + rng.choice(rhythm)
        if now > 200_000:
            return False
    return True


@pytest.mark.parametrize("seed", SEEDS)
def test_accepted_rule_sets_settle_and_rejected_ones_go_round(seed: int) -> None:
    rng = random.Random(seed)
    rules = any_rule_set(rng)
    policy, verdict = GuidePolicy(rules), check(rules)
    if isinstance(verdict, Proof):
        for _ in range(12):
            assert settles(policy, rng), f"seed {seed}: accepted, and does not settle"
    elif isinstance(verdict, Cycle):
        again = run(policy, verdict.load, verdict.start, verdict.every_seconds)
        assert not again.settles, f"seed {seed}: rejected, and settles"
        assert (*again.cycle, again.cycle[0]) == verdict.capacities


def test_few_rule_sets_are_neither_proved_nor_refuted() -> None:
    verdicts = Counter(type(check(any_rule_set(random.Random(seed)))) for seed in range(1_000, 1_060))
    assert verdicts[Unproved] <= 3
    assert min(verdicts[Proof], verdicts[Cycle]) >= 10, "both kinds must be among them"


@pytest.mark.parametrize("seed", range(20))
def test_no_past_brings_a_decision_further_than_the_tables_say(seed: int) -> None:
    """What the proof rests on: between the capacity and the answer without a past, whatever happened before."""
    rng = random.Random(seed)
    rules = any_rule_set(rng)
    unlimited = replace(rules, behavior=type(rules.behavior)())
    policy = GuidePolicy(rules)
    state, capacity, now = None, rng.randint(rules.limits.min, rules.limits.max), 0.0
    for _ in range(60):
        observation = replace(any_load(rng, rules), ceiling=None).observe(capacity, now)
        furthest = GuidePolicy(unlimited).decide(None, observation, now)[0].desired
        decision, state = policy.decide(state, observation, now)
        low, high = sorted((capacity, furthest))
        assert low <= decision.desired <= high, f"seed {seed} at {now} s"
        capacity, now = decision.desired, now + rng.choice([7, 15, 60, 61])


@pytest.mark.parametrize("targets", [[], [{"name": "t", "metric": CPU_USAGE, "kind": "utilization", "target": 60}]])
def test_the_tables_have_every_class_of_loads(targets: list[dict[str, Any]]) -> None:
    """A fine sample of loads finds no answer that is not in the tables."""
    rules = rule_set(FLAPPING, low=2, high=9, targets=targets)
    table = {response.desired for response in responses(rules, CPU_USAGE)}
    policy = GuidePolicy(rules)
    for step in range(1_500):
        load = ConstantLoad({CPU_USAGE: step / 2})
        answers = [policy.decide(None, load.observe(capacity, 0), 0)[0].desired for capacity in range(2, 10)]
        assert tuple(answers) in table, step / 2


def test_missing_metrics_are_no_load_and_hold_the_fleet() -> None:
    policy = GuidePolicy(RULE_SETS["production"])
    observation = Observation(at=0, requested=9, ready=9, metrics=seen({CPU_USAGE: "gone"}))
    assert policy.decide(None, observation, 0)[0].desired == 9


def test_a_fleet_of_one_size_is_calm() -> None:
    assert calm(check(replace(rule_set(FLAPPING), limits=ScalingLimits(min=7, max=7))))
