"""Guilds over HTTP: every route, every refusal, and wars whose NEUR is split exact to the unit."""

import random
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.guilds import MEMBERS_MAX, POOLED_MAX
from chalicelib.clock import ManualClock
from tests.gateway import Answer
from tests.http_arena import SOME_ID, Caller, fight, start

BOSS, MEMBER, STRANGER, RIVAL = 1, 2, 3, 4
FIELDS = {
    *("_id", "name", "ownerTelegramId", "members", "bio", "active", "pooledBrokers", "vaultNeur", "vaultAiba"),
    *("paidCreateTxHash", "boostCount", "boostedUntil", "boostTxHashes", "createdAt", "updatedAt", "__v"),
}
WARS = 120


def post(player: Caller, route: str, user: int, **body: object) -> Answer:
    return player("POST", f"/api/guilds/{route}", body, user)


def found_guild(player: Caller, name: str, owner: int, *members: int) -> str:
    """A guild's id."""
    answer = post(player, "create", owner, name=name)
    assert answer.status == 201
    for member in members:
        assert post(player, "join", member, guildId=answer.data["_id"]).status == 200
    return str(answer.data["_id"])


def refusal(answer: Answer) -> tuple[int, str]:
    assert answer.json["ok"] is False
    return answer.status, answer.error["code"]


def test_a_guild_from_its_foundation_to_its_pool(player: Caller, clock: ManualClock) -> None:
    """Every route once, as a client uses them."""
    made = post(player, "create", BOSS, name="  Wolves ", bio=" we howl ")
    guild = made.data
    assert (made.status, set(guild), guild["name"], guild["bio"]) == (201, FIELDS, "Wolves", "we howl")
    owner = {"telegramId": "1", "role": "owner", "joinedAt": "2026-11-23T12:00:00.000Z"}
    assert (guild["ownerTelegramId"], guild["members"]) == ("1", [owner])
    clock.advance(1)
    joined = post(player, "join", MEMBER, guildId=guild["_id"])
    member = {"telegramId": "2", "role": "member", "joinedAt": "2026-11-23T12:00:01.000Z"}
    assert (joined.status, joined.data["members"]) == (200, [owner, member])
    assert post(player, "join", MEMBER, guildId=guild["_id"]).data == joined.data

    broker = start(player, MEMBER)
    put = post(player, "deposit-broker", MEMBER, guildId=guild["_id"], brokerId=broker)
    assert (put.status, set(put.json)) == (200, {"ok", "guild", "broker", "requestId"})
    entry = {"brokerId": broker, "depositedByTelegramId": "2", "depositedAt": "2026-11-23T12:00:01.000Z"}
    assert (put.json["guild"]["pooledBrokers"], put.json["broker"]["guildId"]) == ([entry], guild["_id"])
    pool = player("GET", f"/api/guilds/{guild['_id']}/pool", user=BOSS)
    assert (pool.status, pool.data) == (200, {"guildId": guild["_id"], "brokers": [put.json["broker"]]})

    clock.advance(1)
    other = found_guild(player, "Bears", MEMBER)
    everyone = player("GET", "/api/guilds/list", user=STRANGER)
    assert [one["_id"] for one in everyone.data] == [other, guild["_id"]]
    assert all(set(one) == FIELDS for one in everyone.data)
    assert player("GET", "/api/guilds/top", user=STRANGER).data == everyone.data
    for route in ("list", "top"):
        assert player("GET", f"/api/guilds/{route}?limit=1", user=STRANGER).data == everyone.data[:1]
    assert player("GET", "/api/guilds/mine", user=MEMBER).data == everyone.data
    assert [one["_id"] for one in player("GET", "/api/guilds/mine", user=BOSS).data] == [guild["_id"]]
    assert player("GET", "/api/guilds/mine", user=STRANGER).data == []

    out = post(player, "withdraw-broker", BOSS, guildId=guild["_id"], brokerId=broker)
    assert (out.status, set(out.json)) == (200, {"ok", "guild", "broker", "requestId"})
    assert (out.json["guild"]["pooledBrokers"], out.json["broker"]["guildId"]) == ([], None)
    left = post(player, "leave", MEMBER, guildId=guild["_id"])
    assert (left.status, set(left.json)) == (200, {"ok", "requestId"})
    assert [one["_id"] for one in player("GET", "/api/guilds/mine", user=MEMBER).data] == [other]


