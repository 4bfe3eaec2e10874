"""The checker finds nothing wrong with a run in which all is right, and names every defect planted in one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.chaos.checker import verdict
from infra.chaos.checker.verdict import violations
from infra.chaos.history import Takeover
from infra.drawings.rooms import imports_of
from tests.chaos_case import BOB, REGIONS, sound
from tests.chaos_damage import PLANTED, Hands, of, refused_yet_fought
from tests.test_tidy import ROOT

FIRST, SECOND, _ = REGIONS


def test_nothing_is_wrong_with_a_run_in_which_all_is_right() -> None:
    assert violations(sound()) == []


@pytest.mark.parametrize(("damage", "rule"), PLANTED.items(), ids=lambda one: getattr(one, "__name__", None))
def test_a_planted_defect_is_named(damage: Callable[[Hands], None], rule: str) -> None:
    hands = Hands(sound())
    damage(hands)
    found = violations(hands.case)
    assert rule in {violation.rule for violation in found}
    assert all(str(violation).startswith(f"{violation.rule}: ") for violation in found)


def test_every_rule_has_been_broken() -> None:
    assert set(verdict.names()) == set(PLANTED.values())


def test_every_name_a_rule_gives_is_in_its_docstring() -> None:
    given = {
        name
        for path in (ROOT / "infra" / "chaos" / "checker").glob("*.py")
        for name in re.findall(r'Violation\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert given == set(verdict.names())


def test_who_has_taken_over_decides() -> None:
    """Meanwhile and at the edges; jobs and ids are then where they were decided."""
    hands = Hands(sound())
    bobs = [one for one in hands.case.operations if one.player == BOB]
    hands.took_over(Takeover(SECOND, FIRST, bobs[1].answered_at, bobs[2].answered_at, bobs[-1].answered_at))
    for one in bobs[2:]:
        one.served = FIRST
    job = hands.held(SECOND, "battlejobs").pop()
    hands.held(FIRST, "battlejobs").append(job)
    hands.everywhere("battles", of("requestId", job["requestId"]), _id="the home's")
    next(filter(of("requestId", job["requestId"]), hands.held(FIRST, "battles")))["_id"] = "who decided's"
    asked = hands.case.asked[job["requestId"]]
    asked.answer = {**asked.answer, "_id": "who decided's"}
    assert violations(hands.case) == []
    hands.took_over()
    assert {one.rule for one in violations(hands.case)} == {"served-by-another", "lost-job", "changed-battle"}


def test_what_was_refused_while_tried_before_may_have_been_done() -> None:
    hands = Hands(sound())
    refused_yet_fought(hands)
    next(one for one in hands.case.operations if one.outcome == "refused").unsure = 1
    assert "refused-yet-done" not in {violation.rule for violation in violations(hands.case)}


def test_the_checker_asks_nobody_who_could_be_wrong_with_the_arena() -> None:
    """Neither it nor what it imports of ours imports the arena, a driver, or the network."""
    seen: set[Path] = set()
    todo = list((ROOT / "infra" / "chaos" / "checker").glob("*.py"))
    foreign = set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        for name in imports_of(path):
            module = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if module.is_file():
                todo.append(module)
            foreign.add(name.split(".")[0])
    assert not foreign & {"chalicelib", "pymongo", "bson", "boto3", "localcloud", "app", "redis"}
