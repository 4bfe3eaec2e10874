"""What a run is told as."""

import json
from pathlib import Path

from infra.chaos.checker.model import Violation
from infra.chaos.history import DONE, OPEN, Attempt, Operation, Takeover
from infra.chaos.plot import BIN_SECONDS, binned, draw
from infra.chaos.report import Run, as_data, page
from infra.chaos.schedule import KINDS, schedule

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


def run(*violations: Violation) -> Run:
    kinds = ("battle", "train", "battle")
    operations = [Operation(f"r{n}", "1", kind, REGIONS[0], {}, n, n + 1) for n, kind in enumerate(kinds)]
    operations[0].outcome = operations[1].outcome = DONE
    operations[0].served, operations[0].answered_at = REGIONS[1], 30.0
    operations[1].served, operations[1].answered_at = REGIONS[1], 60.0
    answers = ((200, ""), (0, ""), (503, "unavailable"), (200, ""), (403, "no energy"), (404, ""))
    return Run(
        seed=7,
        seconds=60.0,
        players=3,
        command="./arena chaos --seed 7",
        faults=schedule(7, 60.0, REGIONS),
        missed=1,
        takeovers=[Takeover(REGIONS[0], REGIONS[1], 10.0, 20.0, 40.0, 50.0)],
        operations=operations,
        attempts=[
            Attempt(float(n), 0.1 * (n + 1), status, REGIONS[0], code) for n, (status, code) in enumerate(answers)
        ],
        drained_seconds=12.0,
        violations=violations,
        stored={"battles": 2},
        conflicts=0,
        letters=0,
        links={"passed": 5, "lost": 1},
    )


def test_the_figures_are_counted() -> None:
    data = as_data(run())
    assert data["operations"] == {DONE: 2, "refused": 0, OPEN: 1}
    # A 404 without a code is a gateway's that knows of no arena: no player was refused anything by its rules.
    assert (data["attempts"], data["attemptsWithoutAnswer"], data["attemptsFailed"]) == (6, 1, 2)
    assert (data["triedAgain"], data["operationsByKind"]) == (2, {"battle": 1, "train": 1})
    assert [(one["by"], one["acknowledged"]) for one in data["takeovers"]] == [(REGIONS[1], 1)]
    assert sum(data["faultsByKind"].values()) == len(run().faults)
    json.dumps(data)


def test_the_page_says_what_is_wrong_and_how_to_see_it_again() -> None:
    wrong = Violation("lost-battle", REGIONS[1], "r0 was acknowledged")
    text = page(run(wrong), "chaos.png")
    assert f"- lost-battle: {REGIONS[1]}: r0 was acknowledged" in text
    assert "`./arena chaos --seed 7`" in text
    assert f"| {REGIONS[0]}, served by {REGIONS[1]} | from second 20 to 50; 1 operations" in text
    assert "Nothing that was acknowledged is lost" in page(run(), "chaos.png")
    assert all(KINDS[fault.kind].told in text for fault in run().faults)


def test_answers_are_counted_by_when_they_came() -> None:
    middles, rates = binned([0.0, 0.1, BIN_SECONDS, 60.0], 5.0)
    assert (middles, rates) == ([1.0, 3.0, 5.0], [1.0, 0.5, 0.0])


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    draw(run(), tmp_path / "chaos.png")
    assert (tmp_path / "chaos.png").stat().st_size > 10_000
