"""Cooldowns: which entry counts, and for how long."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.arena.cooldown import cooldown_key, cooldown_remaining, cooldowns_after
from tests.unit.arena.golden import vectors

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)


@pytest.mark.parametrize("case", vectors("cooldown-key"), ids=lambda case: repr(case["key"]))
def test_cooldown_key_vector(case: dict[str, Any]) -> None:
    assert cooldown_key(case["input"].get("modeKey"), case["input"].get("arena")) == case["key"]


def remaining(cooldowns: Any, mode: str, seconds: int = 60) -> float:
    return cooldown_remaining(cooldowns, mode_key=mode, arena="arb", cooldown_seconds=seconds, now=NOW)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("cooldowns", "mode", "left"),
    [
        ({}, "arb", 0),
        (None, "arb", 0),
        ({"arb": ago(20)}, "arb", 40),
        ({"arb": ago(60)}, "arb", 0),
        ({"arb": ago(59.999)}, "arb", 0.001),
        ({"arb": ago(20)}, "arb-pro", 40),
        ({"arb": ago(20), "arb-pro": ago(50)}, "arb-pro", 10),
        ({"arb": ago(20), "arb-pro": ago(500)}, "arb-pro", 0),
        ({"other": ago(1)}, "arb-pro", 0),
        ({"arb-pro": "soon", "arb": ago(20)}, "arb-pro", 40),
        ({"arb": ago(-5)}, "arb", 65),
        ({"arb": ago(20).replace(tzinfo=None)}, "arb", 40),
    ],
)
def test_remaining(cooldowns: Any, mode: str, left: float) -> None:
    assert remaining(cooldowns, mode) == pytest.approx(left)


def test_the_requested_modes_own_length_counts() -> None:
    assert remaining({"arb": ago(20)}, "arb", seconds=20) == 0
    assert remaining({"arb": ago(20)}, "arb", seconds=21) == 1


def test_a_pro_run_blocks_the_rookie_mode_and_itself_but_no_other_arena() -> None:
    after = cooldowns_after({"x": ago(9)}, mode_key="arb-pro", arena="arb", now=NOW)
    assert after == {"x": ago(9), "arb-pro": NOW, "arb": NOW}
    assert remaining(after, "arb") == remaining(after, "arb-pro") == 60
    assert cooldown_remaining(after, mode_key="sim", arena="sim", cooldown_seconds=60, now=NOW) == 0


def test_an_elite_mode_run_before_is_not_blocked_by_its_arena() -> None:
    after = cooldowns_after({"arb-elite": ago(100)}, mode_key="arb", arena="arb", now=NOW)
    assert remaining(after, "arb-elite") == 0