def test_refusals_by_status_and_text(player: Caller, database: Database[dict[str, Any]]) -> None:
    """The game's table, and the few texts it leaves open."""
    wolves, bears = found_guild(player, "Wolves", BOSS, MEMBER), found_guild(player, "Bears", RIVAL)
    mine, theirs, loose = start(player, BOSS), start(player, RIVAL), start(player, BOSS)
    post(player, "deposit-broker", BOSS, guildId=wolves, brokerId=mine)
    post(player, "deposit-broker", RIVAL, guildId=bears, brokerId=theirs)
    post(player, "join", BOSS, guildId=bears)
    cases: list[tuple[str, int, dict[str, str], int, str]] = [
        ("create", STRANGER, {"name": "Wolves"}, 409, "name already taken"),
        ("join", STRANGER, {"guildId": SOME_ID}, 404, "not found"),
        ("leave", STRANGER, {"guildId": SOME_ID}, 404, "not found"),
        ("deposit-broker", BOSS, {"guildId": SOME_ID, "brokerId": mine}, 404, "not found"),
        ("deposit-broker", STRANGER, {"guildId": wolves, "brokerId": mine}, 403, "not a member"),
        ("deposit-broker", BOSS, {"guildId": wolves, "brokerId": SOME_ID}, 404, "broker not found"),
        ("deposit-broker", MEMBER, {"guildId": wolves, "brokerId": mine}, 403, "not your broker"),
        ("deposit-broker", BOSS, {"guildId": bears, "brokerId": mine}, 409, "broker already in another guild pool"),
        ("withdraw-broker", BOSS, {"guildId": SOME_ID, "brokerId": mine}, 404, "not found"),
        ("withdraw-broker", BOSS, {"guildId": wolves, "brokerId": SOME_ID}, 404, "broker not found"),
        ("withdraw-broker", MEMBER, {"guildId": wolves, "brokerId": mine}, 403, "not allowed"),
        ("withdraw-broker", BOSS, {"guildId": wolves, "brokerId": loose}, 409, "broker not in this guild pool"),
        ("withdraw-broker", BOSS, {"guildId": bears, "brokerId": mine}, 409, "broker not in this guild pool"),
    ]
    for route, user, body, status, code in cases:
        answer = post(player, route, user, **body)
        assert (refusal(answer), answer.error["message"]) == ((status, code), code), (route, body)
    assert refusal(player("GET", f"/api/guilds/{SOME_ID}/pool", user=BOSS)) == (404, "not found")
    assert refusal(player("GET", f"/api/guilds/{wolves}/pool", user=STRANGER)) == (403, "not a member")
    assert post(player, "leave", STRANGER, guildId=wolves).json["ok"] is True

    people = [{"telegramId": str(number), "role": "member", "joinedAt": None} for number in range(MEMBERS_MAX)]
    database.guilds.update_one({"name": "Wolves"}, {"$set": {"members": people}})
    assert refusal(post(player, "join", 777, guildId=wolves)) == (409, "guild full")
    guild = database.guilds.find_one({"name": "Wolves"}) or {}
    database.brokers.insert_many([{"guildId": guild["_id"]} for _ in range(POOLED_MAX)])
    assert refusal(post(player, "deposit-broker", BOSS, guildId=wolves, brokerId=loose)) == (409, "guild pool full")


def test_founding_is_free_for_the_best_and_otherwise_says_what_it_would_cost(
    player: Caller, database: Database[dict[str, Any]]
) -> None:
    """By the ranks the leaderboard shows: here one battle makes the difference."""
    database.economyconfigs.update_one({}, {"$set": {"leaderboardTopFreeCreate": 1}})
    assert fight(player, start(player, BOSS), BOSS).data["score"] > 0
    facts = {"rank": 2, "freeUpToRank": 1, "costTonNano": 1_000_000_000}
    unpaid = post(player, "create", STRANGER, name="Bears")
    assert (refusal(unpaid), unpaid.error["details"]) == ((400, "payment required"), facts)
    paid = post(player, "create", STRANGER, name="Bears", txHash="ab" * 32)
    assert (refusal(paid), paid.error["details"]) == ((400, "payment not verifiable"), facts)
    found_guild(player, "Bears", BOSS)


def test_every_wrong_field_is_named(player: Caller) -> None:
    """Lengths after the trim; ids as 24 hex digits, in the path as well; nobody is let in unsigned."""
    ids = {"guildId": "objectId", "brokerId": "objectId"}
    missing = dict.fromkeys(ids, "required")
    cases: list[tuple[str, dict[str, object], dict[str, str]]] = [
        ("create", {}, {"name": "required"}),
        ("create", {"name": " ab ", "bio": "b" * 501}, {"name": "minLength:3", "bio": "maxLength:500"}),
        ("create", {"name": "n" * 25, "txHash": "t" * 201}, {"name": "maxLength:24", "txHash": "maxLength:200"}),
        ("join", {"guildId": "x"}, {"guildId": "objectId"}),
        ("leave", {}, {"guildId": "required"}),
        ("deposit-broker", {"guildId": 5, "brokerId": "x"}, ids),
        ("withdraw-broker", {}, missing),
    ]
    for route, body, details in cases:
        answer = post(player, route, BOSS, **body)
        assert (refusal(answer), answer.error["details"]) == ((400, "validation_error"), details)
    for path, details in (
        ("list?limit=0", {"limit": "min:1"}),
        ("top?limit=301", {"limit": "max:300"}),
        ("list?limit=x", {"limit": "number"}),
        ("nothing/pool", {"guildId": "objectId"}),
    ):
        answer = player("GET", f"/api/guilds/{path}", user=BOSS)
        assert (refusal(answer), answer.error["details"]) == ((400, "validation_error"), details)
    for method, path in (("POST", "create"), ("POST", "join"), ("GET", "list"), ("GET", "mine"), ("GET", "x/pool")):
        unsigned = player(method, f"/api/guilds/{path}", {}, BOSS, **{"x-telegram-init-data": ""})
        assert refusal(unsigned) == (401, "telegram auth failed")


