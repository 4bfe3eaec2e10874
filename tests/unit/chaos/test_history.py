"""What clients saw, written and read again."""

from pathlib import Path

from infra.chaos.client import Answer
from infra.chaos.history import ASKED, DONE, OPEN, REFUSED, Attempt, Log, Operation, read

REGION = "us-east-1"


def told(path: Path, *answers: tuple[int, str, str]) -> Operation:
    """An operation whose attempts were answered so (status, code, outcome)."""
    with Log(path) as log:
        for status, code, outcome in answers:
            log.write(ASKED, id="r", player="1", kind="queued", region=REGION, arguments={"brokerId": "b"})
            log.answered("r", Attempt(log.now(), 0.1, status, REGION, code), outcome, {"_id": "x"} if status else {})
    (found,) = read(path.read_text(encoding="utf-8").splitlines())
    return found


def test_attempts_nobody_heard_of_may_have_been_served(tmp_path: Path) -> None:
    found = told(tmp_path / "h", (0, "", OPEN), (503, "busy", OPEN), (429, "rate_limited", OPEN), (200, "", DONE))
    assert (found.attempts, found.unsure, found.outcome, found.answer) == (4, 2, DONE, {"_id": "x"})


def test_what_was_accepted_must_come_to_an_end(tmp_path: Path) -> None:
    assert told(tmp_path / "h", (202, "", OPEN)).accepted
    assert not told(tmp_path / "h", (403, "no energy", REFUSED)).accepted


def test_an_answer_that_never_came_leaves_it_open(tmp_path: Path) -> None:
    with Log(tmp_path / "h") as log:
        log.write(ASKED, id="r", player="1", kind="battle", region=REGION, arguments={})
    text = (tmp_path / "h").read_text(encoding="utf-8") + '{"at":1.0,"event":"ans'
    (found,) = read(text.splitlines())
    assert (found.outcome, found.attempts, found.unsure) == (OPEN, 1, 1)


def test_only_the_game_refuses() -> None:
    def outcome(status: int, code: str = "") -> str:
        return Answer(status, {"error": {"code": code}} if code else {}).outcome

    assert outcome(200) == outcome(201) == DONE
    assert outcome(403, "no energy") == outcome(429, "cooldown") == outcome(404, "broker not found") == REFUSED
    assert outcome(0) == outcome(500, "x") == outcome(503, "busy") == outcome(429, "rate_limited") == OPEN
    assert outcome(403) == OPEN
