"""Section 8: guilds."""

from typing import Any, Final

from tests.integration.transcript.brokers import DOCUMENT
from tests.integration.transcript.exchange import (
    BROKER,
    CALL_ID,
    GUILD,
    ID,
    NOBODYS,
    OTHER,
    TEXT,
    TIME,
    Exchange,
    broker,
    data,
    economy,
    guild,
    in_pool,
    invalid,
    refusal,
)

SECOND_GUILD: Final = "6b042290b0d099afb79631d5"
BOTH: Final = {"guildId": GUILD, "brokerId": BROKER}


def member(user: int, role: str) -> dict[str, Any]:
    return {"telegramId": str(user), "role": role, "joinedAt": TIME}


OF_ME: Final[dict[str, Any]] = {
    "_id": GUILD,
    "name": "Guild of 777",
    "ownerTelegramId": "777",
    "members": [member(777, "owner")],
    "bio": "",
    "active": True,
    "pooledBrokers": [],
    "vaultNeur": 0,
    "vaultAiba": 0,
    "paidCreateTxHash": "",
    "boostCount": 0,
    "boostedUntil": None,
    "boostTxHashes": [],
    "createdAt": TIME,
    "updatedAt": TIME,
    "__v": 0,
}
OF_OTHER: Final = {
    **OF_ME,
    "name": "Guild of 888",
    "ownerTelegramId": "888",
    "members": [member(888, "owner")],
}
POOLED: Final = {"brokerId": BROKER, "depositedByTelegramId": "777", "depositedAt": TIME}


def pool_change(guild_now: dict[str, Any], broker_now: dict[str, Any]) -> dict[str, Any]:
    return {"ok": True, "guild": guild_now, "broker": broker_now, "requestId": CALL_ID}


