"""What people do in a history, and what the services acknowledged of it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_service import BattleResult
from chalicelib.arena.broker_service import ActionRequest, ActionResult
from chalicelib.arena.guild_service import GuildRequest
from chalicelib.arena.operator_actions import By
from chalicelib.arena.ports import Document
from chalicelib.arena.rewards import Rewards, guild_split, referrer_rewards
from chalicelib.arena.seasons import season_at, season_length
from chalicelib.arena.standings import ALL, Totals, league_board
from chalicelib.errors import ArenaError
from tests.simulation.region import Region

VISITOR: Final = "900"
"""Has no document before they do something, and no home: they spend nothing."""
REFERRER: Final = "800"
NAMES: Final = ("Bulls", "Bears")
MODES: Final = ("quick", "quick", "wars", "wars", "paid")
NEW_MODES: Final = ("spring", "autumn")
OPERATOR: Final = By("ops@example.org", "o")

WEIGHTS: Final[Mapping[str, int]] = {
    **{"battle": 3, "spend": 2, "replay": 1, "starter": 1, "profile": 3, "school": 3},
    **{"found": 2, "join": 3, "leave": 3, "deposit": 3, "withdraw": 2},
    **{"change_mode": 3, "create_mode": 3, "delete_mode": 3, "configure": 2, "settle": 2},
}
ALWAYS: Final = ("battle", "spend")
AFTER: Final[Mapping[str, str]] = {"replay": "battle", "withdraw": "deposit", "delete_mode": "create_mode"}
"""What comes to nothing without something else."""


@dataclass(slots=True)
class Acknowledged:
    """What answers said: the truth regions are measured by."""

    money: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By player and currency."""
    vaults: Counter[Any] = field(default_factory=Counter)
    """By guild."""
    standings: dict[str, dict[tuple[str | None, str], Totals]] = field(default_factory=dict)
    """By player, then by season (None is all-time) and board."""
    battles: set[Any] = field(default_factory=set)
    damage: int = 0


