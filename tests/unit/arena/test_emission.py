"""When and how much may be emitted: windows, caps, and what a request comes to."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from chalicelib.arena.emission import Caps, Share, caps, spend_counters, window_open
from tests.unit.arena.days import Arena, request


def open_hours(config: dict[str, Any], arena: str = "arb", league: str = "pro") -> list[int]:
    return [
        hour
        for hour in range(24)
        if window_open(config, arena=arena, league=league, now=datetime(2026, 11, 23, hour, 59, 59, tzinfo=UTC))
    ]


def hours(start: object, end: object) -> dict[str, object]:
    return {"startHourUtc": start, "endHourUtc": end}


ALWAYS = list(range(24))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, ALWAYS),
        (0, 24, ALWAYS),
        (8, 10, [8, 9]),
        (8, 8, []),
        (0, 0, []),
        (22, 2, [0, 1, 22, 23]),
        (23, 0, [23]),
        (24, 2, [0, 1]),
        (-5, 99, ALWAYS),
        (24, 24, []),
        (8.9, "10", [8, 9]),
        ("x", 3, [0, 1, 2]),
    ],
)
def test_global_hours(start: object, end: object, expected: list[int]) -> None:
    assert open_hours({"emissionStartHourUtc": start, "emissionEndHourUtc": end}) == expected


WINDOWS = {
    "emissionStartHourUtc": 0,
    "emissionEndHourUtc": 1,
    "emissionWindows": {"arb:pro": hours(5, 6), "arb": hours(7, 8), "*": hours(9, 10), "sim:pro": hours(3, None)},
}


@pytest.mark.parametrize(
    ("arena", "league", "expected"),
    [
        ("arb", "pro", [5]),
        ("arb", "elite", [7]),
        ("other", "pro", [9]),
        ("sim", "pro", [0, *range(3, 24)]),
        ("Arb", "pro", [9]),
    ],
)
def test_the_most_specific_window_counts(arena: str, league: str, expected: list[int]) -> None:
    assert open_hours(WINDOWS, arena, league) == expected


def test_without_windows_the_global_hours_count() -> None:
    assert open_hours({**WINDOWS, "emissionWindows": {"arb": "closed"}}) == [0]
    assert open_hours({**WINDOWS, "emissionWindows": "none"}) == [0]


def test_hours_are_utc_whatever_the_clock_shows() -> None:
    night = datetime(2026, 11, 23, 1, 30, tzinfo=timezone(timedelta(hours=3)))
    config = {"emissionStartHourUtc": 22, "emissionEndHourUtc": 23}
    assert window_open(config, arena="arb", league="pro", now=night)


def test_caps() -> None:
    assert caps({}, "AIBA", "arb") == Caps(total=1_000_000, arena=None)
    assert caps({}, "NEUR", "arb") == Caps(total=10_000_000, arena=None)
    config = {
        "dailyCapAiba": 99.9,
        "dailyCapNeur": -1,
        "dailyCapAibaByArena": {"arb": 0, "sim": None, "odd": "many", "a.b": "7"},
    }
    assert caps(config, "AIBA", "arb") == Caps(total=99, arena=0)
    assert caps(config, "AIBA", "sim") == caps(config, "AIBA", "odd") == Caps(total=99, arena=None)
    assert caps(config, "AIBA", "a.b") == Caps(total=99, arena=7)
    assert caps(config, "NEUR", "arb") == Caps(total=0, arena=None)


def test_outside_the_window_nothing_is_read_or_written() -> None:
    arena = Arena({"emissionStartHourUtc": 8, "emissionEndHourUtc": 9})
    allocation = arena.emit(request(aiba=5, neur=3))
    assert allocation.granted == {"NEUR": 0, "AIBA": 0}
    assert allocation.results == {"NEUR": "outside_window", "AIBA": "outside_window"}
    assert (allocation.writes, arena.loads) == ((), 0)


def test_nothing_asked_for_is_no_result() -> None:
    allocation = Arena().emit(request(aiba=5))
    assert allocation.granted == {"NEUR": 0, "AIBA": 5}
    assert allocation.results == {"AIBA": "ok"}


def test_each_currency_is_decided_by_itself() -> None:
    arena = Arena({"dailyCapNeur": 2, "dailyCapAiba": 100})
    assert arena.emit(request(aiba=5, neur=3)).results == {"NEUR": "cap_exceeded", "AIBA": "ok"}
    assert (arena.emitted("AIBA"), arena.emitted("NEUR")) == (5, 0)


def test_all_or_nothing_over_both_caps_of_a_currency() -> None:
    arena = Arena({"dailyCapAiba": 100, "dailyCapAibaByArena": {"arb": 10}})
    assert arena.emit(request(aiba=11)).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request(aiba=10)).results == {"AIBA": "ok"}
    assert arena.emit(request(aiba=1)).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request("sim", aiba=91)).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request("sim", aiba=90)).results == {"AIBA": "ok"}
    assert (arena.emitted("AIBA"), arena.emitted("AIBA", "arb"), arena.emitted("AIBA", "sim")) == (100, 10, 90)


def test_an_arena_cap_of_one_is_never_passed() -> None:
    """The running game let the first emission of a day pass: cap 1, emitted 68."""
    arena = Arena({"dailyCapAibaByArena": {"arb": 1}})
    assert arena.emit(request(aiba=68)).results == {"AIBA": "cap_exceeded"}
    assert arena.emitted("AIBA") == 0


@pytest.mark.parametrize(
    ("currency", "change"),
    [
        ("AIBA", {"burnedAiba": 50, "burnedAibaByReason.upgrade": 50, "burnedAibaByArena.up%2Egrades": 50}),
        ("NEUR", {"spentNeur": 50, "spentNeurByReason.upgrade": 50, "spentNeurByArena.up%2Egrades": 50}),
    ],
)
def test_payments_are_counted_by_reason_and_arena(currency: str, change: dict[str, int]) -> None:
    update = spend_counters(currency, 50, "upgrade", "up.grades", "2026-11-23", 3)
    assert (update.collection, update.where, update.upsert) == ("economydays", {"_id": "2026-11-23#3"}, True)
    assert update.change == {"$inc": change, "$setOnInsert": {"day": "2026-11-23", "stripe": 3}}


@pytest.mark.parametrize("regions", [1, 2, 3, 7])
@pytest.mark.parametrize("cap", [0, 1, 2, 3, 100, 1_000_001])
def test_regions_shares_add_up_to_the_cap(regions: int, cap: int) -> None:
    shares = [Share(place, regions).part(cap) for place in range(regions)]
    assert sum(shares) == cap
    assert max(shares) - min(shares) <= 1
