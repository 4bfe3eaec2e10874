"""The controller's policy over time: the guide's production set, and the pitfalls others fell into."""

from dataclasses import replace

from chalicelib.scaling.guide import GuidePolicy
from chalicelib.scaling.model import (
    BATTLE_QUEUE_LENGTH,
    CPU_USAGE,
    IN_USE,
    MEMORY_USAGE,
    REQUEST_RATE,
    Ceiling,
    ScalingLimits,
)
from chalicelib.scaling.rule_set import read_rule_set
from chalicelib.scaling.rule_sets import GUIDE_BEHAVIOR, GUIDE_TARGETS, RULE_SETS
from tests.unit.scaling.stories import IDLE, Story, rule_set

GUIDE = RULE_SETS["production"]


def guide(capacity: int) -> Story:
    return Story(GuidePolicy(GUIDE), capacity)


def bare(capacity: int, *rules: dict[str, object], low: int = 1, high: int = 100) -> Story:
    """Without windows and rate policies."""
    return Story(GuidePolicy(rule_set(*rules, low=low, high=high)), capacity)


def test_a_burst_and_its_end_evaluated_every_minute() -> None:
    story = guide(3)
    story.at(0, {CPU_USAGE: 95}, 3, "the first run takes the present capacity as recommended: no jump after a restart")
    story.at(60, {CPU_USAGE: 95}, 6, "the window is past; the rule doubles, and 100 % per 15 s allow as much")
    story.at(120, {CPU_USAGE: 75}, 6, "the rule cools down for 300 s, and 75 is within the HPA's tolerance of 70")
    story.at(180, {CPU_USAGE: 90}, 8, "the HPA has no cooldown: ceil(6 x 90 / 70)")
    for minute in range(4, 8):
        story.at(minute * 60, {}, 8, "idle, but the recommendation of 180 s counts for 300 s")
    story.at(480, {}, 7, "cpu's cooldown ran beside the window and is over too: 10 % of 8, the fraction cut off")
    decision = story.at(540, {}, 7, "having scaled in, cpu and memory cool down for 300 s before the next step")
    assert [clamp.name for clamp in decision.clamps] == ["stabilization", "cooldown"]
    assert "cpu went in and cools down for 240 s more, memory went in and" in decision.reason
    story.at(780, {}, 6, "the next 10 %")
    story.at(840, {CPU_USAGE: 95}, 12, "growing waits for no cooldown of shrinking")


def test_a_rule_that_shrank_may_grow_at_once() -> None:
    story = bare(10, {"cooldown_seconds": 300})
    story.at(0, {CPU_USAGE: 10}, 8, "in")
    story.at(15, {CPU_USAGE: 10}, 8, "and not again for 300 s")
    story.at(30, {CPU_USAGE: 90}, 16, "but out without delay: being late to grow costs players")
    story.at(45, {CPU_USAGE: 90}, 16, "out once in 300 s")
    story.at(60, {CPU_USAGE: 10}, 16, "nor taken back before")
    story.at(330, {CPU_USAGE: 10}, 12, "counted from the decision at 30 s")


def test_each_rule_has_a_cooldown_of_its_own() -> None:
    story = bare(4, {"cooldown_seconds": 300}, {"name": "rate", "metric": REQUEST_RATE, "cooldown_seconds": 60})
    story.at(0, {CPU_USAGE: 90, REQUEST_RATE: 50}, 8, "cpu goes out; rate held and starts no cooldown")
    story.at(15, {CPU_USAGE: 90, REQUEST_RATE: 90}, 16, "rate goes out, cpu being silent")
    story.at(30, {CPU_USAGE: 90, REQUEST_RATE: 90}, 16, "now both cool down")
    story.at(75, {CPU_USAGE: 90, REQUEST_RATE: 90}, 32, "60 s after its own move rate goes on")


def test_average_hides_a_burst_and_the_maximum_does_not() -> None:
    burst = [20.0, 20.0, 20.0, 100.0]
    average = bare(4, {"statistic": "average"})
    average.at(0, {CPU_USAGE: burst}, 4, "40 on average: nothing seems to happen")
    bare(4, {"statistic": "maximum"}).at(0, {CPU_USAGE: burst}, 8, "a quarter of a minute at 100 is seen")


