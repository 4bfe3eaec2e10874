"""Standings: kept in the battle's transaction, always equal to the sums over battles."""

import contextlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.arena.battle import BattleResult
from chalicelib.arena.ports import Update
from chalicelib.arena.standings import ALL, REALMS_MAX, Totals, stored_totals
from chalicelib.clock import ManualClock
from chalicelib.errors import ArenaError, Forbidden
from tests.standings import kept, realm_sums, still_held, summed
from tests.worlds import World

PLAYERS = ("10", "20", "30")
LEAGUES = ("rookie", "pro", "elite", "gold.$%7C|")


class Heard:
    """Remembers the battles it was told of."""

    def __init__(self) -> None:
        self.results: list[BattleResult] = []

    def fought(self, result: BattleResult) -> None:
        self.results.append(result)


def set_time(clock: ManualClock, moment: datetime) -> None:
    clock.advance((moment - clock()).total_seconds())


@pytest.mark.parametrize(("length", "seed"), [("month", 1), ("week", 2)])
def test_standings_equal_the_sums_over_battles(world: World, length: str, seed: int) -> None:
    """Random battles of several leagues across season ends; some are refused, some repeated."""
    draw = random.Random(seed)
    world.configure(seasonLength=length, baseRewardNeurPerScore=1)
    world.add("gamemodes", key="odd", enabled=True, arena="odd", league=LEAGUES[-1], energyCost=1, cooldownSeconds=0)
    brokers = {}
    for who in PLAYERS:
        world.add_player(who, realmProgress={"desert": {}} if who == "20" else {})
        brokers[who] = world.add_broker(who, energy=100, level=20)
    heard = Heard()
    service = world.battles(listeners=[heard])
    fought = 0
    for number in range(60):
        who = draw.choice(PLAYERS)
        odd = draw.random() < 0.3
        command = world.command(
            brokers[who],
            f"r{draw.randrange(50)}" if number > 40 else f"r{number}",
            telegram_id=who,
            **({"mode_key": "odd"} if odd else {"league": draw.choice(LEAGUES[:3])}),
        )
        with contextlib.suppress(ArenaError):
            fought += not service.run(command).replayed
        world.clock.advance(draw.choice([1, 60, 3600, 86_400, 5 * 86_400]))
    assert 15 < fought == len(heard.results) == len(world.read("battles"))
    expected = summed(world.read("battles"), length)
    for who in PLAYERS:
        user = world.one("users", telegramId=who)
        assert kept(user) == still_held(expected[who], user), (seed, who)
        assert len(user["seasons"]) <= 2
        latest = max(battle["createdAt"] for battle in world.all("battles", ownerTelegramId=who))
        assert user["standingsAt"] == latest
    realm = realm_sums(world.one("users", telegramId="20"))
    assert realm
    assert {(season, ALL): totals for (season, _), totals in realm.items()} == {
        key: totals for key, totals in kept(world.one("users", telegramId="20")).items() if key[1] == ALL
    }


def test_listeners_hear_of_battles_and_not_of_replays(world: World) -> None:
    """What they are told of the standings is what was stored."""
    world.add_player(realmProgress={"desert": {}})
    broker = world.add_broker(energy=100)
    heard = Heard()
    service = world.battles(listeners=[heard])
    for _ in range(2):
        service.run(world.command(broker))
    with pytest.raises(ArenaError):
        service.run(world.command(broker, "refused"))
    world.clock.advance(60)
    service.run(world.command(broker, "second"))
    first, second = heard.results
    assert not first.replayed
    user = world.one("users", telegramId="777")
    told = {(standing.season, standing.board): standing.totals for standing in second.standings}
    assert set(told) == {
        (season, board) for season in (None, "2026-11") for board in ("all", "league:rookie", "realm:desert")
    }
    assert told == {(season, board): stored_totals(user, season, board) for season, board in told}
    assert told[None, ALL].battles == 2


@pytest.mark.parametrize(
    ("length", "last", "before", "after"),
    [
        ("month", datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC), "2026-11", "2026-12"),
        ("week", datetime(2027, 1, 3, 23, 59, 59, 999_000, tzinfo=UTC), "2026-W53", "2027-W01"),
    ],
)
def test_the_time_of_the_battle_decides_its_season(
    world: World, length: str, last: datetime, before: str, after: str
) -> None:
    """The last millisecond belongs to the season that ends, the next to the one that begins."""
    world.configure(seasonLength=length)
    world.add_player()
    brokers = [world.add_broker(energy=100, intelligence=90) for _ in range(2)]
    set_time(world.clock, last)
    old = world.battles().run(world.command(brokers[0], "old")).battle
    set_time(world.clock, last + timedelta(milliseconds=1))
    new = world.battles().run(world.command(brokers[1], "new")).battle
    user = world.one("users", telegramId="777")
    assert stored_totals(user, before, ALL) == Totals.of_battle(old)
    assert stored_totals(user, after, ALL) == Totals.of_battle(new)
    assert stored_totals(user, None, ALL) == Totals.of_battle(old) + Totals.of_battle(new)


def test_the_season_before_the_current_one_stays_until_the_next(world: World) -> None:
    """By the calendar: it may still have to be archived; what ended before it can't be any more."""
    world.add_player()
    broker = world.add_broker(energy=100)
    seasons: list[list[str]] = []
    for month in (1, 2, 8, 9):
        set_time(world.clock, datetime(2027, month, 15, tzinfo=UTC))
        world.battles().run(world.command(broker, f"in-{month}"))
        seasons.append(sorted(world.one("users", telegramId="777")["seasons"]))
    assert seasons == [["2027-01"], ["2027-01", "2027-02"], ["2027-08"], ["2027-08", "2027-09"]]


def test_a_realm_compares_all_battles_of_those_who_are_in_it(world: World) -> None:
    """Whoever joins brings the battles fought before; the number of realms a battle counts on is bounded."""
    world.add_player()
    broker = world.add_broker(energy=100, intelligence=90)
    first = world.battles().run(world.command(broker, "first")).battle
    joined = {f"r{number:03d}": {"xp": 1} for number in range(REALMS_MAX + 5)}
    world.write(Update("users", {"telegramId": "777"}, {"$set": {"realmProgress": joined}}))
    world.clock.advance(60)
    second = world.battles().run(world.command(broker, "second")).battle
    user = world.one("users", telegramId="777")
    both = Totals.of_battle(first) + Totals.of_battle(second)
    assert stored_totals(user, None, "realm:r000") == stored_totals(user, "2026-11", "realm:r000") == both
    assert len(realm_sums(user)) == 2 * REALMS_MAX


def test_a_refused_battle_changes_no_standing(world: World) -> None:
    """Neither energy nor standings."""
    world.add_player()
    broker = world.add_broker(energy=1)
    before = world.everything()
    with pytest.raises(Forbidden):
        world.battles().run(world.command(broker))
    assert world.everything() == before
