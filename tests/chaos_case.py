"""A small run in which everything is right, made by hand from the game's rules, for hands that damage it."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.chaos.checker.model import Case, Letter, State
from infra.chaos.history import DONE, REFUSED, Operation
from infra.chaos.rules import CAPPED_ARENA, MODES, WAR, Mode
from infra.chaos.schedule import Fault

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
ANN, BOB = "1", "2"
HOMES = {ANN: REGIONS[0], BOB: REGIONS[1]}
CAP = 300
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
QUICK, _, CAPPED = MODES
ANNS, ANNS_SECOND, BOBS = "b1", "b2", "b3"
GUILD = "g1"
COLLECTIONS = ("users", "brokers", "battles", "ledgerentries", "guilds", "battlejobs", "outbox")


class Run:
    """Plays by the rules and writes down what each region would hold."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.held: dict[str, list[dict[str, Any]]] = {name: [] for name in COLLECTIONS}
        self.seconds = 0
        for player in HOMES:
            money = dict.fromkeys(("neurBalance", "aibaBalance", "starsBalance", "diamondsBalance"), 0)
            totals = {"all": dict.fromkeys(("score", "aiba", "neur", "battles"), 0)}
            self.held["users"].append({"_id": f"u{player}", "telegramId": player, **money, "totals": totals})

    def ask(self, player: str, kind: str, *, outcome: str = DONE, answer: Any = None, **arguments: Any) -> str:
        self.seconds += 10
        found = Operation(f"r{len(self.operations)}", player, kind, HOMES[player], arguments, float(self.seconds), 1)
        found.outcome, found.answer = outcome, answer or {}
        found.served, found.answered_at, found.took = HOMES[player], self.seconds + 1.0, 1.0
        self.operations.append(found)
        return found.id

    def start(self, player: str, broker_id: str) -> None:
        self.ask(player, "starter", answer={"_id": broker_id})
        stats = dict.fromkeys(("intelligence", "speed", "risk"), 50)
        self.held["brokers"].append(
            {"_id": broker_id, "ownerTelegramId": player, **stats, "level": 1, "xp": 0, "energy": 10}
        )

    def fight(self, player: str, broker_id: str, mode: Mode = QUICK, kind: str = "battle", score: int = 50) -> str:
        neur, aiba = score, 2 * score
        share = int(neur * 0.2) if mode.war else 0
        owners = share // 10
        battle: dict[str, Any] = {"brokerId": broker_id, "score": score, "rewardAiba": aiba, "rewardNeur": neur}
        battle |= {"guildShareNeur": share, "seedHex": "ab"}
        request_id = self.ask(player, kind, answer=dict(battle), brokerId=broker_id, modeKey=mode.key)
        battle |= {"_id": f"battle {request_id}", "requestId": request_id, "ownerTelegramId": player}
        battle |= {"modeKey": mode.key, "arena": mode.arena, "guildId": GUILD if mode.war else None}
        self.held["battles"].append({**battle, "createdAt": self.now})
        for currency, amount in (("AIBA", aiba), ("NEUR", neur - share), ("STARS", 1)):
            self.pay(player, currency, amount, "battle_reward", request_id)
        if mode.war:
            self.pay(ANN, "NEUR", owners, "guild_creator_earnings", request_id)
            self.of("guilds", GUILD)["vaultNeur"] += share - owners
        self.of("brokers", broker_id)["energy"] -= mode.energy
        totals = self.user(player)["totals"]["all"]
        for name, amount in (("score", score), ("aiba", aiba), ("neur", neur), ("battles", 1)):
            totals[name] += amount
        self.held["outbox"].append({"_id": f"event {request_id}", "pending": [], "home": HOMES[player]})
        if kind == "queued":
            self.operations[-1].accepted = True
            self.held["battlejobs"].append({"requestId": request_id, "ownerTelegramId": player, "status": "done"})
        return request_id

    def buy(self, player: str, kind: str, broker_id: str, price: tuple[str, int], **more: Any) -> str:
        request_id = self.ask(player, kind, brokerId=broker_id, **more)
        self.pay(player, price[0], -price[1], kind, request_id)
        return request_id

    def pay(self, player: str, currency: str, amount: int, reason: str, request_id: str) -> None:
        row: dict[str, Any] = {"telegramId": player, "currency": currency, "amount": abs(amount)}
        row |= {"direction": "credit" if amount > 0 else "debit", "createdAt": self.now, "reason": reason}
        row |= {"_id": f"row {len(self.held['ledgerentries'])}", "sourceType": "of " + reason, "sourceId": request_id}
        self.held["ledgerentries"].append(row)
        self.user(player)[f"{currency.lower()}Balance"] += amount

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def of(self, collection: str, name: str) -> dict[str, Any]:
        return next(one for one in self.held[collection] if one["_id"] == name)

    def user(self, player: str) -> dict[str, Any]:
        return self.of("users", f"u{player}")

    def days(self) -> Iterable[dict[str, Any]]:
        battles = self.held["battles"]
        emitted = {f"emitted{name}": sum(one[f"reward{name}"] for one in battles) for name in ("Aiba", "Neur")}
        day: dict[str, Any] = {"_id": "d1", "day": f"{NOON:%Y-%m-%d}", "stripe": 0}
        yield {**day, **emitted}

    def case(self) -> Case:
        """Every region holds the same, but for what is each region's own."""
        regions: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for region in REGIONS:
            held = deepcopy(self.held)
            events = held.pop("outbox")
            held["outbox"] = [one for one in events if one["home"] == region]
            held["replicationevents"] = [{"_id": one["_id"]} for one in events if one["home"] != region]
            held["economydays"] = list(self.days()) if region == REGIONS[0] else []
            held["battlejobs"] = [job for job in held["battlejobs"] if HOMES[job["ownerTelegramId"]] == region]
            regions[region] = held
        members = {region: {f"m{number}": {"users": "x"} for number in range(3)} for region in REGIONS}
        faults = [Fault(10.0, 5.0, "kill-worker", REGIONS[0]) for _ in range(4)]
        letter = Letter(REGIONS[0], "BattleDeadLetterQueue", "the worker died", 5, "{}")
        return Case(self.operations, State(regions, members, [letter]), HOMES, CAP, faults)