@pytest.fixture
def warring(player: Caller, database: Database[dict[str, Any]], clock: ManualClock) -> str:
    """The id of a guild of BOSS and MEMBER, both with a broker; its rival is newer. War is free and always ready."""
    war = {"key": "war", "enabled": True, "arena": "guildWars", "league": "rookie"}
    database.gamemodes.insert_one({**war, "energyCost": 0, "cooldownSeconds": 0})
    guild = found_guild(player, "Wolves", BOSS, MEMBER)
    for user in (BOSS, MEMBER):
        post(player, "deposit-broker", user, guildId=guild, brokerId=start(player, user))
    clock.advance(1)
    found_guild(player, "Bears", RIVAL)
    return guild


def test_all_neur_of_a_war_is_somewhere_exact_to_the_unit(
    player: Caller, database: Database[dict[str, Any]], warring: str
) -> None:
    """Many amounts, small and large, and every share of the owner's: player + owner + vault = emitted.

    What is emitted is what the day counters say; the vault has no ledger row, everything else has one.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    brokers = {user: player("GET", "/api/brokers/mine", user=user).data[0]["_id"] for user in (BOSS, MEMBER)}
    rival = str((database.guilds.find_one({"name": "Bears"}) or {})["_id"])
    before = _money(database)
    for number in range(WARS):
        bps = dice.choice([0, 1, 100, dice.randrange(10_001), 10_000])
        rate = dice.choice([1, dice.random(), dice.randrange(1, 100), 10 ** dice.randrange(7) + dice.random()])
        changes = {"guildCreatorShareBps": bps, "baseRewardNeurPerScore": rate, "dailyCapNeur": 10**12}
        database.economyconfigs.update_one({}, {"$set": changes})
        who = BOSS if number % 4 == 0 else MEMBER
        battle = fight(player, brokers[who], who, modeKey="war").data
        assert (battle["guildId"], battle["opponentGuildId"]) == (warring, rival)
        after = _money(database)

        neur = battle["rewardNeur"]
        share = neur // 5
        creator = share * bps // 10_000
        gained = {name: after[name] - before[name] for name in after}
        assert battle["guildShareNeur"] == share
        assert gained["emitted"] == neur
        assert gained["vault"] == share - creator
        rest = neur - share
        assert (gained["1"], gained["2"]) == ((creator + rest, 0) if who == BOSS else (creator, rest))
        assert gained["1"] + gained["2"] + gained["vault"] == neur
        rows = {
            (row["telegramId"], row["reason"]): row["amount"]
            for row in database.ledgerentries.find({"requestId": battle["requestId"], "currency": "NEUR"})
        }
        expected = {(str(who), "battle_reward"): rest, ("1", "guild_creator_earnings"): creator}
        assert rows == {key: amount for key, amount in expected.items() if amount}
        before = after
    assert before["vault"] > 0
    assert before["vault"] + before["1"] + before["2"] == before["emitted"]


def _money(database: Database[dict[str, Any]]) -> dict[str, int]:
    """NEUR by where it is, and how much was emitted."""
    found = {
        user["telegramId"]: user["neurBalance"] for user in database.users.find({"telegramId": {"$in": ["1", "2"]}})
    }
    found["vault"] = sum(guild["vaultNeur"] for guild in database.guilds.find())
    found["emitted"] = sum(day.get("emittedNeur", 0) for day in database.economydays.find())
    return found


def test_a_war_refused_and_a_war_alone(player: Caller, warring: str) -> None:
    """Who is in no guild may not fight; who left may not either; who is in two fights for the older one."""
    broker = start(player, STRANGER)
    assert refusal(fight(player, broker, STRANGER, modeKey="war")) == (403, "guild required")
    bears = next(one["_id"] for one in player("GET", "/api/guilds/list", user=BOSS).data if one["name"] == "Bears")
    post(player, "join", STRANGER, guildId=bears)
    battle = fight(player, broker, STRANGER, modeKey="war").data
    assert (battle["guildId"], battle["opponentGuildId"]) == (bears, warring)
    post(player, "join", STRANGER, guildId=warring)
    assert fight(player, broker, STRANGER, modeKey="war").data["guildId"] == warring
    for guild in (warring, bears):
        post(player, "leave", STRANGER, guildId=guild)
    assert refusal(fight(player, broker, STRANGER, modeKey="war")) == (403, "guild required")
