"""The schedule of faults: from a seed, always the same; nothing whole is taken away unless somebody asks for it."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from infra.chaos.schedule import (
    CACHE,
    CLOUD,
    DATABASE,
    KINDS,
    LONG_SECONDS,
    QUIET_SECONDS,
    RECOVERY_SECONDS,
    Fault,
    schedule,
)

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
MINUTES = 300.0
USUAL = [name for name, kind in KINDS.items() if kind.once is None and not kind.whole_set]
PINNED = [
    (5.0, "kill-receiver", "us-east-1"),
    (5.5, "hang-cache", "eu-west-1"),
    (6.69, "hang-primary", "ap-southeast-1"),
]


def seeds() -> list[int]:
    first = random.randrange(2**32)
    print(f"seeds from {first}")
    return [first + number for number in range(50)]


def at_once(faults: Sequence[Fault], strikes: str, region: str) -> int:
    """How many faults strike one set at the same time, or before it has recovered, at most."""
    struck = [one for one in faults if KINDS[one.kind].strikes == strikes and one.region == region]
    ends = {one: one.ends + RECOVERY_SECONDS[strikes] for one in struck}
    return max((sum(one.at <= other.at < ends[one] for one in struck) for other in struck), default=0)


def test_the_same_seed_is_the_same_schedule() -> None:
    for seed in seeds():
        assert schedule(seed, MINUTES, REGIONS) == schedule(seed, MINUTES, REGIONS)
        assert schedule(seed, MINUTES, REGIONS) != schedule(seed + 1, MINUTES, REGIONS)


def test_a_schedule_stays_what_it_was() -> None:
    """So that a seed somebody wrote down still means the same."""
    assert [(one.at, one.kind, one.region) for one in schedule(7, 60.0, REGIONS)][:3] == PINNED


def test_no_set_ever_has_two_members_away() -> None:
    for seed in seeds():
        faults = schedule(seed, MINUTES, REGIONS)
        assert not any(KINDS[one.kind].whole_set for one in faults)
        for region in REGIONS:
            assert at_once(faults, DATABASE, region) <= 1
            assert at_once(faults, CACHE, region) <= 1


def test_whole_sets_are_taken_away_only_for_whoever_asks() -> None:
    kinds = Counter(fault.kind for seed in seeds() for fault in schedule(seed, MINUTES, REGIONS, whole_sets=True))
    assert kinds.keys() == KINDS.keys()
    assert {one.kind for one in schedule(1, MINUTES, REGIONS, kinds=["stop-database"])} == {"stop-database"}


def test_it_begins_and_ends_in_quiet() -> None:
    for seed in seeds():
        faults = schedule(seed, MINUTES, REGIONS)
        assert list(faults) == sorted(faults)
        assert min(one.at for one in faults) >= QUIET_SECONDS
        assert max(one.ends for one in faults) <= MINUTES - QUIET_SECONDS


def test_a_fault_lasts_as_its_kind_says_and_names_what_it_strikes() -> None:
    for seed in seeds():
        for fault in schedule(seed, MINUTES, REGIONS):
            shortest, longest = KINDS[fault.kind].seconds
            assert shortest <= fault.seconds <= longest
            assert (fault.region == "") == (KINDS[fault.kind].strikes == CLOUD)
            assert fault.other != fault.region or not fault.region


def test_five_minutes_have_nearly_every_kind() -> None:
    usual = {name for name, kind in KINDS.items() if not kind.whole_set}
    missing = [len(usual - {fault.kind for fault in schedule(seed, MINUTES, REGIONS)}) for seed in seeds()]
    assert max(missing) <= 1


def test_a_kind_nobody_knows_strikes_nothing() -> None:
    with pytest.raises(ValueError, match="no fault is called"):
        schedule(1, MINUTES, REGIONS, kinds=["flood"])


def once(kind: str, seed: int, seconds: float = MINUTES, **arguments: Any) -> list[Fault]:
    return [one for one in schedule(seed, seconds, REGIONS, **arguments) if one.kind == kind]


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.once])
def test_what_strikes_once_does_so_in_its_part_of_long_runs(kind: str) -> None:
    first, last = KINDS[kind].once or (0.0, 0.0)
    for seed in seeds():
        (fault,) = once(kind, seed)
        assert first * MINUTES <= fault.at <= last * MINUTES
        assert once(kind, seed, LONG_SECONDS - 1) == []
        (named,) = once(kind, seed, 30.0, kinds=[kind])
        assert QUIET_SECONDS <= named.at < named.ends <= 30.0 - QUIET_SECONDS
    assert len({fault.region for seed in seeds() for fault in once("fail-region", seed)}) == len(REGIONS)


def test_nothing_else_is_struck_while_the_cloud_is_lost() -> None:
    for seed in seeds():
        (lost,) = once("lose-cloud", seed)
        for fault in schedule(seed, MINUTES, REGIONS, whole_sets=True):
            recovered = fault.ends + RECOVERY_SECONDS[KINDS[fault.kind].strikes]
            assert fault == lost or recovered <= lost.at or fault.at >= lost.ends


def test_a_seed_s_other_faults_are_the_same_with_and_without_those() -> None:
    for seed in seeds():
        without = set(schedule(seed, MINUTES, REGIONS, kinds=USUAL))
        assert {one for one in schedule(seed, MINUTES, REGIONS) if KINDS[one.kind].once is None} <= without
