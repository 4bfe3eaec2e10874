"""The controller observes, decides and applies; its memory and log lie in the store. Both stores, every input faked."""

import json

import pytest

from chalicelib.entrypoints.scaling import EVALUATIONS_A_RUN
from chalicelib.errors import BadRequest, Conflict, Unavailable
from chalicelib.locks import FencedOut, Guard
from chalicelib.scaling.controller import EVALUATE_SECONDS
from chalicelib.scaling.model import IN_USE, Ceiling, Point, Reading
from chalicelib.scaling.provisioning import Refused, Throttled
from chalicelib.scaling.replay import replay
from tests.scaling_worlds import once, region
from tests.worlds import World

LOCK = "schedule:scaling"


def test_load_moves_the_number_and_the_decision_is_in_the_log(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9, request_rate=150.0)
    report = here.controller().run(once(6))
    # Six evaluations, 15 s apart: the window of 60 s must pass first, then twice the number is asked for.
    assert (report.evaluations, report.moves) == (6, 1)
    assert here.provisioner.puts == [10]
    newest, *_ = [one for one in world.scaling.decisions(10) if one["action"] == "out"]
    assert (newest["current"], newest["desired"], newest["move"]["outcome"]) == (5, 10, "moved")
    assert "90" in newest["reason"]


def test_a_minutes_run_ends_with_its_last_evaluation(world: World) -> None:
    """It would else pause with the lock in its hand while the next minute's run finds it taken."""
    here = region(world.clock, world.scaling, 5)
    before = world.clock()
    report = here.controller().run(lambda: True, most=EVALUATIONS_A_RUN)
    assert report.evaluations == EVALUATIONS_A_RUN
    assert (world.clock() - before).total_seconds() == (EVALUATIONS_A_RUN - 1) * EVALUATE_SECONDS
    assert EVALUATIONS_A_RUN * EVALUATE_SECONDS == 60


def test_the_log_replays_byte_for_byte(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(8))
    lines = [one["line"] for one in reversed(world.scaling.decisions(100))]
    assert len(lines) == 8
    assert replay(lines).differences == ()


def test_predictive_in_the_real_controller(world: World) -> None:
    """Twelve environments' work on five provisioned ones: it asks for what that is worth, says why, replays, and
    silence takes nothing away."""
    here = region(world.clock, world.scaling, 5, policy="predictive")
    here.serve(12, busy_share=1.0, request_rate=1.4)
    here.controller().run(once(8))
    assert here.provisioner.requested >= 12
    newest = next(one for one in world.scaling.decisions(10) if one["action"] == "out")
    assert "expects 12" in newest["reason"]
    assert "a cold-served request" in newest["reason"]
    lines = [one["line"] for one in reversed(world.scaling.decisions(100))]
    assert replay(lines).differences == ()

    asked = here.provisioner.requested
    here.deaf = True
    here.reports = []
    here.controller().run(once(8))
    assert here.provisioner.requested == asked
    assert world.scaling.decisions(1)[0]["reason"].startswith(f"keeps {asked}")


def test_predictive_stops_at_the_connection_budget(world: World) -> None:
    budget = Ceiling("mongo_connections", 7, "60 connections / 8 per environment")
    here = region(world.clock, world.scaling, 5, policy="predictive", ceilings=(budget,))
    here.serve(12, busy_share=1.0, request_rate=1.4)
    here.controller().run(once(4))
    assert here.provisioner.puts == [7]
    assert "60 connections / 8 per environment" in world.scaling.decisions(1)[0]["reason"]


def test_state_lives_between_controllers(world: World) -> None:
    """Every evaluation by another environment: the same as by one."""
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    for _ in range(6):
        here.controller().evaluate()
        world.clock.advance(15)
    assert here.provisioner.puts == [10]


def test_an_idle_region_shrinks_and_a_silent_one_does_not(world: World) -> None:
    """Nobody reports in either; in the idle one the controller's own report comes back."""
    idle = region(world.clock, world.scaling, 10)
    idle.controller().run(once(40))
    assert idle.provisioner.requested < 10

    silent = region(world.clock, world.scaling, 10, deaf=True)
    silent.controller().run(once(40))
    assert silent.provisioner.puts == []
    assert "own report did not come back" in world.scaling.decisions(1)[0]["line"]


@pytest.mark.parametrize("fault", ["broken", "deaf"])
def test_broken_metrics_never_scale_in_and_are_named(world: World, fault: str) -> None:
    here = region(world.clock, world.scaling, 10, **{fault: True})
    evaluation = here.controller().preview()
    assert (evaluation["action"], evaluation["desired"]) == ("hold", 10)
    assert all("missing" in found for name, found in evaluation["inputs"]["metrics"].items() if "queue" not in name)


def test_a_queue_that_can_not_be_read_is_missing_and_not_empty(world: World) -> None:
    here = region(world.clock, world.scaling, 10, queued=None)
    here.controller().run(once(40))
    assert here.provisioner.puts == []
    assert "queue" in here.failures


def test_a_connection_budget_stops_it_and_says_so(world: World) -> None:
    budget = Ceiling("mongo_connections", 7, "60 connections / 8 per environment")
    here = region(world.clock, world.scaling, 5, ceilings=(budget,))
    here.serve(5, cpu_share=0.95)
    here.controller().run(once(6))
    assert here.provisioner.puts == [7]
    newest = next(one for one in world.scaling.decisions(10) if one["action"] == "out")
    assert "60 connections / 8 per environment" in newest["reason"]


