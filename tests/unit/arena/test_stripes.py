"""The striped day counter, one situation at a time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.arena.emission import STRIPES, spend_counters
from chalicelib.arena.stripes import counters, field_key, stripe_id
from tests.unit.arena.days import DAY, Arena, check_sums, request


def test_the_first_emission_creates_every_stripe_and_shares_every_scope() -> None:
    arena = Arena({"dailyCapAiba": 101, "dailyCapNeur": 8, "dailyCapAibaByArena": {"arb": 10, "sim": 3}})
    arena.emit(request(aiba=5), stripe=1)
    assert arena.left("AIBA") == {0: 26, 1: 20, 2: 25, 3: 25}
    assert arena.left("NEUR") == {0: 2, 1: 2, 2: 2, 3: 2}
    assert arena.left("AIBA", "sim") == {0: 1, 1: 1, 2: 1, 3: 0}
    assert sum(arena.left("AIBA", "arb").values()) == 5
    check_sums(arena.stripes(), arena.config)


def test_spending_an_allowance_touches_one_stripe_and_reads_no_other() -> None:
    arena = Arena()
    arena.emit(request(aiba=5, neur=2))
    arena.loads = 0
    (write,) = arena.emit(request(aiba=92, neur=7)).writes
    assert arena.loads == 0
    assert write.where == {
        "_id": stripe_id(DAY, 0),
        "terms.neur": "[10000000,{}]",
        "rooms.neur.left": {"$gte": 7},
        "terms.aiba": "[1000000,{}]",
        "rooms.aiba.left": {"$gte": 92},
    }
    assert write.change == {
        "$inc": {
            "emittedNeur": 7,
            "emittedNeurByArena.arb": 7,
            "emittedAiba": 92,
            "emittedAibaByArena.arb": 92,
            "rooms.neur.left": -7,
            "rooms.aiba.left": -92,
        }
    }
    assert not write.upsert


def test_two_spenders_on_two_stripes_do_not_conflict() -> None:
    arena = Arena()
    arena.emit(request(aiba=1))
    before = arena.database.now()
    for stripe in (0, 1):
        arena.database.commit(arena.decide(before, request(aiba=9), stripe).writes, seen=before)
    assert arena.emitted("AIBA") == 19
    check_sums(arena.stripes(), arena.config)


def test_an_idle_stripe_gives_all_it_has() -> None:
    arena = Arena({"dailyCapAiba": 40})
    for _ in range(2):
        arena.emit(request(aiba=5))
    assert arena.left("AIBA") == {0: 0, 1: 10, 2: 10, 3: 10}
    writes = arena.emit(request(aiba=5)).writes
    assert len(writes) == 2
    assert arena.left("AIBA") == {0: 5, 1: 0, 2: 10, 3: 10}


def test_equally_busy_stripes_share() -> None:
    arena = Arena({"dailyCapAiba": 400}, stripes_total=2)
    for stripe, amount in ((0, 200), (1, 100)):
        arena.emit(request(aiba=amount), stripe)
    assert arena.left("AIBA") == {0: 0, 1: 100}
    arena.emit(request(aiba=10))
    assert arena.left("AIBA") == {0: 67 - 10, 1: 33}


def test_a_reward_larger_than_any_allowance_is_collected_from_several() -> None:
    arena = Arena({"dailyCapAiba": 40})
    arena.emit(request(aiba=1))
    assert arena.emit(request(aiba=39), stripe=2).results == {"AIBA": "ok"}
    assert set(arena.left("AIBA").values()) == {0}


def test_a_refusal_is_remembered_and_costs_no_second_look() -> None:
    arena = Arena({"dailyCapAiba": 40})
    arena.emit(request(aiba=35))
    assert arena.emit(request(aiba=6)).results == {"AIBA": "cap_exceeded"}
    arena.loads = 0
    refused = arena.emit(request(aiba=6))
    assert (refused.results, refused.writes, arena.loads) == ({"AIBA": "cap_exceeded"}, (), 0)
    assert arena.emit(request(aiba=5)).results == {"AIBA": "ok"}


def test_more_than_the_cap_itself_is_refused_unread() -> None:
    arena = Arena({"dailyCapAiba": 40})
    refused = arena.emit(request(aiba=41))
    assert (refused.results, refused.writes, arena.loads) == ({"AIBA": "cap_exceeded"}, (), 0)


def test_a_raised_cap_makes_room_at_once() -> None:
    arena = Arena({"dailyCapAiba": 40})
    arena.emit(request(aiba=40))
    assert arena.emit(request(aiba=1)).results == {"AIBA": "cap_exceeded"}
    arena.config = {"dailyCapAiba": 60}
    assert arena.emit(request(aiba=20)).results == {"AIBA": "ok"}
    assert arena.emit(request(aiba=1)).results == {"AIBA": "cap_exceeded"}
    check_sums(arena.stripes(), arena.config)


def test_a_cap_lowered_below_what_is_emitted_stops_emission_on_every_stripe() -> None:
    arena = Arena({"dailyCapAiba": 400})
    for stripe in range(4):
        arena.emit(request(aiba=50), stripe)
    arena.config = {"dailyCapAiba": 150}
    assert [arena.emit(request(aiba=1), stripe).results["AIBA"] for stripe in range(4)] == ["cap_exceeded"] * 4
    assert set(arena.left("AIBA").values()) == {0}
    arena.config = {"dailyCapAiba": 201}
    assert arena.emit(request(aiba=1), stripe=3).results == {"AIBA": "ok"}


def test_a_cap_lowered_and_put_back_loses_nothing() -> None:
    arena = Arena({"dailyCapAiba": 400})
    arena.emit(request(aiba=100))
    arena.config = {"dailyCapAiba": 100}
    arena.emit(request(aiba=1))
    arena.config = {"dailyCapAiba": 400}
    assert arena.emit(request(aiba=300)).results == {"AIBA": "ok"}


def test_an_arena_cap_set_during_the_day_counts_what_went_before() -> None:
    arena = Arena()
    arena.emit(request(aiba=50), stripe=1)
    arena.config = {"dailyCapAibaByArena": {"arb": 60}}
    assert arena.emit(request(aiba=11)).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request(aiba=10)).results == {"AIBA": "ok"}
    assert arena.emit(request(aiba=1), stripe=1).results == {"AIBA": "cap_exceeded"}


def test_an_arena_cap_taken_away_and_put_back_counts_what_went_between() -> None:
    """Not only on the stripe that emitted meanwhile: the others, too, must have noticed."""
    capped = {"dailyCapAibaByArena": {"arb": 60}}
    arena = Arena(capped)
    arena.emit(request(aiba=4))
    arena.config = {}
    arena.emit(request(aiba=50))
    arena.config = capped
    assert arena.emit(request(aiba=7), stripe=2).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request(aiba=6), stripe=1).results == {"AIBA": "ok"}
    assert arena.emit(request(aiba=1), stripe=3).results == {"AIBA": "cap_exceeded"}


def test_a_stripe_created_by_a_payment_still_shares_out_the_day() -> None:
    arena = Arena({"dailyCapAiba": 40})
    arena.database.commit([spend_counters("AIBA", 50, "upgrade", "upgrades", DAY, 0)])
    arena.emit(request(aiba=7))
    assert sum(arena.left("AIBA").values()) == 33
    assert arena.stripes()[0]["burnedAiba"] == 50


def test_a_sum_that_is_wrong_is_put_right_when_it_is_next_looked_at() -> None:
    """An operator corrected a counter by hand: 20 of the 33 left were emitted after all."""
    arena = Arena({"dailyCapAiba": 40})
    arena.emit(request(aiba=7))
    arena.database.commit([counters(DAY, 2, [("emittedAiba", 20)])])
    assert arena.emit(request(aiba=14)).results == {"AIBA": "cap_exceeded"}
    assert arena.emit(request(aiba=13)).results == {"AIBA": "ok"}
    check_sums(arena.stripes(), arena.config)


def test_a_stripe_that_keeps_its_share_is_written_all_the_same() -> None:
    """To MongoDB an update that says nothing is an empty document in the place of the stripe."""
    arena = Arena({"dailyCapAiba": 400})
    arena.emit(request(aiba=2))
    arena.database.commit([counters(DAY, 3, [("rooms.aiba.left", -1)])])
    writes = arena.decide(arena.database.now(), request(aiba=99), 0).writes
    assert [write.where["_id"] for write in writes] == [f"{DAY}#{stripe}" for stripe in range(4)]
    assert all(write.change for write in writes)
    arena.emit(request(aiba=99))
    assert arena.emitted("AIBA") == 101
    check_sums(arena.stripes(), arena.config)


@pytest.mark.parametrize(("before", "after"), [(4, 2), (2, 4), (1, 3)])
def test_the_number_of_stripes_may_change_during_the_day(before: int, after: int) -> None:
    arena = Arena({"dailyCapAiba": 100}, stripes_total=before)
    arena.emit(request(aiba=10), stripe=before - 1)
    arena.stripes_total = after
    granted = sum(arena.emit(request(aiba=9), stripe).granted["AIBA"] for stripe in list(range(after)) * 10)
    assert (granted, arena.emitted("AIBA")) == (90, 100)


def test_a_stripe_left_over_from_a_larger_number_of_them_learns_of_new_terms() -> None:
    """Environments of an older release may still prefer it."""
    arena = Arena({"dailyCapAiba": 100}, stripes_total=4)
    arena.emit(request(aiba=10), stripe=3)
    arena.stripes_total = 2
    for cap, amount in ((99, 40), (100, 50)):
        arena.config = {"dailyCapAiba": cap}
        assert arena.emit(request(aiba=amount)).results == {"AIBA": "ok"}
    arena.stripes_total = 4
    assert arena.emit(request(aiba=1), stripe=3).results == {"AIBA": "cap_exceeded"}


def test_a_stripe_outside_the_range_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="stripe"):
        Arena().emit(request(aiba=1), stripe=4)


def test_arena_names_cannot_break_out_of_their_field() -> None:
    names = ["a.b", "$set", "", "%", "a:b", "x\0y", "arb"]
    arena = Arena({"dailyCapAibaByArena": dict.fromkeys(names, 20)})
    for name in names:
        assert arena.emit(request(name, aiba=15)).results == {"AIBA": "ok"}
        assert arena.emit(request(name, aiba=6)).results == {"AIBA": "cap_exceeded"}
    assert arena.emitted("AIBA") == 15 * len(names)
    check_sums(arena.stripes(), arena.config)


@given(st.text(), st.text())
def test_field_keys_are_safe_and_distinct(one: str, other: str) -> None:
    assert (field_key(one) == field_key(other)) == (one == other)
    assert field_key(one)
    assert not set(field_key(one)) & set(".$:\0")


@pytest.mark.parametrize("busy", [1, 4, STRIPES])
def test_few_requests_need_to_look_beyond_their_stripe(busy: int) -> None:
    """A day's 10,000 rewards and as many refusals: the exact number of looks is chance, its size is not."""
    arena = Arena(stripes_total=STRIPES)
    chance = random.Random(7)
    requests = 0
    while arena.emitted("AIBA") < 1_000_000 - 60:
        arena.emit(request(aiba=chance.randrange(60, 140)), chance.randrange(busy))
        requests += 1
    assert arena.loads <= 0.02 * requests
    arena.loads = 0
    for _ in range(1000):
        arena.emit(request(aiba=chance.randrange(60, 140)), chance.randrange(busy))
    assert arena.loads <= 2 * busy
