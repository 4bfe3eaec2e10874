"""Section 8 and section 5's account: what is read, by everyone and by the player."""

from typing import Any, Final

from tests.integration.transcript.exchange import (
    BROKER,
    ID,
    TEXT,
    TIME,
    Exchange,
    broker,
    data,
    economy,
    invalid,
    mode,
    player,
    realm,
    refusal,
)


def game_mode(key: str, arena: str, league: str, energy: int, cooldown: int, **rules: Any) -> dict[str, Any]:
    return {
        "_id": ID,
        "key": key,
        "name": f"{arena} ({league})",
        "description": "Auto-generated default game mode",
        "enabled": True,
        "arena": arena,
        "league": league,
        "energyCost": energy,
        "cooldownSeconds": cooldown,
        "entryNeurCost": 0,
        "entryAibaCost": 0,
        "rewardMultiplierAiba": 1,
        "rewardMultiplierNeur": 1,
        "rules": rules,
        "createdAt": TIME,
        "updatedAt": TIME,
        "__v": 0,
    }


REALM: Final = {
    "_id": ID,
    "key": "ai",
    "name": "AI",
    "description": "",
    "level": 1,
    "order": 1,
    "active": True,
    "unlockCriteria": {},
    "tracks": ["research"],
}
ECONOMY: Final = {
    "baseRewardAibaPerScore": 2,
    "baseRewardNeurPerScore": 0,
    "trainNeurCost": 25,
    "repairNeurCost": 15,
    "upgradeAibaCost": 50,
    "combineNeurCost": 50,
    "mintAibaCost": 100,
    "createGroupCostTonNano": 1_000_000_000,
    "boostGroupCostTonNano": 1_000_000_000,
    "leaderboardTopFreeCreate": 50,
    "createBrokerCostTonNano": 1_000_000_000,
    "boostProfileCostTonNano": 1_000_000_000,
    "boostProfileDurationDays": 7,
    "giftCostTonNano": 1_000_000_000,
    "marketplaceDefaultNewBrokerPriceAIBA": 10,
    "starRewardPerBattle": 1,
    "diamondRewardFirstWin": 1,
    "courseCompletionBadgeMintCostTonNano": 10_000_000_000,
    "fullCourseCompletionCertificateMintCostTonNano": 15_000_000_000,
}
ACCOUNT: Final = {
    "telegramId": "777",
    "wallet": "",
    "neurBalance": 0,
    "aibaBalance": 0,
    "starsBalance": 0,
    "diamondsBalance": 0,
    "badges": [],
    "economy": ECONOMY,
    "profileBoostedUntil": None,
    "schoolId": None,
}
DEFAULTS: Final = [
    game_mode(
        arena if league == "rookie" else f"{arena}-{league}",
        arena,
        league,
        energy + (5 if arena == "guildWars" else 0),
        cooldown + (15 if arena == "guildWars" else 0),
        **({"requiresGuild": True} if arena == "guildWars" else {}),
    )
    for arena in ("arbitrage", "guildWars", "prediction", "simulation", "strategyWars")
    for league, energy, cooldown in (("elite", 20, 60), ("pro", 15, 45), ("rookie", 10, 30))
]

