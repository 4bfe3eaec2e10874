"""A decision log says all that is needed to make its decisions again."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chalicelib.scaling.configuration import RuleSetError
from chalicelib.scaling.decision_log import decision_record, observation_data, read_observation, record_line
from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import CPU_USAGE, IN_USE, REQUEST_RATE, Ceiling, Observation, ScalingLimits
from chalicelib.scaling.policies import UnknownPolicy, build_policy
from chalicelib.scaling.replay import IllegibleRecord, replay, what_if
from chalicelib.scaling.rule_set import RuleSet, rule_set_data
from chalicelib.scaling.rule_sets import RULE_SETS
from infra.cli.scaling import command
from tests.unit.scaling.stories import IDLE, Seen, seen

GUIDE = RULE_SETS["production"]
START = 1_795_478_400.25
"""A moment with a fraction: floats must come back exactly."""


def observed(rng: random.Random, at: float, capacity: int) -> Observation:
    """A moment of a wild day: bursts, silence, broken metrics, a shrinking budget."""
    values: dict[str, Seen] = {**IDLE, CPU_USAGE: [rng.uniform(0, 120), rng.uniform(0, 120)]}
    values[REQUEST_RATE] = "gone" if rng.random() < 0.1 else rng.uniform(0, 150)
    values[IN_USE] = float(rng.randint(0, capacity))
    ceilings = (Ceiling("mongo", rng.randint(1, 20), "connections"),) if rng.random() < 0.1 else ()
    metrics = seen(values, at, capacity)
    return Observation(at=at, requested=capacity, ready=rng.randint(1, capacity), metrics=metrics, ceilings=ceilings)


def day(rule_set: RuleSet = GUIDE, minutes: int = 300) -> list[str]:
    """The log of some hours, with a controller that is replaced each minute and whose state is stored as JSON."""
    rng, capacity, state, lines = random.Random(7), 5, None, []
    for minute in range(minutes):
        at = START + 60 * minute
        policy, observation = GuidePolicy(rule_set), observed(rng, at, capacity)
        decision, after = policy.decide(state, observation, at)
        lines.append(record_line(decision_record(policy, state, observation, decision, after)))
        state = json.loads(json.dumps(after))
        if rng.random() < 0.9:  # else the actuator failed
            capacity = decision.desired
    return lines


def test_a_day_replays_byte_for_byte() -> None:
    lines = day()
    moved = [json.loads(line)["decision"]["action"] for line in lines]
    assert min(moved.count("out"), moved.count("in")) > 5, "the day is worth replaying"
    assert (replay(lines).decisions, replay(lines).differences) == (300, ())


def test_a_record_survives_a_store_that_keeps_documents() -> None:
    lines = [record_line(json.loads(line)) for line in day(minutes=20)]
    assert replay(line + "\n" for line in lines).differences == ()


def test_a_record_is_self_contained() -> None:
    record = json.loads(day(minutes=1)[0])
    assert record["configuration"] == rule_set_data(GUIDE)
    assert set(record) == {
        "version",
        "policy",
        "digest",
        "configuration",
        "state",
        "observation",
        "decision",
        "state_after",
    }


def test_observations_come_back_as_they_were() -> None:
    observation = observed(random.Random(3), START, 9)
    assert read_observation(json.loads(json.dumps(observation_data(observation)))) == observation


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (("decision", "desired"), 19, ("decision",)),
        (("decision", "reason"), "because", ("decision",)),
        (("state_after",), "000000000000", ("state_after",)),
        (("digest",), "000000000000", ("digest",)),
        (("extra",), 1, ("form",)),
    ],
)
def test_tampering_is_found_and_named(path: tuple[str, ...], value: Any, parts: tuple[str, ...]) -> None:
    lines = day(minutes=40)
    record: Any = json.loads(lines[30])
    inner = record if len(path) == 1 else record[path[0]]
    inner[path[-1]] = value
    lines[30] = record_line(record)
    (difference,) = replay(lines).differences
    assert (difference.line, difference.parts) == (31, parts)


def test_another_spelling_is_not_byte_identical() -> None:
    (line,) = day(minutes=1)
    (difference,) = replay([json.dumps(json.loads(line))]).differences
    assert difference.parts == ("form",)


def test_what_if_compares_decision_by_decision_with_the_recorded_past() -> None:
    lines = day()
    assert what_if(lines, GuidePolicy(GUIDE)).differences == ()
    smaller = what_if(lines, GuidePolicy(replace(GUIDE, limits=ScalingLimits(min=3, max=8))))
    assert smaller.decisions == 300
    assert smaller.differences
    for difference in smaller.differences:
        assert difference.replayed <= 8 < difference.recorded
        assert "maximum is 8" in difference.replayed_reason


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"version": 2}', '{"version": 1, "policy": "guide"}'])
def test_a_line_that_is_no_record_is_named(line: str) -> None:
    with pytest.raises(IllegibleRecord, match="line 3 is no decision record"):
        replay([*day(minutes=1), "", line])


def test_configurations_are_read_as_what_they_are() -> None:
    assert build_policy("mine", rule_set_data(replace(GUIDE, name="mine"))).name == "mine"
    with pytest.raises(UnknownPolicy, match="'tarot' is no policy"):
        build_policy("tarot", {"cards": 78})
    with pytest.raises(RuleSetError):
        build_policy("guide", {"rules": []})


def scaling(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "decisions.jsonl"
    path.write_text("\n".join(day(minutes=60)) + "\n", encoding="utf-8")
    return path


def rules_file(tmp_path: Path, **change: Any) -> Path:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({**rule_set_data(GUIDE), **change}), encoding="utf-8")
    return path


def test_cli_replay(log: Path, tmp_path: Path) -> None:
    done = scaling("replay", log)
    assert (done.exit_code, done.output) == (0, "60 decisions made again, byte for byte the same\n")
    log.write_text(log.read_text().replace('"desired":20', '"desired":21'))
    broken = scaling("replay", log)
    assert broken.exit_code == 1
    assert "came out otherwise than recorded" in broken.output
    limits = {"min": 3, "max": 4}
    other = scaling("replay", log, "--with", rules_file(tmp_path, limits=limits), "--json")
    assert other.exit_code == 0
    assert {each["replayed"] for each in json.loads(other.output)["differences"]} == {4}


def test_cli_check(tmp_path: Path) -> None:
    calm = scaling("check", "--stage", "prod")
    assert calm.exit_code == 0
    assert calm.output.startswith("production (guide ")
    flapping = {**rule_set_data(GUIDE)["rules"][0], "out_factor": 3, "in_factor": 0.7, "in_below": 50}
    path = rules_file(
        tmp_path, rules=[flapping], targets=[], behavior={}, limits={"min": 20, "max": 70}, name="flapping"
    )
    rejected = scaling("check", "--rules", path)
    assert rejected.exit_code == 1
    assert "NOT CALM" in rejected.output
    assert "environments, for ever" in rejected.output
    (report,) = json.loads(scaling("check", "--rules", path, "--json").output)
    assert (report["verdict"], report["metric"]) == ("cycle", "cpu_usage")
    assert report["capacities"][0] == report["capacities"][-1]
    within = scaling("check", "--rules", path, "--stage", "dev")
    assert within.exit_code == 0, "one environment has nowhere to go"


def test_cli_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    assert "is not JSON" in scaling("check", "--rules", broken).output
    assert scaling("check", "--stage", "moon").exit_code == 2
    assert scaling("replay", tmp_path / "none").exit_code == 2
    assert isinstance(scaling("check", "--rules", rules_file(tmp_path, rules=1)).exception, RuleSetError)
