"""A battle, from command to what is answered and stored; on both stores."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from bson import ObjectId

from chalicelib.arena import engine
from chalicelib.arena.ports import Outcome, Snapshot, Store
from chalicelib.errors import ArenaError
from tests.worlds import NOON, SECRET, World

T = TypeVar("T")


def strong(world: World, **fields: Any) -> dict[str, Any]:
    """A broker that wins every battle."""
    return world.add_broker(**{"energy": 100, "intelligence": 90, "speed": 90, "risk": 10, **fields})


def test_a_battle_is_stored_paid_and_answered_alike(world: World) -> None:
    """Battle, broker, balances, ledger, streak and event agree with the engine and each other."""
    world.add_player()
    broker = strong(world)
    result = world.battles().run(world.command(broker))

    seed = engine.battle_seed(
        SECRET,
        telegram_id="777",
        broker_id=str(broker["_id"]),
        mode_key="prediction",
        arena="prediction",
        league="rookie",
        request_id="request-1",
    )
    battle = world.one("battles")
    assert battle["seedHex"] == seed.hex
    assert battle["score"] == engine.simulate_battle(broker, seed.value, "prediction", "rookie")
    assert battle["rewardAiba"] == 2 * battle["score"]
    assert result.body() == {**battle, "starsGranted": 1, "firstWinDiamond": 1}
    assert list(battle)[1:] == [
        *("requestId", "ownerTelegramId", "brokerId", "arena", "league", "modeKey", "seedHex", "score", "rewardAiba"),
        *("rewardNeur", "guildId", "opponentGuildId", "guildShareNeur", "anomaly", "anomalyReason", "claim"),
        *("createdAt", "updatedAt", "__v"),
    ]

    after = world.one("brokers")
    assert (after["energy"], after["lastBattleAt"], after["lastRequestId"]) == (90, NOON, "request-1")
    assert after["cooldowns"] == {"prediction": NOON}

    user = world.one("users")
    assert (user["aibaBalance"], user["starsBalance"], user["diamondsBalance"]) == (battle["rewardAiba"], 1, 1)
    assert (user["battleWinStreak"], user["lastBattleWinAt"]) == (1, NOON)
    assert user["firstWinDiamondAwardedAt"] == NOON

    rows = {
        (row["currency"], row["reason"], row["amount"]) for row in world.all("ledgerentries", battleId=battle["_id"])
    }
    assert rows == {
        ("AIBA", "battle_reward", battle["rewardAiba"]),
        ("STARS", "battle_reward", 1),
        ("DIAMONDS", "first_win", 1),
    }
    event = world.one("outbox")
    assert (event["entity"], event["op"]) == ("battle", "insert")
    assert event["payload"]["battle"] == battle
    assert event["payload"]["ledger"] == world.read("ledgerentries")
    assert sum(day["emittedAiba"] for day in world.read("economydays") if "emittedAiba" in day) == battle["rewardAiba"]


def test_the_same_request_again_is_answered_with_the_stored_battle_and_changes_nothing(world: World) -> None:
    """Parameters are not compared, and the answer lacks what only a fresh battle says."""
    world.add_player()
    first = world.battles().run(world.command(strong(world)))
    before = world.everything()
    again = world.battles().run(world.command({"_id": ObjectId()}, arena="nowhere"))
    assert again.replayed
    assert again.body() == first.battle == world.one("battles")
    assert world.everything() == before


def test_the_first_win_pays_a_diamond_once(world: World) -> None:
    """The second win pays none."""
    world.add_player()
    broker = strong(world)
    assert world.battles().run(world.command(broker, "one")).first_win_diamond == 1
    world.clock.advance(30)
    assert world.battles().run(world.command(broker, "two")).first_win_diamond == 0
    user = world.one("users")
    assert (user["diamondsBalance"], user["starsBalance"], user["battleWinStreak"]) == (1, 2, 2)


def test_a_score_of_zero_pays_nothing_and_ends_the_streak(world: World) -> None:
    """No row, no star; the battle itself counts."""
    world.add_player(battleWinStreak=4, lastBattleWinAt=NOON)
    broker = strong(world, intelligence=0, speed=0, risk=0)
    world.add("gamemodes", key="dull", enabled=True, arena="dull", league="rookie", rules={"varianceBase": 0})
    result = world.battles().run(world.command(broker, mode_key="dull"))
    assert (result.battle["score"], result.stars_granted, result.first_win_diamond) == (0, 0, 0)
    assert world.read("ledgerentries") == []
    assert world.one("users")["battleWinStreak"] == 0


def test_innovation_then_boost_multiply_the_reward_each_floored(world: World) -> None:
    """Premium doubles, four wins in a row give 4 %, an active boost half as much again; an expired one nothing."""
    world.add_player(premiumUntil=NOON + timedelta(days=1), battleWinStreak=4)
    world.add("boosts", telegramId="777", multiplier=9, expiresAt=NOON)
    world.add("boosts", telegramId="777", multiplier=1.5, expiresAt=NOON + timedelta(hours=1))
    world.add("referrals", code="x", ownerTelegramId="777", uses=3, active=True)
    battle = world.battles().run(world.command(strong(world))).battle
    innovation = int(battle["score"] * 2 * (1.04 * 2 * 1.01))
    assert battle["rewardAiba"] == int(innovation * 1.5)


def test_a_given_mode_key_wins_over_arena_and_league(world: World) -> None:
    """The resolved mode's names are stored, not the client's."""
    world.add_player()
    command = world.command(strong(world), mode_key="simulation", arena="prediction", league="elite")
    battle = world.battles().run(command).battle
    assert (battle["modeKey"], battle["arena"], battle["league"]) == ("simulation", "simulation", "rookie")


def test_among_modes_of_one_arena_the_lowest_enabled_key_is_fought(world: World) -> None:
    """A disabled mode is passed over."""
    world.add_player()
    world.add("gamemodes", key="a-off", enabled=False, arena="prediction", league="rookie")
    world.add("gamemodes", key="b-on", enabled=True, arena="prediction", league="rookie")
    assert world.battles().run(world.command(strong(world))).battle["modeKey"] == "b-on"


def test_names_that_no_update_path_could_hold_are_stored_all_the_same(world: World) -> None:
    """Operators name modes and arenas freely."""
    world.add_player()
    world.add("gamemodes", key="v1.0 $x", enabled=True, arena="war.of.$", league="rookie", cooldownSeconds=60)
    broker = strong(world)
    world.battles().run(world.command(broker, "one", mode_key="v1.0 $x"))
    assert world.one("brokers")["cooldowns"] == {"v1.0 $x": NOON, "war.of.$": NOON}
    with pytest.raises(ArenaError, match="cooldown"):
        world.battles().run(world.command(broker, "two", mode_key="v1.0 $x"))


def test_energy_regenerates_before_it_is_spent_and_the_remainder_is_kept(world: World) -> None:
    """Ten minutes and half give ten units; the half minute stays on the clock."""
    world.add_player()
    strong(world, energy=5, energyUpdatedAt=NOON - timedelta(seconds=630))
    broker = world.one("brokers")
    world.battles().run(world.command(broker))
    after = world.one("brokers")
    assert (after["energy"], after["energyUpdatedAt"]) == (5, NOON - timedelta(seconds=30))


def test_whoever_rents_a_broker_may_fight_with_it(world: World) -> None:
    """The reward is the player's, the broker stays the owner's."""
    world.add_player("777")
    broker = strong(world, ownerTelegramId="owner", rentedByTelegramId="777", rentedUntil=NOON + timedelta(seconds=1))
    assert world.battles().run(world.command(broker)).battle["ownerTelegramId"] == "777"
    assert world.one("brokers")["ownerTelegramId"] == "owner"
    world.clock.advance(60)
    with pytest.raises(ArenaError, match="not your broker"):
        world.battles().run(world.command(broker, "later"))


def test_entry_costs_are_debited_counted_and_remembered_for_the_day(world: World) -> None:
    """NEUR is spent, AIBA burned; the net change reaches the balance in one go."""
    world.add_player(neurBalance=30, aibaBalance=50, dailyComboSpentTodayAiba=9, dailyComboSpentDate="2026-11-22")
    world.add("gamemodes", key="paid", enabled=True, arena="paid", league="rookie", entryNeurCost=30, entryAibaCost=20)
    result = world.battles(stripe=3).run(world.command(strong(world), mode_key="paid"))
    user = world.one("users")
    assert user["neurBalance"] == 0
    assert user["aibaBalance"] == 30 + result.battle["rewardAiba"]
    assert (user["dailyComboSpentTodayAiba"], user["dailyComboSpentDate"]) == (20, "2026-11-23")
    debits = {(row["currency"], row["amount"], row["arena"]) for row in world.all("ledgerentries", direction="debit")}
    assert debits == {("NEUR", 30, "paid"), ("AIBA", 20, "paid")}
    day = world.one("economydays", stripe=3)
    assert (day["spentNeur"], day["burnedAiba"], day["burnedAibaByReason"]) == (30, 20, {"entry": 20})


def test_environments_that_meet_on_a_stripe_part(world: World) -> None:
    """A thrown away attempt leaves its stripe, and the next battle begins where the last one was committed."""

    @dataclass(frozen=True)
    class Contended:
        """Throws the first attempt of the first transaction away."""

        store: Store
        lost: list[bool] = field(default_factory=list)

        def new_id(self) -> Any:
            return self.store.new_id()

        def transact(self, work: Callable[[Snapshot], Outcome[T]]) -> T:
            def attempt(snapshot: Snapshot) -> Outcome[T]:
                if not self.lost:
                    self.lost.append(True)
                    work(snapshot)
                return work(snapshot)

            return self.store.transact(attempt)

    world.add_player()
    service = replace(world, store=Contended(world.store)).battles(stripe=3)
    for number in range(3):
        service.run(world.command(strong(world), f"request-{number}"))
    emitted = {day["stripe"]: day.get("emittedAiba", 0) for day in world.all("economydays")}
    assert [stripe for stripe, amount in emitted.items() if amount] == [4]


def test_beyond_the_cap_the_reward_is_nothing_and_the_battle_counts(world: World) -> None:
    """Emission is all or nothing."""
    world.add_player()
    broker = strong(world)
    world.add("gamemodes", key="rich", enabled=True, arena="r", league="rookie", rewardMultiplierAiba=1_000_000)
    result = world.battles().run(world.command(broker, mode_key="rich"))
    assert (result.battle["rewardAiba"], dict(result.emissions)) == (0, {"AIBA": "cap_exceeded"})
    assert world.one("users")["aibaBalance"] == 0


def test_the_fifth_anomaly_bans_the_broker(world: World) -> None:
    """Each is paid and flagged; the sixth battle is refused."""
    world.add_player(anomalyFlags=24)
    broker = strong(world, anomalyFlags=4)
    world.add("gamemodes", key="wild", enabled=True, arena="wild", league="rookie", rules={"leagueMultiplier": 9})
    result = world.battles().run(world.command(broker, mode_key="wild"))
    score = result.battle["score"]
    assert (result.battle["anomaly"], result.battle["anomalyReason"]) == (True, f"score_out_of_range:{score}")
    assert result.battle["rewardAiba"] == 2 * score
    assert (result.broker_banned, result.user_banned) == (True, True)
    user = world.one("users")
    assert (user["anomalyFlags"], user["bannedUntil"]) == (25, NOON + timedelta(days=1))
    with pytest.raises(ArenaError, match="banned"):
        world.battles().run(world.command(broker, "next"))
    world.clock.advance(24 * 3600)
    with pytest.raises(ArenaError, match="broker banned"):
        world.battles().run(world.command(broker, "next"))


def test_a_player_without_a_document_is_given_one(world: World) -> None:
    """Someone known by a broker only is paid all the same."""
    broker = strong(world)
    result = world.battles().run(world.command(broker))
    user = world.one("users")
    assert (user["telegramId"], user["aibaBalance"], user["neurBalance"]) == ("777", result.battle["rewardAiba"], 0)
