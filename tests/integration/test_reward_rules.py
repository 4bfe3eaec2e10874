"""What multiplies, limits and forfeits rewards, as a player meets it over HTTP."""

import math
from datetime import timedelta
from typing import Any

import pytest
from chalice.app import Chalice
from pymongo.database import Database

from tests.gateway import call
from tests.http_arena import SCHEDULED, Caller, fight, start
from tests.worlds import NOON

SCORE = 50
"""Of a fresh broker where there is no chance."""

BASE = 2 * SCORE

Db = Database[dict[str, Any]]


@pytest.fixture
def broker(player: Caller, database: Db) -> str:
    """A broker that fights for nothing, as often as it likes, and always scores 50."""
    database.gamemodes.update_many(
        {}, {"$set": {"energyCost": 0, "cooldownSeconds": 0, "rules.varianceBase": 0, "rules.minBrokerLevel": 1}}
    )
    return start(player)


def reward(player: Caller, broker: str) -> int:
    answer = fight(player, broker)
    assert (answer.status, answer.data["score"]) == (200, SCORE)
    return int(answer.data["rewardAiba"])


def set_user(database: Db, **fields: Any) -> None:
    """Puts the player's state before the next battle; no win streak unless given."""
    state = {"battleWinStreak": 0, "loginStreakDays": 0, "premiumUntil": None, **fields}
    assert database.users.update_one({"telegramId": "777"}, {"$set": state}).matched_count == 1


def test_streaks_and_premium_multiply_by_the_state_before_the_battle(player: Caller, broker: str, database: Db) -> None:
    """Login streak, win streak and premium, alone and together, floored once."""
    cases: list[tuple[dict[str, Any], float]] = [
        ({}, 1),
        ({"loginStreakDays": 4}, 1 + 3 * 0.25 / 6),
        ({"loginStreakDays": 7}, 1.25),
        ({"loginStreakDays": 29}, 1.25),
        ({"loginStreakDays": 30}, 1.5),
        ({"battleWinStreak": 3}, 1.03),
        ({"battleWinStreak": 80}, 1.05),
        ({"premiumUntil": NOON + timedelta(seconds=1)}, 2),
        ({"premiumUntil": NOON}, 1),
        ({"loginStreakDays": 30, "battleWinStreak": 5, "premiumUntil": NOON + timedelta(days=1)}, 1.5 * 1.05 * 2),
    ]
    for state, factor in cases:
        set_user(database, **state)
        assert reward(player, broker) == math.floor(BASE * factor), state


def test_the_win_streak_lives_a_day(player: Caller, broker: str, database: Db) -> None:
    """Wins less than 24 hours after the last one count up; later, the streak begins again."""
    assert [reward(player, broker) for _ in range(3)] == [100, 101, 102]
    day = timedelta(days=1)
    for last_win, streak in ((NOON - day + timedelta(milliseconds=1), 4), (NOON - day, 1)):
        set_user(database, battleWinStreak=3, lastBattleWinAt=last_win)
        assert reward(player, broker) == 103
        user = database.users.find_one({"telegramId": "777"})
        assert user is not None
        assert (user["battleWinStreak"], user["lastBattleWinAt"].hour) == (streak, NOON.hour)


def test_an_own_code_used_three_times_adds_a_hundredth(player: Caller, broker: str, database: Db) -> None:
    """Two uses do not, nor does an inactive code."""
    cases = [
        ({"uses": 2, "active": True}, 100),
        ({"uses": 3, "active": False}, 100),
        ({"uses": 3, "active": True}, 101),
    ]
    for code, want in cases:
        database.referrals.update_one({"code": "c"}, {"$set": {"ownerTelegramId": "777", **code}}, upsert=True)
        set_user(database)
        assert reward(player, broker) == want


def test_of_several_boosts_the_one_that_lasts_longest_counts(player: Caller, broker: str, database: Db) -> None:
    """Expired ones do not; the boost multiplies what the streaks made, and each step floors."""
    boosts = [(1.2, 10), (3, -1), (1.5, 20)]
    database.boosts.insert_many(
        [{"telegramId": "777", "multiplier": m, "expiresAt": NOON + timedelta(seconds=s)} for m, s in boosts]
    )
    set_user(database, battleWinStreak=3)
    assert reward(player, broker) == math.floor(math.floor(BASE * 1.03) * 1.5)


