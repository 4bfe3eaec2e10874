"""Section 3: POST /api/battle/run, row by row of its table."""

from datetime import timedelta
from typing import Any, Final

from tests.integration.transcript.exchange import (
    BROKER,
    CALL_ID,
    HEX64,
    ID,
    NOBODYS,
    OTHER,
    POSITIVE,
    SECOND_BROKER,
    TIME,
    Exchange,
    Given,
    broker,
    data,
    fought_ago,
    guild,
    invalid,
    mode,
    player,
    refusal,
    sent,
)

RUN: Final = "POST /api/battle/run"
BODY: Final = {"requestId": "battle-1", "brokerId": BROKER}
FOUGHT: Final = sent("POST", "/api/battle/run", BODY)

BATTLE: Final[dict[str, Any]] = {
    "requestId": "battle-1",
    "ownerTelegramId": "777",
    "brokerId": BROKER,
    "arena": "prediction",
    "league": "rookie",
    "modeKey": "prediction",
    "seedHex": HEX64,
    "score": POSITIVE,
    "rewardAiba": POSITIVE,
    "rewardNeur": 0,
    "guildId": None,
    "opponentGuildId": None,
    "guildShareNeur": 0,
    "anomaly": False,
    "anomalyReason": "",
    "claim": {
        "vaultAddress": "",
        "toAddress": "",
        "amount": "",
        "seqno": 0,
        "validUntil": 0,
        "signatureBase64": "",
        "payloadBocBase64": "",
    },
    "_id": ID,
    "createdAt": TIME,
    "updatedAt": TIME,
    "__v": 0,
}
"""The stored battle: what a replay answers."""

GRANTED: Final = {"starsGranted": 1, "firstWinDiamond": 1}
STUCK: Final = "403 once; the same requestId then answers 409 in_progress for 15 minutes"


def banned(hours: float) -> Given:
    return lambda scene: player(bannedUntil=scene.now + timedelta(hours=hours), bannedReason="spam")(scene)


