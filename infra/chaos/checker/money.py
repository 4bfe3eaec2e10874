"""Money: ledgers add up to what there is, battles paid what they say; caps and counters. In every region."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.chaos.checker.model import Case, Document, Violation, moment
from infra.chaos.rules import CAPPED_ARENA, CREATOR_BPS, GUILD_SHARE

_BALANCES: Final = {
    "NEUR": "neurBalance",
    "AIBA": "aibaBalance",
    "STARS": "starsBalance",
    "DIAMONDS": "diamondsBalance",
}
_TOTALS: Final = {"score": "score", "aiba": "rewardAiba", "neur": "rewardNeur"}


def balances_are_sums(case: Case) -> Iterator[Violation]:
    """wrong-balance, negative-balance, doubled-player"""
    for region in case.regions:
        sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        for row in case.state.read(region, "ledgerentries"):
            amount = row["amount"] if row["direction"] == "credit" else -row["amount"]
            sums[row["telegramId"], row["currency"]] += amount
        users = Counter(user["telegramId"] for user in case.state.read(region, "users"))
        for player, count in users.items():
            if count > 1:
                yield Violation("doubled-player", region, f"{player} is there {count} times")
        for user in case.state.read(region, "users"):
            for currency, name in _BALANCES.items():
                balance, owed = user.get(name, 0), sums.pop((user["telegramId"], currency), 0)
                if balance != owed:
                    told = f"{user['telegramId']} has {balance} {currency}, the ledger adds up to {owed}"
                    yield Violation("wrong-balance", region, told)
                if balance < 0:
                    yield Violation("negative-balance", region, f"{user['telegramId']} has {balance} {currency}")
        for (player, currency), owed in sums.items():
            if owed:
                told = f"{player} is not there, the ledger adds up to {owed} {currency}"
                yield Violation("wrong-balance", region, told)


def battles_are_paid(case: Case) -> Iterator[Violation]:
    """unpaid-battle, payment-without-battle"""
    for region in case.regions:
        for request_id, (battle, *_) in case.battles[region].items():
            if battle["ownerTelegramId"] not in case.homes:
                continue
            paid = _credits(case.rows[region].get(request_id, ()), battle["ownerTelegramId"])
            for currency, wanted in _wages(battle).items():
                if paid.get(currency, 0) != wanted:
                    told = f"{request_id} is owed {wanted} {currency} and was paid {paid.get(currency, 0)}"
                    yield Violation("unpaid-battle", region, told)
        for request_id, rows in case.rows[region].items():
            of_battles = [row for row in rows if row["reason"] in ("battle_reward", "first_win")]
            if of_battles and request_id not in case.battles[region]:
                yield Violation("payment-without-battle", region, f"{request_id} was paid for and is not there")


def _credits(rows: Any, player: str) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for row in rows:
        if row["reason"] == "battle_reward" and row["telegramId"] == player:
            found[row["currency"]] += row["amount"]
    return found


def _wages(battle: Document) -> dict[str, int]:
    """What a battle owes its player; of a war's NEUR the guild has a share."""
    return {
        "AIBA": battle["rewardAiba"],
        "NEUR": battle["rewardNeur"] - battle["guildShareNeur"],
        "STARS": int(battle["score"] > 0),
    }


def guilds_are_paid(case: Case) -> Iterator[Violation]:
    """wrong-guild-share, wrong-vault"""
    for region in case.regions:
        vaults: Counter[str] = Counter()
        for found in case.battles[region].values():
            battle = found[0]
            share = math.floor(battle["rewardNeur"] * GUILD_SHARE) if battle["guildId"] else 0
            if battle["guildShareNeur"] != share:
                told = (
                    f"{battle['requestId']} gives its guild {battle['guildShareNeur']} NEUR of {battle['rewardNeur']}"
                )
                yield Violation("wrong-guild-share", region, told)
            if battle["guildId"]:
                vaults[battle["guildId"]] += share - share * CREATOR_BPS // 10_000
        for guild in case.state.read(region, "guilds"):
            if guild["vaultNeur"] != vaults[guild["_id"]]:
                told = f"{guild['name']} holds {guild['vaultNeur']} NEUR, its wars brought {vaults[guild['_id']]}"
                yield Violation("wrong-vault", region, told)


def caps_hold(case: Case) -> Iterator[Violation]:
    """cap-overrun, wrong-day-counter"""
    emitted: Counter[tuple[str, str, str]] = Counter()
    for region in case.regions[:1]:
        for found in case.battles[region].values():
            day = moment(found[0]).date().isoformat()
            emitted[day, "emittedAiba", ""] += found[0]["rewardAiba"]
            emitted[day, "emittedNeur", ""] += found[0]["rewardNeur"]
            emitted[day, "emittedAibaByArena", found[0]["arena"]] += found[0]["rewardAiba"]
    for (day, name, arena), amount in emitted.items():
        if name == "emittedAibaByArena" and arena == CAPPED_ARENA and amount > case.arena_cap:
            told = f"{amount} AIBA on {day} in {arena}, whose cap is {case.arena_cap}"
            yield Violation("cap-overrun", "", told)
    counted: Counter[tuple[str, str, str]] = Counter()
    for region in case.regions:
        for stripe in case.state.read(region, "economydays"):
            for name in ("emittedAiba", "emittedNeur"):
                counted[stripe["day"], name, ""] += stripe.get(name) or 0
    for key in sorted({*counted, *(key for key in emitted if not key[2])}):
        if counted[key] != emitted[key]:
            told = f"{key[0]}: the regions count {counted[key]} {key[1]}, battles say {emitted[key]}"
            yield Violation("wrong-day-counter", "", told)


def standings_are_sums(case: Case) -> Iterator[Violation]:
    """wrong-standings"""
    for region in case.regions:
        sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for found in case.battles[region].values():
            of = sums[found[0]["ownerTelegramId"]]
            of["battles"] += 1
            for name, field in _TOTALS.items():
                of[name] += found[0][field]
        for user in case.ours(region, "users"):
            totals = (user.get("totals") or {}).get("all") or {}
            wanted = sums[user["telegramId"]]
            wrong = [name for name in ("battles", *_TOTALS) if totals.get(name, 0) != wanted[name]]
            for name in wrong:
                told = f"{user['telegramId']}: {name} {totals.get(name, 0)}, battles add up to {wanted[name]}"
                yield Violation("wrong-standings", region, told)
