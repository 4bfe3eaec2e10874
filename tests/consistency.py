"""Whether everything a battle or an action writes is there, or nothing of it."""

from collections import defaultdict

from chalicelib.arena.ledger import CURRENCIES, balance_field
from chalicelib.arena.ports import Document
from tests.worlds import World

Sums = dict[tuple[str, str], int]


def assert_consistent(world: World, *, starting_balances: Sums | None = None) -> None:
    """Battles, ledger, balances, day counters, brokers and events tell one story.

    ``starting_balances``, by (telegramId, currency), is money players had without a ledger row.
    """
    battles = {battle["_id"]: battle for battle in world.read("battles")}
    ledger = world.read("ledgerentries")
    _assert_battles_paid(battles, ledger)
    _assert_balances(world, ledger, starting_balances or {})
    _assert_counters(world, ledger)
    _assert_events(world, battles, ledger)
    _assert_brokers(world, list(battles.values()))


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


def _assert_counters(world: World, ledger: list[Document]) -> None:
    days = world.read("economydays")
    for currency in ("AIBA", "NEUR"):
        emitted = sum(day.get(f"emitted{currency.capitalize()}", 0) for day in days)
        credited = sum(r["amount"] for r in ledger if (r["currency"], r["direction"]) == (currency, "credit"))
        vaults = sum(guild["vaultNeur"] for guild in world.read("guilds")) if currency == "NEUR" else 0
        assert emitted == credited + vaults
        spent = sum(day.get("burnedAiba" if currency == "AIBA" else "spentNeur", 0) for day in days)
        assert spent == sum(r["amount"] for r in ledger if (r["currency"], r["direction"]) == (currency, "debit"))


def _assert_events(world: World, battles: dict[object, Document], ledger: list[Document]) -> None:
    events = world.read("outbox")
    told = [event["payload"]["battle"] for event in events if event["entity"] == "battle"]
    assert sorted(told, key=lambda battle: str(battle["_id"])) == sorted(battles.values(), key=lambda b: str(b["_id"]))
    rows = [row for event in events for row in event["payload"]["ledger"]]
    assert sorted(rows, key=lambda row: str(row["_id"])) == sorted(ledger, key=lambda row: str(row["_id"]))


def _assert_brokers(world: World, battles: list[Document]) -> None:
    fought: defaultdict[object, set[str]] = defaultdict(set)
    for battle in battles:
        fought[battle["brokerId"]].add(battle["requestId"])
    for broker in world.read("brokers"):
        last = broker["lastRequestId"]
        assert (last in fought[broker["_id"]]) if fought[broker["_id"]] else last == ""
