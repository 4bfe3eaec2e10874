"""Whether everything a battle or an action writes is there, or nothing of it."""

from collections import defaultdict

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import Document
from chalicelib.arena.stripes import field_key
from tests.worlds import World

Sums = dict[tuple[str, str], int]
Counts = defaultdict[tuple[str, str, str], int]
"""By UTC day, counter, and what the counter is split by (empty for the whole)."""


def assert_consistent(world: World, *, starting_balances: Sums | None = None) -> None:
    """Battles, ledger, balances, day counters, brokers and events tell one story.

    ``starting_balances``, by (telegramId, currency), is money players had without a ledger row.
    """
    battles = {battle["_id"]: battle for battle in world.read("battles")}
    ledger = world.read("ledgerentries")
    _assert_battles_paid(battles, ledger)
    _assert_balances(world, ledger, starting_balances or {})
    _assert_counters(world, list(battles.values()), ledger)
    _assert_events(world, battles, ledger)
    _assert_brokers(world, list(battles.values()))


def assert_guilds_consistent(world: World) -> None:
    """Nobody is twice in a guild; its entries and its living brokers are the same; the last event tells it as it is."""
    told = {}
    for event in world.read("outbox"):
        for guild in (event["payload"].get("guild"), *event["payload"].get("guilds", ())):
            if guild is not None:
                told[guild["_id"]] = guild
    pooled = 0
    for guild in world.read("guilds"):
        members = [member["telegramId"] for member in guild["members"]]
        assert len(members) == len(set(members))
        entries = [entry["brokerId"] for entry in guild["pooledBrokers"]]
        living = [broker["_id"] for broker in world.all("brokers", guildId=guild["_id"]) if "deletedAt" not in broker]
        assert sorted(entries) == sorted(living)
        pooled += len(living)
        # A battle's share changes these, and its own event tells of it.
        paid_into = {name: guild[name] for name in ("vaultNeur", "vaultAiba", "updatedAt")}
        assert {**told[guild["_id"]], **paid_into} == guild
    assert pooled == sum(broker.get("guildId") is not None for broker in world.read("brokers"))


def _assert_battles_paid(battles: dict[object, Document], ledger: list[Document]) -> None:
    paid: defaultdict[object, dict[str, int]] = defaultdict(dict)
    for row in ledger:
        if row["reason"] == "battle_reward":
            paid[row["battleId"]][row["currency"]] = row["amount"]
    assert set(paid) <= set(battles), "a reward without its battle"
    for identifier, battle in battles.items():
        want = {
            "AIBA": battle["rewardAiba"],
            "NEUR": battle["rewardNeur"] - battle["guildShareNeur"],
            "STARS": 1 if battle["score"] > 0 else 0,
        }
        assert paid[identifier] == {currency: amount for currency, amount in want.items() if amount}


def _assert_balances(world: World, ledger: list[Document], starting: Sums) -> None:
    sums: defaultdict[tuple[str, str], int] = defaultdict(int, starting)
    for row in ledger:
        sign = 1 if row["direction"] == "credit" else -1
        sums[row["telegramId"], row["currency"]] += sign * row["amount"]
    balances = {
        (user["telegramId"], currency): user[balance_field(currency)]
        for user in world.read("users")
        for currency in CURRENCIES
    }
    assert {key: amount for key, amount in balances.items() if amount} == {k: v for k, v in sums.items() if v}
    assert min(balances.values(), default=0) >= 0


def _assert_counters(world: World, battles: list[Document], ledger: list[Document]) -> None:
    """Each day's counters are the sums of its rows: in all, by arena, and what was spent by reason."""
    emitted, vaults = _emitted(battles, ledger)
    spent = _spent(ledger)
    counted: Counts = defaultdict(int)
    for stripe in world.read("economydays"):
        for name, value in stripe.items():
            if name.startswith(("emitted", "burned", "spent")):
                for scope, amount in value.items() if isinstance(value, dict) else [("", value)]:
                    counted[stripe["day"], name, scope] += amount
    assert {key: amount for key, amount in counted.items() if amount} == {**emitted, **spent}
    assert sum(guild["vaultNeur"] for guild in world.read("guilds")) == vaults


def _emitted(battles: list[Document], ledger: list[Document]) -> tuple[Counts, int]:
    """What was created, and how much of it is in guilds' vaults, which have no rows."""
    counts: Counts = defaultdict(int)
    vaults = sum(battle["guildShareNeur"] for battle in battles)
    for battle in battles:
        _count(counts, battle, "emittedNeur", battle["arena"], battle["guildShareNeur"])
    for row in ledger:
        if row["direction"] != "credit" or row["currency"] not in ("AIBA", "NEUR"):
            continue
        if row["reason"] == "guild_creator_earnings":
            # A part of the guild's share, counted above.
            vaults -= row["amount"]
        # What referrers earn is paid beside emission.
        elif row["reason"] != "creator_earnings":
            _count(counts, row, f"emitted{row['currency'].capitalize()}", row["arena"], row["amount"])
    return counts, vaults


def _spent(ledger: list[Document]) -> Counts:
    counts: Counts = defaultdict(int)
    for row in ledger:
        if row["direction"] == "debit":
            name = "burnedAiba" if row["currency"] == "AIBA" else "spentNeur"
            _count(counts, row, name, row["arena"], row["amount"])
            counts[utc_day(row["createdAt"]), f"{name}ByReason", field_key(row["reason"])] += row["amount"]
    return counts


def _count(counts: Counts, fact: Document, name: str, arena: str, amount: int) -> None:
    if amount:
        day = utc_day(fact["createdAt"])
        counts[day, name, ""] += amount
        counts[day, f"{name}ByArena", field_key(arena)] += amount


def _assert_events(world: World, battles: dict[object, Document], ledger: list[Document]) -> None:
    events = world.read("outbox")
    told = [event["payload"]["battle"] for event in events if event["entity"] == "battle"]
    assert sorted(told, key=lambda battle: str(battle["_id"])) == sorted(battles.values(), key=lambda b: str(b["_id"]))
    rows = [row for event in events for row in event["payload"].get("ledger", ())]
    assert sorted(rows, key=lambda row: str(row["_id"])) == sorted(ledger, key=lambda row: str(row["_id"]))


def _assert_brokers(world: World, battles: list[Document]) -> None:
    fought: defaultdict[object, set[str]] = defaultdict(set)
    for battle in battles:
        fought[battle["brokerId"]].add(battle["requestId"])
    for broker in world.read("brokers"):
        last = broker["lastRequestId"]
        assert (last in fought[broker["_id"]]) if fought[broker["_id"]] else last == ""