EXCHANGES: Final = (
    Exchange(
        about="8: the fifteen default modes by arena, league, key",
        request="GET /api/game-modes",
        user=None,
        status=200,
        answer=data(DEFAULTS),
    ),
    Exchange(
        about="8: modes of an arena and a league",
        request="GET /api/game-modes?arena=prediction&league=pro",
        user=None,
        status=200,
        answer=data([game_mode("prediction-pro", "prediction", "pro", 15, 45)]),
    ),
    Exchange(
        about="8: only enabled modes",
        request="GET /api/game-modes?arena=prediction&league=pro",
        user=None,
        given=(mode("prediction-pro", enabled=False),),
        status=200,
        answer=data([]),
    ),
    Exchange(
        about="8: mode filters are measured",
        request=f"GET /api/game-modes?arena={'x' * 51}",
        user=None,
        status=400,
        answer=invalid(arena="maxLength:50"),
    ),
    Exchange(
        about="8: no realms by default", request="GET /api/realms", user=None, status=200, answer=data({"realms": []})
    ),
    Exchange(
        about="8: active realms by level, then order",
        request="GET /api/realms",
        user=None,
        given=(realm("c", level=2), realm("off", active=False), realm("b", order=2), realm("ai")),
        status=200,
        answer=data(
            {
                "realms": [
                    REALM,
                    {**REALM, "key": "b", "name": "B", "order": 2},
                    {**REALM, "key": "c", "name": "C", "level": 2},
                ]
            }
        ),
    ),
    Exchange(
        about="8: one realm",
        request="GET /api/realms/ai",
        user=None,
        given=(realm("ai"),),
        status=200,
        answer=data({"realm": REALM}),
    ),
    Exchange(
        about="8: no such realm",
        request="GET /api/realms/none",
        user=None,
        status=404,
        answer=refusal("Realm not found"),
    ),
    Exchange(
        about="8: where to find help, unset",
        request="GET /api/comms/config",
        user=None,
        status=200,
        answer=data({"supportLink": None, "supportTelegramGroup": None}),
    ),
    Exchange(
        about="8: where to find help",
        request="GET /api/comms/config",
        user=None,
        given=(economy(supportLink="https://help.test", supportTelegramGroup="@help"),),
        status=200,
        answer=data({"supportLink": "https://help.test", "supportTelegramGroup": "@help"}),
    ),
    Exchange(
        about="8: readiness",
        request="GET /health/ready",
        user=None,
        status=200,
        answer=data(
            {
                "ready": True,
                "dependencies": {"mongodb": "up", "redis": "off"},
                "environment": {"region": TEXT, "functionVersion": TEXT, "initializationType": TEXT},
            }
        ),
    ),
    Exchange(
        about="8: metrics are Prometheus text",
        request="GET /metrics",
        user=None,
        status=200,
        answer=None,
        answer_headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"},
    ),
    Exchange(
        about="5: the account of a player who has nothing",
        request="GET /api/economy/me",
        status=200,
        answer=data(ACCOUNT),
    ),
    Exchange(
        about="5: the account of a player who has something",
        request="GET /api/economy/me",
        given=(
            player(neurBalance=1, aibaBalance=2, starsBalance=3, diamondsBalance=4, badges=["b"], wallet="EQ"),
            lambda scene: player(profileBoostedUntil=scene.now)(scene),
        ),
        status=200,
        answer=data(
            {**ACCOUNT, "neurBalance": 1, "aibaBalance": 2, "starsBalance": 3, "diamondsBalance": 4}
            | {"badges": ["b"], "wallet": "EQ", "profileBoostedUntil": TIME}
        ),
    ),
    Exchange(
        about="5: a school",
        request="PATCH /api/economy/me",
        body={"schoolId": BROKER},
        status=200,
        answer={"ok": True, "schoolId": BROKER, "requestId": "call-1"},
    ),
    Exchange(
        about="5: what is no id is no school",
        request="PATCH /api/economy/me",
        body={"schoolId": "none"},
        status=200,
        answer={"ok": True, "schoolId": None, "requestId": "call-1"},
    ),
    Exchange(
        about="5: no field",
        request="PATCH /api/economy/me",
        body={},
        status=400,
        answer=refusal("no valid fields to update"),
    ),
    Exchange(
        about="5: a school's id is measured",
        request="PATCH /api/economy/me",
        body={"schoolId": "x" * 31},
        status=400,
        answer=invalid(schoolId="maxLength:30"),
    ),
    Exchange(
        about="9: players' brokers are their own",
        request="GET /api/brokers/mine",
        given=(broker(owner=888),),
        status=200,
        answer=data([]),
    ),
)