def sound() -> Case:
    """A battle of each kind, every purchase, a guild: what the checker must find nothing wrong with."""
    run = Run()
    run.start(ANN, ANNS)
    run.start(ANN, ANNS_SECOND)
    run.start(BOB, BOBS)
    members = [{"telegramId": ANN}, {"telegramId": BOB}]
    run.held["guilds"].append({"_id": GUILD, "name": "guild", "members": members, "vaultNeur": 0})
    run.ask(BOB, "join", guildId=GUILD)
    for _ in range(3):
        run.fight(ANN, ANNS)
        run.fight(BOB, BOBS, kind="queued")
    run.fight(BOB, BOBS, WAR)
    run.fight(ANN, ANNS, CAPPED)
    run.buy(ANN, "train", ANNS, ("NEUR", 25), stat="speed")
    run.buy(ANN, "upgrade", ANNS, ("AIBA", 50), stat="risk")
    run.buy(BOB, "repair", BOBS, ("NEUR", 15))
    run.of("brokers", ANNS).update({"speed": 51, "risk": 52, "level": 2, "xp": 15})
    run.of("brokers", BOBS)["energy"] = 100
    request_id = run.ask(ANN, "combine", baseBrokerId=ANNS, sacrificeBrokerId=ANNS_SECOND)
    run.pay(ANN, "NEUR", -50, "combine", request_id)
    run.of("brokers", ANNS).update({"speed": 51, "risk": 51, "xp": 35})
    run.of("brokers", ANNS_SECOND)["deletedAt"] = run.now
    run.ask(ANN, "battle", outcome=REFUSED, brokerId=ANNS, modeKey=QUICK.key)
    return run.case()


assert CAPPED.arena == CAPPED_ARENA