def test_what_cloudwatch_measured_keeps_what_is_busy(world: World) -> None:
    """Environments tell averages; CloudWatch saw nine busy at once, a minute ago."""
    measured = {IN_USE: Reading(points=(Point(world.clock().timestamp(), 9.0),), evidence="CloudWatch")}
    here = region(world.clock, world.scaling, 10, measured=measured)
    here.controller().run(once(60))
    assert here.provisioner.requested >= 9


def test_scaling_in_waits_while_environments_are_being_prepared(world: World) -> None:
    here = region(world.clock, world.scaling, 10)
    here.provisioner.ready_seconds = 3600
    here.provisioner.put(12)
    here.controller().run(once(40))
    assert here.provisioner.puts == [12]
    assert world.scaling.decisions(1)[0]["move"]["outcome"] in ("waiting", "unchanged")


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (Refused("InvalidParameterValueException: below its minimum of 100"), "refused"),
        (Throttled("slow"), "throttled"),
    ],
)
def test_what_lambda_refuses_is_a_state_and_tried_again(world: World, refusal: Exception, outcome: str) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.provisioner.refusal = refusal
    here.controller().run(once(5))
    world.clock.advance(15)
    moved = next(one["move"] for one in world.scaling.decisions(10) if one["action"] == "out")
    assert (moved["outcome"], moved["after"]) == (outcome, 5)
    # No cooldown began: nothing was moved.
    here.controller().run(once(1))
    assert here.provisioner.puts == [10]


def test_a_failed_allocation_is_asked_for_again_but_not_at_once(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(5))
    here.provisioner.failure = "FUNCTION_ERROR_INIT_FAILURE"
    here.serve(10, cpu_share=0.5)
    world.clock.advance(15)
    here.controller().evaluate()
    assert world.scaling.decisions(1)[0]["move"]["outcome"] == "waiting"
    world.clock.advance(60)
    here.controller().evaluate()
    assert here.provisioner.puts == [10, 10]


def test_a_controller_killed_before_it_asked_leaves_a_state_to_go_on_from(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(4))

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    here.provisioner.on_put = killed
    with pytest.raises(KeyboardInterrupt):
        here.controller().run(once(2))
    assert world.scaling.decisions(1)[0].get("move") is None
    here.provisioner.on_put = lambda _: None
    world.clock.advance(15)
    here.controller().evaluate()
    assert here.provisioner.puts == [10]


def test_of_two_controllers_the_one_with_the_newer_fence_moves(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(4))
    older, newer = (Guard(LOCK, world.fences.draw(LOCK)) for _ in range(2))
    world.clock.advance(15)
    with pytest.raises(FencedOut):
        here.controller().evaluate(older)
    assert here.provisioner.puts == []
    here.controller().evaluate(newer)
    assert here.provisioner.puts == [10]


def test_a_dry_run_changes_nothing(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(4))
    world.clock.advance(15)
    before = world.scaling.decisions(100), world.scaling.remembered()
    seen = here.controller().preview()
    assert (seen["desired"], seen["move"]["outcome"]) == (10, "would_move")
    assert json.loads(json.dumps(seen)) == seen
    assert (world.scaling.decisions(100), world.scaling.remembered()) == before
    assert here.provisioner.puts == []


def test_where_somebody_else_moves_it_records_what_it_would_do(world: World) -> None:
    here = region(world.clock, world.scaling, 5, moves=False)
    here.serve(5, cpu_share=0.9)
    report = here.controller().run(once(8))
    assert (report.moves, here.provisioner.puts) == (0, [])
    newest = world.scaling.decisions(1)[0]
    assert (newest["desired"], newest["move"]["outcome"]) == (10, "would_move")


def test_an_override_wins_within_the_bounds_and_ends_by_itself(world: World) -> None:
    here = region(world.clock, world.scaling, 5, ceilings=(Ceiling("mongo_connections", 15, "a budget"),))
    here.serve(5, cpu_share=0.5)
    controller = here.controller()
    controller.override(18, 10, "a tournament", by="ops@arena.example")
    evaluation = controller.evaluate()
    assert (evaluation.decision.desired, here.provisioner.puts) == (15, [15])
    assert "overridden by ops@arena.example: a tournament" in evaluation.decision.reason
    assert controller.show(5)["override"]["desired"] == 18
    here.serve(15, cpu_share=0.01, memory_share=0.1, request_rate=0.0)
    controller.run(once(30))
    assert here.provisioner.requested == 15
    world.clock.advance(600)
    controller.run(once(60))
    assert controller.show(5)["override"] is None
    assert here.provisioner.requested < 15


def test_an_override_may_be_ended_and_must_make_sense(world: World) -> None:
    controller = region(world.clock, world.scaling, 5).controller()
    controller.override(9, 60, "load test", by="ops")
    controller.end_override()
    assert controller.show(1)["override"] is None
    for desired, minutes, reason in ((2, 60, "x"), (21, 60, "x"), (9, 0, "x"), (9, 1441, "x"), (9, 60, " ")):
        with pytest.raises((BadRequest, Conflict), match="allowed"):
            controller.override(desired, minutes, reason, by="ops")


def test_another_policy_starts_without_the_formers_state(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(4))
    world.clock.advance(15)
    here.policy = "hpa"
    here.controller().evaluate()
    line = json.loads(world.scaling.decisions(1)[0]["line"])
    assert (line["policy"], line["state"]) == ("hpa", None)


def test_lambda_that_does_not_answer_is_an_error_and_not_a_decision(world: World) -> None:
    here = region(world.clock, world.scaling, 5)
    here.serve(5, cpu_share=0.9)
    here.controller().run(once(4))
    here.provisioner.refusal = Unavailable("lambda_unavailable")
    with pytest.raises(Unavailable):
        here.controller().run(once(2))
    assert here.provisioner.requested == 5