def test_silence_never_scales_in_but_a_measured_zero_does() -> None:
    story = bare(10, {}, {"name": "rate", "metric": REQUEST_RATE})
    for minute in range(30):
        story.at(60 * minute, {REQUEST_RATE: "no samples"}, 10, "nobody knows whether the region is idle")
    assert story.decisions[-1].reason == "stays at 10: not all agree to scale in: rate does not"
    story.at(1800, {REQUEST_RATE: 0.0}, 8, "a source that knows of zero says zero, and the fleet shrinks")


def test_a_blind_rule_does_not_keep_the_others_from_growing() -> None:
    story = bare(10, {}, {"name": "rate", "metric": REQUEST_RATE})
    story.at(0, {REQUEST_RATE: "broken", CPU_USAGE: 90}, 20, "what is known is reason enough")


def test_with_everything_broken_nothing_moves() -> None:
    story = guide(12)
    for step in range(60):
        story.at(15 * step, dict.fromkeys(IDLE, "down"), 12, "what is there stays")
    assert "nothing could be measured" in story.decisions[-1].reason


def test_not_knowing_how_many_are_in_use_forbids_scaling_in_only() -> None:
    story = bare(10, {})
    decision = story.at(0, {IN_USE: "no answer"}, 10, "those taken away might be busy")
    assert [clamp.name for clamp in decision.clamps] == ["in_use"]
    story.at(60, {IN_USE: "no answer", CPU_USAGE: 90}, 20, "growing takes nothing away")


def test_nothing_undoes_a_scale_out_that_just_happened() -> None:
    """Knative's panic mode, once left, took back what it had given; here the window keeps it."""
    story = guide(4)
    story.at(0, {CPU_USAGE: 95}, 4, "first run")
    story.at(60, {CPU_USAGE: 95}, 8, "the burst")
    for step in range(5, 24):
        story.at(15 * step, {}, 8, "the burst is over, its recommendation is remembered for 300 s")


def test_memory_survives_a_restart() -> None:
    """The same story with the controller replaced before every evaluation: its state is all it has."""
    story = guide(4)
    story.at(0, {CPU_USAGE: 95}, 4, "first run")
    story.at(60, {CPU_USAGE: 95}, 8, "the burst")
    for step in range(5, 24):
        story.policy = GuidePolicy(GUIDE)
        story.at(15 * step, {}, 8, "a new controller knows the recommendation of the old one")
    lost = replace(story, state=None)
    lost.at(375, {}, 8, "and one whose memory was lost starts its windows anew")


def test_slow_starts_are_not_taken_for_no_effect() -> None:
    """While environments are being prepared, usage stays high; multiplying again would overshoot."""
    story = bare(4, {}, high=1000)
    story.at(0, {CPU_USAGE: 95}, 8, "out")
    for second in (15, 30, 45, 60):
        story.at(second, {CPU_USAGE: 95}, 8, "the four that are ready were measured; eight are on their way", ready=4)
    story.at(75, {CPU_USAGE: 95}, 16, "with eight ready it is still too much", ready=8)


def test_two_envelopes_that_never_agree_change_nothing() -> None:
    """Stabilization misread as a pause would let one of these through."""
    story = guide(10)
    for step in range(80):
        cpu = 95 if step % 3 == 0 else 5
        story.at(15 * step, {CPU_USAGE: cpu}, 10, "within each 60 s there is a low wish, within 300 s a high one")


def test_a_rate_policy_counts_what_was_done_not_what_was_wished() -> None:
    fast = {"stabilization_seconds": 0, "policies": [{"kind": "percent", "value": 100, "period_seconds": 60}]}
    story = Story(GuidePolicy(rule_set({"out_factor": 4}, behavior={"out": fast})), 4)
    story.at(0, {CPU_USAGE: 95}, 8, "wanted 16, may have 8", applied=False)
    story.at(15, {CPU_USAGE: 95}, 8, "the actuator failed: the period's share is still there")
    story.at(30, {CPU_USAGE: 95}, 8, "now it is used up")
    story.at(75, {CPU_USAGE: 95}, 16, "60 s after the change that was made")


def test_an_actuator_that_failed_starts_no_cooldown() -> None:
    story = bare(4, {"cooldown_seconds": 300})
    story.at(0, {CPU_USAGE: 95}, 8, "out", applied=False)
    story.at(15, {CPU_USAGE: 95}, 8, "nothing happened, so nothing cools down")
    story.at(30, {CPU_USAGE: 95}, 8, "now it does")


