"""Energy against the game's own results, and what only dates can show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena import energy
from tests.unit.arena.golden import vectors

NOW = datetime(2026, 11, 23, 7, 7, 14, 914000, tzinfo=UTC)


@pytest.mark.parametrize("case", vectors("energy"), ids=lambda case: str(case["id"]))
def test_energy_vector(case: dict[str, Any]) -> None:
    given = case["input"]
    config = given.get("cfg", {})
    result = energy.regenerate_ms(
        energy=given["energy"],
        energy_updated_at_ms=given["energyUpdatedAtMs"],
        updated_at_ms=given["updatedAtMs"],
        now_ms=given["nowMs"],
        config=config,
    )
    assert {"energy": result.energy, "energyUpdatedAtMs": result.energy_updated_at_ms} == case["output"]
    maximum = energy.max_energy(config)
    assert maximum == case["maxEnergy"]
    assert energy.usable_energy(result.energy, maximum) == case["usableEnergy"]


def regenerate(stored: object, *, at: object = None, updated_at: object = None, **config: Any) -> energy.Regenerated:
    return energy.regenerate(energy=stored, energy_updated_at=at, updated_at=updated_at, now=NOW, config=config)


def test_the_remainder_of_a_period_is_kept() -> None:
    result = regenerate(5, at=NOW - timedelta(seconds=150))
    assert (result.energy, result.energy_updated_at) == (7, NOW - timedelta(seconds=30))
    assert (result.gained, result.usable) == (2, 7)


def test_the_remainder_is_kept_when_the_maximum_cuts_the_gain() -> None:
    result = regenerate(99, at=NOW - timedelta(seconds=630))
    assert (result.energy, result.energy_updated_at) == (100, NOW - timedelta(seconds=30))


def test_nothing_changes_before_a_period_has_passed() -> None:
    at = NOW - timedelta(seconds=59, milliseconds=999)
    result = regenerate(101, at=at)
    assert (result.energy, result.energy_updated_at, result.gained, result.usable) == (101, at, 0, 100)


def test_a_date_in_the_future_gains_nothing() -> None:
    assert regenerate(3, at=NOW + timedelta(days=1)).energy == 3


def test_time_counts_from_the_last_update_where_energy_has_no_date() -> None:
    result = regenerate(None, at="yesterday", updated_at=NOW - timedelta(seconds=61))
    assert (result.energy, result.energy_updated_at) == (1, NOW - timedelta(seconds=1))


def test_without_any_date_nothing_is_gained() -> None:
    result = regenerate(4)
    assert (result.energy, result.energy_updated_at) == (4, None)


def test_a_naive_date_is_utc() -> None:
    assert regenerate(4, at=(NOW - timedelta(seconds=60)).replace(tzinfo=None)).energy == 5


@given(
    stored=st.integers(-10, 200),
    first_s=st.integers(0, 10**6),
    second_s=st.integers(0, 10**6),
    period=st.integers(1, 5000),
)
def test_looking_in_between_changes_nothing(stored: int, first_s: int, second_s: int, period: int) -> None:
    """Regenerating twice is regenerating once: no read may create or destroy energy."""
    config = {"battleEnergyRegenSecondsPerEnergy": period, "battleMaxEnergy": 100}

    def step(value: Any, at: Any, now: datetime) -> energy.Regenerated:
        return energy.regenerate(energy=value, energy_updated_at=at, updated_at=None, now=now, config=config)

    middle, end = NOW + timedelta(seconds=first_s), NOW + timedelta(seconds=first_s + second_s)
    halfway = step(stored, NOW, middle)
    twice, once = step(halfway.energy, halfway.energy_updated_at, end), step(stored, NOW, end)
    assert (twice.usable, twice.energy_updated_at) == (once.usable, once.energy_updated_at)
