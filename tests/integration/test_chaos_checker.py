"""The checker beside what the arena itself writes: it finds nothing wrong, and sees what is damaged behind its back."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from pymongo.database import Database

from chalicelib.arena.battle_service import BattleCommand
from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from infra.chaos.checker.model import Case, State
from infra.chaos.checker.verdict import violations
from infra.chaos.history import DONE, REFUSED, Operation
from infra.chaos.reading import held
from infra.chaos.rules import MODES, WAR, settings
from tests.worlds import World

REGION = "us-east-1"
PLAYERS = ("1", "2", "3")
WISHES = 150
ARENA_CAP = 600
"""Low enough to be met."""


class Players:
    """Want things at random, and write down what they are told."""

    def __init__(self, world: World, draw: random.Random) -> None:
        self._world, self._draw = world, draw
        self._battles, self._brokers = world.battles(), world.brokers()
        self.operations: list[Operation] = []
        self.owned = {player: [self._starter(player) for _ in range(2)] for player in PLAYERS}

    def wish(self) -> None:
        player = self._draw.choice(PLAYERS)
        broker = self._draw.choice(self.owned[player])
        kind = self._draw.choices(("battle", "train", "upgrade", "repair", "combine"), (70, 10, 10, 6, 4))[0]
        self._world.clock.advance(self._draw.uniform(0.2, 3.0))
        if kind == "battle":
            mode = self._draw.choice((*MODES, WAR))
            self._ask(
                *(player, kind, {"brokerId": broker, "modeKey": mode.key}),
                lambda request_id: (
                    self._battles.run(
                        BattleCommand(telegram_id=player, request_id=request_id, broker_id=broker, mode_key=mode.key)
                    ).battle
                ),
            )
        elif kind == "combine":
            self._combine(player)
        else:
            more = () if kind == "repair" else (self._draw.choice(("intelligence", "speed", "risk")),)
            arguments = {"brokerId": broker, **({"stat": more[0]} if more else {})}
            act = getattr(self._brokers, kind)
            self._ask(player, kind, arguments, lambda request_id: act(_action(player, request_id), broker, *more).body)

    def _combine(self, player: str) -> None:
        if len(self.owned[player]) < 2:
            self.owned[player].append(self._starter(player))
        base, sacrifice = self._draw.sample(self.owned[player], 2)
        arguments = {"baseBrokerId": base, "sacrificeBrokerId": sacrifice}
        done = self._ask(
            *(player, "combine", arguments),
            lambda request_id: self._brokers.combine(_action(player, request_id), base, sacrifice).body,
        )
        if done:
            self.owned[player].remove(sacrifice)

    def _starter(self, player: str) -> str:
        made: dict[str, Any] = {}
        self._ask(player, "starter", {}, lambda _: made.update(self._brokers.starter(player)) or made)
        return str(made["_id"])

    def _ask(
        self, player: str, kind: str, arguments: Mapping[str, Any], act: Callable[[str], Mapping[str, Any]]
    ) -> bool:
        at = float(len(self.operations))
        operation = Operation(f"r{len(self.operations)}", player, kind, REGION, arguments, at, 1)
        self.operations.append(operation)
        try:
            told = act(operation.id)
        except ArenaError as refusal:
            operation.outcome, operation.code = REFUSED, refusal.code
            return False
        kept = ("_id", "brokerId", "score", "rewardAiba", "rewardNeur", "guildShareNeur", "seedHex")
        operation.outcome = DONE
        operation.answer = {
            name: str(told[name]) if name.endswith(("_id", "Id")) else told[name] for name in kept if name in told
        }
        return True


def _action(player: str, request_id: str) -> ActionRequest:
    return ActionRequest(telegram_id=player, request_id=request_id)


def test_what_the_arena_writes_is_right_and_damage_is_seen(world: World, database: Database[Document]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    world.configure(**settings(ARENA_CAP))
    for mode in (*MODES, WAR):
        world.add("gamemodes", enabled=True, **mode.wire())
    world.add_guild(PLAYERS[0], PLAYERS[1:2])
    players = Players(world, random.Random(seed))
    for _ in range(WISHES):
        players.wish()

    def found() -> set[str]:
        state = State({REGION: held(database)})
        return {
            one.rule for one in violations(Case(players.operations, state, dict.fromkeys(PLAYERS, REGION), ARENA_CAP))
        }

    assert found() == set()
    battle = database["battles"].find_one_and_delete({"rewardAiba": {"$gt": 0}})
    assert battle is not None
    assert {"lost-battle", "payment-without-battle", "wrong-standings", "wrong-day-counter"} <= found()
    database["battles"].insert_one(battle)
    assert found() == set()
    database["users"].update_one({"telegramId": PLAYERS[0]}, {"$inc": {"neurBalance": 1}})
    assert found() == {"wrong-balance"}