def test_an_operators_override_is_not_taken_for_a_rules_move() -> None:
    story = bare(4, {"cooldown_seconds": 300})
    story.at(0, {CPU_USAGE: 95}, 8, "out", applied=False)
    story.capacity = 20
    story.at(15, {CPU_USAGE: 95}, 40, "somebody else went to 20; no rule has moved anything yet")


def test_an_empty_queue_does_not_take_away_who_empties_it() -> None:
    """The guide's queue rule alone: with fewer than six environments battles pile up, with six there is no queue."""
    queue = {"metric": BATTLE_QUEUE_LENGTH, "out_above": 50, "out_factor": 3, "in_factor": 0.7}
    story = bare(4, queue)
    story.at(0, {BATTLE_QUEUE_LENGTH: 200, IN_USE: 4}, 12, "too few: times three")
    story.at(15, {BATTLE_QUEUE_LENGTH: 0, IN_USE: 6}, 8, "empty: 70 %")
    story.at(30, {BATTLE_QUEUE_LENGTH: 0, IN_USE: 6}, 6, "70 % are 5, but six are busy")
    story.at(45, {BATTLE_QUEUE_LENGTH: 0, IN_USE: 6}, 6, "and so it stays: without them the queue would return")
    naive = bare(4, queue)
    for second, length, expected in ((0, 200, 12), (15, 0, 8), (30, 0, 5), (45, 200, 15), (60, 0, 10), (75, 0, 7)):
        naive.at(second, {BATTLE_QUEUE_LENGTH: length, IN_USE: 0}, expected, "without that it goes round for ever")


def test_bounds_are_kept_and_put_right_at_once() -> None:
    story = guide(3)
    story.at(0, {}, 3, "never below the minimum")
    full = guide(20)
    decision = full.at(0, {CPU_USAGE: 95}, 20, "never above the maximum")
    assert decision.action == "hold"
    over = guide(20)
    decision = over.at(
        0, {CPU_USAGE: 95}, 12, "connections for 12 only", ceilings=(Ceiling("mongo", 12, "96 connections / 8"),)
    )
    assert [(clamp.name, clamp.reason) for clamp in decision.clamps] == [("mongo", "96 connections / 8")]
    smaller = Story(GuidePolicy(replace(GUIDE, limits=ScalingLimits(min=3, max=5))), 20)
    smaller.at(0, {}, 5, "a configuration that allows less counts at once")


def test_growth_stops_at_a_ceiling_and_says_so() -> None:
    story = guide(8)
    ceiling = (Ceiling("mongo_connections", 10, "80 connections / 8 per environment"),)
    story.at(0, {CPU_USAGE: 95}, 8, "first run", ceilings=ceiling)
    decision = story.at(60, {CPU_USAGE: 95}, 10, "16 wanted", ceilings=ceiling)
    assert decision.reason == (
        "8 -> 10: cpu: cpu_usage 95 is above 70: 8 x 2 = 16; 16 became 10: 80 connections / 8 per environment"
    )


def test_the_hpa_alone_every_15_seconds() -> None:
    data = {"name": "hpa", "limits": {"min": 3, "max": 20}, "targets": GUIDE_TARGETS, "behavior": GUIDE_BEHAVIOR}
    story = Story(GuidePolicy(read_rule_set(data)), 4)
    for second in (0, 15, 30, 45):
        story.at(second, {CPU_USAGE: 140}, 4, "the lowest of the last 60 s is the 4 of the start")
    story.at(60, {CPU_USAGE: 140}, 8, "ceil(4 x 140 / 70)")
    for second in range(75, 360, 15):
        story.at(second, {}, 8, "the 8 of 45 s and later")
    story.at(360, {}, 7, "0.9 x 8 = 7.2")
    for second in range(375, 420, 15):
        story.at(second, {}, 7, "10 % per 60 s")
    story.at(420, {}, 6, "6.3")


def test_every_outcome_is_in_the_decision_losing_ones_too() -> None:
    decision = guide(10).at(0, {CPU_USAGE: 90, REQUEST_RATE: "gone", MEMORY_USAGE: 60.0}, 10, "first run")
    assert {outcome.rule: outcome.wish for outcome in decision.outcomes} == {
        "cpu": "out",
        "memory": "hold",
        "request_rate": "abstain",
        "battle_queue": "in",
        "hpa_cpu": "out",
        "hpa_memory": "in",
        "hpa_request_rate": "abstain",
    }
    assert decision.reason == (
        "stays at 10: cpu: cpu_usage 90 is above 70: 10 x 2 = 20; "
        "20 became 10: the lowest recommendation of the last 60 s counts"
    )