EXCHANGES: Final = (
    Exchange(
        about="3: a battle fought; exactly the listed fields",
        request=RUN,
        body=BODY,
        given=(broker(),),
        status=200,
        answer=data(BATTLE | GRANTED),
        answer_headers={"x-request-id": CALL_ID, "retry-after": None},
        instead="500 on a first win, with the balances credited and no battle stored",
    ),
    Exchange(
        about="3: later wins bring no diamond",
        request=RUN,
        body=BODY,
        given=(broker(), lambda scene: player(firstWinDiamondAwardedAt=scene.now)(scene)),
        status=200,
        answer=data(BATTLE | {"starsGranted": 1, "firstWinDiamond": 0}),
    ),
    Exchange(
        about="3.1: sign-in comes first",
        request=RUN,
        body={},
        user=None,
        status=401,
        answer=refusal("telegram auth failed", "missing initData or botToken"),
    ),
    Exchange(
        about="3.3: validation",
        request=RUN,
        body={},
        given=(banned(1),),
        status=400,
        answer=invalid(requestId="required", brokerId="required"),
    ),
    Exchange(
        about="3.4: a banned player",
        request=RUN,
        body=BODY,
        given=(banned(1), broker(), mode("prediction", enabled=False)),
        status=403,
        answer=refusal("banned", {"until": TIME, "reason": "spam"}),
    ),
    Exchange(
        about="3.4: a ban that is over",
        request=RUN,
        body=BODY,
        given=(banned(-1), broker()),
        status=200,
        answer=data(BATTLE | GRANTED),
    ),
    Exchange(
        about="3.5: the same requestId again; parameters are not compared",
        request=RUN,
        body={"requestId": " battle-1 ", "brokerId": NOBODYS, "arena": "nowhere"},
        given=(broker(), FOUGHT),
        status=200,
        answer=data(BATTLE),
    ),
    Exchange(
        about="3.6: another player's requestId",
        request=RUN,
        body={**BODY, "brokerId": SECOND_BROKER},
        user=OTHER,
        given=(broker(), FOUGHT, broker(SECOND_BROKER, OTHER)),
        status=409,
        answer=refusal("requestId already used"),
    ),
    Exchange(
        about="3.7: the replay outlives the broker's cooldown and energy",
        request=RUN,
        body=BODY,
        given=(broker(), FOUGHT, mode("prediction", enabled=False)),
        status=200,
        answer=data(BATTLE),
    ),
    Exchange(
        about="3.8: nothing is left in progress by a refusal",
        request=RUN,
        body=BODY,
        given=(
            broker(level=1),
            sent("POST", "/api/battle/run", {**BODY, "league": "pro"}, status=403),
        ),
        status=200,
        answer=data(BATTLE | GRANTED),
        instead=STUCK,
    ),
    Exchange(
        about="3.9: no such mode by key",
        request=RUN,
        body={**BODY, "modeKey": "nowhere"},
        given=(broker(),),
        status=400,
        answer=refusal("invalid_mode", "no game mode for modeKey nowhere"),
        instead=STUCK,
    ),
    Exchange(
        about="3.9: no such mode by arena and league",
        request=RUN,
        body={**BODY, "arena": "Prediction"},
        given=(broker(),),
        status=400,
        answer=refusal("invalid_mode", "no game mode for this arena and league"),
    ),
    Exchange(
        about="3.9: a disabled mode by key",
        request=RUN,
        body={**BODY, "modeKey": "prediction"},
        given=(broker(), mode("prediction", enabled=False)),
        status=403,
        answer=refusal("mode_disabled", {"modeKey": "prediction"}),
    ),
    Exchange(
        about="3.9: a disabled mode by arena is none",
        request=RUN,
        body={**BODY, "arena": "prediction"},
        given=(broker(), mode("prediction", enabled=False)),
        status=400,
        answer=refusal("invalid_mode", "no game mode for this arena and league"),
    ),
    Exchange(
        about="3.9: a key wins over arena and league",
        request=RUN,
        body={**BODY, "modeKey": "prediction", "arena": "simulation", "league": "elite"},
        given=(broker(),),
        status=200,
        answer=data(BATTLE | GRANTED),
    ),
    Exchange(
        about="3.10: a guild mode without a guild",
        request=RUN,
        body={**BODY, "brokerId": NOBODYS, "arena": "guildWars"},
        status=403,
        answer=refusal("guild required", {"modeKey": "guildWars"}),
    ),
    Exchange(
        about="3.10: a guild mode with a guild",
        request=RUN,
        body={**BODY, "arena": "guildWars"},
        given=(broker(energy=15), guild(777), guild(888, "6b042290b0d099afb79631d4")),
        status=200,
        answer=data(
            BATTLE
            | GRANTED
            | {"arena": "guildWars", "modeKey": "guildWars"}
            | {"guildId": "6b042290b0d099afb79631d3", "opponentGuildId": "6b042290b0d099afb79631d4"}
        ),
    ),
    Exchange(
        about="3.11: no such broker",
        request=RUN,
        body={**BODY, "brokerId": NOBODYS},
        status=404,
        answer=refusal("broker not found"),
    ),
    Exchange(
        about="3.11: another player's broker",
        request=RUN,
        body=BODY,
        given=(broker(owner=OTHER, banned=True),),
        status=403,
        answer=refusal("not your broker"),
    ),
    Exchange(
        about="3.11: the current renter fights",
        request=RUN,
        body=BODY,
        given=(
            lambda scene: broker(owner=OTHER, rentedByTelegramId="777", rentedUntil=scene.now + timedelta(hours=1))(
                scene
            ),
        ),
        status=200,
        answer=data(BATTLE | GRANTED),
    ),
    Exchange(
        about="3.11: a banned broker",
        request=RUN,
        body={**BODY, "league": "pro"},
        given=(broker(banned=True, banReason="auto-banned (anomaly threshold)"),),
        status=403,
        answer=refusal("broker banned", {"reason": "auto-banned (anomaly threshold)"}),
    ),
    Exchange(
        about="3.12: level below the league's",
        request=RUN,
        body={**BODY, "league": "pro"},
        given=(broker(level=4, energy=0),),
        status=403,
        answer=refusal("league_locked", {"needLevel": 5, "haveLevel": 4, "modeKey": "prediction-pro"}),
    ),
    Exchange(
        about="3.12: level below the mode's own",
        request=RUN,
        body=BODY,
        given=(broker(level=2), mode("prediction", rules={"minBrokerLevel": 3})),
        status=403,
        answer=refusal("league_locked", {"needLevel": 3, "haveLevel": 2, "modeKey": "prediction"}),
    ),
    Exchange(
        about="3.13: too little energy",
        request=RUN,
        body=BODY,
        given=(broker(energy=9), fought_ago(1, "prediction")),
        status=403,
        answer=refusal("no energy", {"need": 10, "have": 9, "modeKey": "prediction"}),
    ),
    Exchange(
        about="3.13: energy that has regenerated since counts",
        request=RUN,
        body=BODY,
        given=(lambda scene: broker(energy=9, energyUpdatedAt=scene.now - timedelta(seconds=60))(scene),),
        status=200,
        answer=data(BATTLE | GRANTED),
    ),
    Exchange(
        about="3.14: cooldown of the mode, without Retry-After",
        request=RUN,
        body=BODY,
        given=(broker(), fought_ago(29, "prediction"), mode("prediction", entryNeurCost=5)),
        status=429,
        answer=refusal("cooldown", {"retryAfterMs": 1000, "modeKey": "prediction"}),
        answer_headers={"retry-after": None},
    ),
    Exchange(
        about="3.14: a mode never fought is measured by its arena",
        request=RUN,
        body={**BODY, "league": "pro"},
        given=(broker(energy=100, level=5), fought_ago(44, "prediction")),
        status=429,
        answer=refusal("cooldown", {"retryAfterMs": 1000, "modeKey": "prediction-pro"}),
    ),
    Exchange(
        about="3.14: cooldown over",
        request=RUN,
        body=BODY,
        given=(broker(), fought_ago(30, "prediction")),
        status=200,
        answer=data(BATTLE | GRANTED),
    ),
    Exchange(
        about="3.15: entry NEUR not affordable",
        request=RUN,
        body=BODY,
        given=(broker(), player(neurBalance=4, aibaBalance=0), mode("prediction", entryNeurCost=5, entryAibaCost=1)),
        status=403,
        answer=refusal("insufficient NEUR", {"need": 5, "have": 4}),
        instead="200: the debit makes a second player document with a negative balance",
    ),
    Exchange(
        about="3.15: entry AIBA not affordable",
        request=RUN,
        body=BODY,
        given=(broker(), mode("prediction", entryAibaCost=5)),
        status=403,
        answer=refusal("insufficient AIBA", {"need": 5, "have": 0}),
        instead="200: the debit makes a second player document with a negative balance",
    ),
)