def test_outside_its_window_a_battle_pays_nothing_and_still_counts(player: Caller, broker: str, database: Db) -> None:
    """The most specific window decides: arena and league, arena, any, the global hours."""
    noon = {"startHourUtc": 12, "endHourUtc": 13}
    other = {"startHourUtc": 13, "endHourUtc": 12}
    cases: list[tuple[dict[str, Any], int]] = [
        ({"emissionStartHourUtc": 12, "emissionEndHourUtc": 13}, BASE),
        ({"emissionStartHourUtc": 13, "emissionEndHourUtc": 24}, 0),
        ({"emissionStartHourUtc": 12, "emissionEndHourUtc": 12}, 0),
        ({"emissionWindows": {"*": other}}, 0),
        ({"emissionWindows": {"*": other, "prediction": noon}}, BASE),
        ({"emissionWindows": {"prediction": noon, "prediction:rookie": other}}, 0),
        ({"emissionWindows": {"prediction:pro": other}}, BASE),
    ]
    for settings, want in cases:
        fresh = {"emissionStartHourUtc": 0, "emissionEndHourUtc": 24, "emissionWindows": {}}
        database.economyconfigs.update_one({}, {"$set": {**fresh, **settings}})
        set_user(database)
        assert reward(player, broker) == want, settings
    stars = player("GET", "/api/economy/me").data["starsBalance"]
    assert stars == len(cases)


def test_a_used_up_cap_pays_nothing_and_still_counts(player: Caller, broker: str, database: Db) -> None:
    """200 with a reward of 0; the other currency is paid."""
    settings = {"dailyCapAiba": BASE, "baseRewardNeurPerScore": 1}
    database.economyconfigs.update_one({}, {"$set": settings})
    assert reward(player, broker) == BASE
    set_user(database)
    answer = fight(player, broker)
    assert (answer.status, answer.data["rewardAiba"], answer.data["rewardNeur"]) == (200, 0, SCORE)


def test_only_the_first_win_ever_brings_a_diamond(player: Caller, broker: str) -> None:
    assert [fight(player, broker).data["firstWinDiamond"] for _ in range(2)] == [1, 0]
    assert player("GET", "/api/economy/me").data["diamondsBalance"] == 1


def test_the_sixth_anomalous_battle_is_refused(player: Caller, broker: str, database: Db) -> None:
    """Five are fought and paid, the broker is banned by the fifth, another one may still fight."""
    database.economyconfigs.update_one({}, {"$set": {"battleAnomalyScoreMax": 10}})
    for _ in range(5):
        answer = fight(player, broker)
        assert (answer.status, answer.data["anomaly"]) == (200, True)
        assert answer.data["anomalyReason"] == f"score_out_of_range:{SCORE}"
        assert answer.data["rewardAiba"] >= BASE
    refused = fight(player, broker)
    assert (refused.status, refused.error["code"]) == (403, "broker banned")
    assert refused.error["details"] == {"reason": "auto-banned (anomaly threshold)"}
    assert fight(player, start(player)).status == 200


def test_the_twenty_fifth_anomaly_bans_the_player_for_a_day(player: Caller, broker: str, database: Db) -> None:
    """No broker of theirs may fight until the time named has come."""
    database.economyconfigs.update_one({}, {"$set": {"battleAnomalyScoreMax": 10}})
    database.users.update_one({"telegramId": "777"}, {"$set": {"anomalyFlags": 24}})
    assert fight(player, broker).status == 200
    refused = fight(player, start(player))
    assert (refused.status, refused.error["code"]) == (403, "banned")
    assert refused.error["details"]["until"] == "2026-11-24T12:00:00.000Z"
    set_user(database, bannedUntil=NOON)
    assert fight(player, start(player)).status == 200


def test_the_referrer_is_paid_by_the_scheduled_function(
    player: Caller, broker: str, database: Db, api: Chalice
) -> None:
    """The battle's answer has nothing of it; a minute later the referrer has two hundredths."""
    database.referrals.insert_one({"code": "c", "ownerTelegramId": "888", "uses": 1, "active": True})
    database.referraluses.insert_one({"code": "c", "referrerTelegramId": "888", "refereeTelegramId": "777"})
    assert reward(player, broker) == BASE
    assert player("GET", "/api/economy/me", user=888).data["aibaBalance"] == 0
    report = api.handler_map["follow_ups"](SCHEDULED, None)
    assert (report["events"], report["earnings"], report["complete"]) == (1, 1, True)
    assert player("GET", "/api/economy/me", user=888).data["aibaBalance"] == 2


def test_realms_by_key_and_where_to_find_help(api: Chalice, database: Db) -> None:
    """Inactive realms do not exist; by level, then order; links as operators set them."""
    rows = [("c", 2, 0, True), ("b", 1, 2, True), ("a", 1, 1, True), ("hidden", 0, 0, False)]
    database.realms.insert_many([dict(zip(("key", "level", "order", "active"), row, strict=True)) for row in rows])
    assert [realm["key"] for realm in call(api, "GET", "/api/realms").data["realms"]] == ["a", "b", "c"]
    assert call(api, "GET", "/api/realms/b").data["realm"]["order"] == 2
    for missing in ("hidden", "B", "%00", "$ne"):
        answer = call(api, "GET", f"/api/realms/{missing}")
        assert (answer.status, answer.error["code"]) == (404, "Realm not found")
    links = {"supportLink": "https://help.test", "supportTelegramGroup": "t.me/help"}
    database.economyconfigs.update_one({}, {"$set": links})
    assert call(api, "GET", "/api/comms/config").data == links