class People:
    """Does one thing after another, at random; ``players`` maps each to the home region."""

    def __init__(
        self, random: Random, regions: Mapping[str, Region], players: Mapping[str, str], referral: Document
    ) -> None:
        self._random = random
        self._regions = regions
        self._players = players
        self._referral = referral
        self._requests: list[tuple[str, str, str]] = []
        # Some of all people, some of all there is to do: they meet more often so.
        self._crowd = random.sample([*players, VISITOR], random.choice((1, 2, 4)))
        kinds = (*random.choice(((), ALWAYS)), *random.sample(sorted(WEIGHTS), random.choice((1, 3, 5))))
        self._weights = {what: WEIGHTS[what] for kind in kinds for what in (kind, AFTER.get(kind, kind))}
        self.acknowledged = Acknowledged()
        self.outcomes: Counter[str] = Counter()

    def act(self) -> Region:
        """Something somebody does; where."""
        (what,) = self._random.choices(list(self._weights), list(self._weights.values()))
        who = self._random.choice(self._crowd)
        at_home = what in ("battle", "spend", "replay")
        if at_home and who == VISITOR:
            who = self._random.choice(list(self._players))
        region = self._regions[self._players[who] if at_home else self._random.choice(list(self._regions))]
        do: Callable[[Region, str], object] = getattr(self, what)
        try:
            do(region, who)
            self.outcomes[what] += 1
        except ArenaError as refusal:
            self.outcomes[f"{what}: {refusal.code}"] += 1
        except IndexError:
            self.outcomes[f"{what}: nothing there"] += 1
        return region

    def battle(self, region: Region, who: str) -> None:
        self._fight(region, who, self._request("b"), self._broker(region, who), self._random.choice(MODES))

    def replay(self, region: Region, who: str) -> None:
        """A client that got no answer asks again."""
        _, request_id, broker = self._random.choice([asked for asked in self._requests if asked[0] == who])
        self._fight(region, who, request_id, broker, "quick")

    def spend(self, region: Region, who: str) -> None:
        request = ActionRequest(telegram_id=who, request_id=self._request("a"))
        broker, what = self._broker(region, who), self._random.choice(("train", "repair", "upgrade", "combine"))
        if what == "repair":
            result = region.brokers.repair(request, broker)
        elif what == "combine":
            result = region.brokers.combine(request, broker, self._broker(region, who))
        else:
            act = region.brokers.train if what == "train" else region.brokers.upgrade
            result = act(request, broker, self._random.choice(("speed", "risk")))
        self._acknowledge_action(who, result)

    def starter(self, region: Region, who: str) -> None:
        region.brokers.starter(who)

    def profile(self, region: Region, who: str) -> None:
        changed = self._random.choice((("username",), ("firstName",), ("username", "firstName")))
        before = region.one("users", telegramId=who) or {}
        profile = {name: before.get(name, "") for name in ("username", "firstName")}
        region.players.upsert_player(who, {**profile, **{name: self._word() for name in changed}}, region.clock())

    def school(self, region: Region, who: str) -> None:
        region.players.upsert_player(who, {}, region.clock())
        region.players.set_school(who, f"{self._random.randrange(1 << 40):024x}", region.clock())

    def found(self, region: Region, who: str) -> None:
        region.guilds.create(self._guild_request(who), self._random.choice(NAMES), self._word())

    def join(self, region: Region, who: str) -> None:
        region.guilds.join(self._guild_request(who), self._guild(region))

    def leave(self, region: Region, who: str) -> None:
        region.guilds.leave(self._guild_request(who), self._guild(region))

    def deposit(self, region: Region, who: str) -> None:
        region.guilds.deposit(self._guild_request(who), self._guild(region), self._broker(region, who))

    def withdraw(self, region: Region, who: str) -> None:
        """A broker out of the pool it is in; the guild's owner may, and the broker's."""
        pooled = [broker for broker in region.all("brokers") if broker["guildId"] is not None]
        broker = self._random.choice(pooled)
        who = self._random.choice((who, broker["ownerTelegramId"]))
        region.guilds.withdraw(self._guild_request(who), str(broker["guildId"]), str(broker["_id"]))

    def change_mode(self, region: Region, who: str) -> None:
        fields = self._random.choice(({"name": self._word()}, {"description": self._word()}, {"name": self._word()}))
        region.modes.change(self._mode(region), fields, frozenset(), OPERATOR)

    def create_mode(self, region: Region, who: str) -> None:
        more = self._random.choice(({}, {"icon": self._word()}))
        key = self._random.choice(NEW_MODES)
        region.modes.create({"key": key, "name": self._word(), "arena": "arbitrage", **more}, OPERATOR)

    def delete_mode(self, region: Region, who: str) -> None:
        """One of the new ones."""
        new = [mode for mode in region.modes.modes() if mode["key"] in NEW_MODES]
        region.modes.delete(str(self._random.choice(new)["_id"]), OPERATOR)

    def configure(self, region: Region, who: str) -> None:
        changes: Mapping[str, Any] = self._random.choice(
            (
                {"seasonLength": self._random.choice(("week", "month"))},
                {"baseRewardNeurPerScore": self._random.randint(1, 9)},
                {"guildCreatorShareBps": self._random.randint(100, 5000), "supportLink": self._word()},
            )
        )
        region.economy.change(changes, frozenset(), OPERATOR)

    def settle(self, region: Region, who: str) -> None:
        region.follow_ups.run()

    def _fight(self, region: Region, who: str, request_id: str, broker: str, mode: str) -> None:
        (config,) = region.all("economyconfigs")
        self._requests.append((who, request_id, broker))
        command = BattleCommand(telegram_id=who, request_id=request_id, broker_id=broker, mode_key=mode)
        result = region.battles.run(command)
        if not result.replayed:
            self._acknowledge(region, who, result, config)

    def _acknowledge(self, region: Region, who: str, result: BattleResult, config: Document) -> None:
        battle, acknowledged = result.battle, self.acknowledged
        money = acknowledged.money
        for currency, cost in result.entry_costs.items():
            money[who, currency] -= cost
        money[who, "NEUR"] += battle["rewardNeur"] - battle["guildShareNeur"]
        money[who, "AIBA"] += battle["rewardAiba"]
        money[who, "STARS"] += result.stars_granted
        money[who, "DIAMONDS"] += result.first_win_diamond
        if battle["guildId"] is not None:
            split = guild_split(battle["rewardNeur"], config)
            guild = region.one("guilds", _id=battle["guildId"]) or {}
            money[guild["ownerTelegramId"], "NEUR"] += split.creator
            acknowledged.vaults[guild["_id"]] += split.vault
        if who == next(iter(self._players)):
            share = referrer_rewards(Rewards(aiba=battle["rewardAiba"], neur=battle["rewardNeur"]), self._referral)
            money[REFERRER, "AIBA"] += share.aiba
            money[REFERRER, "NEUR"] += share.neur
        acknowledged.battles.add(battle["_id"])
        acknowledged.damage += battle["score"]
        sums = acknowledged.standings.setdefault(who, {})
        for season in (None, season_at(battle["createdAt"], season_length(config)).id):
            for board in (ALL, league_board(battle["league"])):
                sums[season, board] = sums.get((season, board), Totals()) + Totals.of_battle(battle)

    def _acknowledge_action(self, who: str, result: ActionResult) -> None:
        if not result.replayed:
            self.acknowledged.money[who, result.currency] -= result.amount

    def _request(self, kind: str) -> str:
        return f"{kind}{self._random.randrange(1 << 60):x}"

    def _word(self) -> str:
        """No two alike, so that who wrote what can be told."""
        return f"w{self._random.randrange(1 << 40):x}"

    def _broker(self, region: Region, who: str) -> str:
        own = region.database.now().shared("brokers", {"ownerTelegramId": who, "deletedAt": None})
        return str(self._one_of(own)["_id"])

    def _guild(self, region: Region) -> str:
        return str(self._one_of(region.all("guilds"))["_id"])

    def _one_of(self, documents: list[Document]) -> Document:
        """Often the newest: others have not heard of it."""
        return documents[-1] if documents and self._random.random() < 0.5 else self._random.choice(documents)

    def _mode(self, region: Region) -> str:
        return str(self._random.choice(region.modes.modes())["_id"])

    def _guild_request(self, who: str) -> GuildRequest:
        return GuildRequest(telegram_id=who, request_id="g")