EXCHANGES: Final = (
    Exchange(
        about="8: found a guild; free for the first fifty by score",
        request="POST /api/guilds/create",
        body={"name": " Founders ", "bio": "hello"},
        status=201,
        answer=data({**OF_ME, "_id": ID, "name": "Founders", "bio": "hello"}),
    ),
    Exchange(
        about="8: others would have to pay",
        request="POST /api/guilds/create",
        body={"name": "Founders"},
        given=(economy(leaderboardTopFreeCreate=0),),
        status=400,
        answer=refusal(
            "payment required",
            {"rank": 1, "freeUpToRank": 0, "costTonNano": 1_000_000_000},
            message=TEXT,
        ),
    ),
    Exchange(
        about="8: a name of 3 to 24",
        request="POST /api/guilds/create",
        body={"name": "ab", "bio": "x" * 501},
        status=400,
        answer=invalid(name="minLength:3", bio="maxLength:500"),
    ),
    Exchange(
        about="8: a name is taken",
        request="POST /api/guilds/create",
        body={"name": "Guild of 888"},
        given=(guild(OTHER),),
        status=409,
        answer=refusal("name already taken", {"name": "Guild of 888"}),
    ),
    Exchange(
        about="8: join",
        request="POST /api/guilds/join",
        body={"guildId": GUILD},
        given=(guild(OTHER),),
        status=200,
        answer=data({**OF_OTHER, "members": [member(888, "owner"), member(777, "member")]}),
    ),
    Exchange(
        about="8: join again: the same",
        request="POST /api/guilds/join",
        body={"guildId": GUILD},
        given=(guild(777),),
        status=200,
        answer=data(OF_ME),
    ),
    Exchange(
        about="8: join nothing",
        request="POST /api/guilds/join",
        body={"guildId": NOBODYS},
        status=404,
        answer=refusal("not found"),
    ),
    Exchange(
        about="8: join what is not active",
        request="POST /api/guilds/join",
        body={"guildId": GUILD},
        given=(guild(OTHER, active=False),),
        status=404,
        answer=refusal("not found"),
    ),
    Exchange(
        about="8: leave",
        request="POST /api/guilds/leave",
        body={"guildId": GUILD},
        given=(guild(777),),
        status=200,
        answer={"ok": True, "requestId": CALL_ID},
    ),
    Exchange(
        about="8: deposit a broker",
        request="POST /api/guilds/deposit-broker",
        body=BOTH,
        given=(guild(777), broker()),
        status=200,
        answer=pool_change({**OF_ME, "pooledBrokers": [POOLED]}, {**DOCUMENT, "guildId": GUILD}),
    ),
    Exchange(
        about="8: deposit as a stranger",
        request="POST /api/guilds/deposit-broker",
        body=BOTH,
        given=(guild(OTHER), broker()),
        status=403,
        answer=refusal("not a member"),
    ),
    Exchange(
        about="8: deposit another player's broker",
        request="POST /api/guilds/deposit-broker",
        body=BOTH,
        given=(guild(777), broker(owner=OTHER)),
        status=403,
        answer=refusal("not your broker"),
    ),
    Exchange(
        about="8: deposit what lies in another pool",
        request="POST /api/guilds/deposit-broker",
        body={"guildId": SECOND_GUILD, "brokerId": BROKER},
        given=(guild(777), guild(777, SECOND_GUILD, name="Second"), broker(), in_pool()),
        status=409,
        answer=refusal("broker already in another guild pool", {"guildId": GUILD}),
    ),
    Exchange(
        about="8: withdraw a broker",
        request="POST /api/guilds/withdraw-broker",
        body=BOTH,
        given=(guild(777), broker(), in_pool()),
        status=200,
        answer=pool_change(OF_ME, DOCUMENT),
    ),
    Exchange(
        about="8: withdraw another player's broker from another player's guild",
        request="POST /api/guilds/withdraw-broker",
        body=BOTH,
        given=(guild(OTHER), broker(owner=OTHER), in_pool(owner=OTHER)),
        status=403,
        answer=refusal("not allowed"),
    ),
    Exchange(
        about="8: withdraw what does not lie there",
        request="POST /api/guilds/withdraw-broker",
        body=BOTH,
        given=(guild(777), broker()),
        status=409,
        answer=refusal("broker not in this guild pool"),
    ),
    Exchange(
        about="8: withdraw nothing",
        request="POST /api/guilds/withdraw-broker",
        body=BOTH,
        given=(guild(777),),
        status=404,
        answer=refusal("broker not found"),
    ),
    Exchange(
        about="8: guilds by boosts, then newest",
        request="GET /api/guilds/list?limit=300",
        given=(
            guild(777),
            lambda scene: guild(OTHER, SECOND_GUILD, boostCount=1, createdAt=scene.now.replace(year=2020))(scene),
        ),
        status=200,
        answer=data([{**OF_OTHER, "_id": SECOND_GUILD, "boostCount": 1}, OF_ME]),
    ),
    Exchange(
        about="8: at most 300",
        request="GET /api/guilds/list?limit=301",
        status=400,
        answer=invalid(limit="max:300"),
    ),
    Exchange(
        about="8: top guilds", request="GET /api/guilds/top", given=(guild(777),), status=200, answer=data([OF_ME])
    ),
    Exchange(
        about="8: my guilds",
        request="GET /api/guilds/mine",
        given=(guild(777), guild(OTHER, SECOND_GUILD)),
        status=200,
        answer=data([OF_ME]),
    ),
    Exchange(
        about="8: a guild's pool",
        request=f"GET /api/guilds/{GUILD}/pool",
        given=(guild(777), broker(), in_pool()),
        status=200,
        answer=data({"guildId": GUILD, "brokers": [{**DOCUMENT, "guildId": GUILD}]}),
    ),
    Exchange(
        about="8: a pool is for members",
        request=f"GET /api/guilds/{GUILD}/pool",
        given=(guild(OTHER),),
        status=403,
        answer=refusal("not a member"),
    ),
)
