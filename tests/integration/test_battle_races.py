"""Battles at the same time, on a real replica set: exact counts, never approximately."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import pytest

from chalicelib.arena.battle_service import BattleCommand
from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.emission import STRIPES
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from tests.consistency import Sums, assert_consistent
from tests.worlds import World

T = TypeVar("T")


def all_at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Every job in a thread of its own, started together."""
    gate = threading.Barrier(len(jobs), timeout=60)

    def run(job: Callable[[], T]) -> T:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def fight(world: World, command: BattleCommand, stripe: int = 0) -> Document | str:
    """The answer's data, or the refusal's code."""
    try:
        return world.battles(stripe % STRIPES).run(command).body()
    except ArenaError as error:
        if error.status not in (403, 429):
            raise
        return error.code


def test_energy_for_one_battle_gives_exactly_one(world: World) -> None:
    """Ten players, eight battles each at once, energy for one: ten accepted, seventy refused with the reason."""
    jobs: list[Callable[[], Document | str]] = []
    for player in range(10):
        who = str(player)
        world.add_player(who)
        broker = world.add_broker(who, energy=10)
        for number in range(8):
            command = world.command(broker, f"{who}-{number}", telegram_id=who)
            jobs.append(partial(fight, world, command, len(jobs)))
    answers = all_at_once(jobs)
    accepted = [answer for answer in answers if isinstance(answer, dict)]
    assert len(accepted) == len(world.read("battles")) == 10
    assert Counter(battle["ownerTelegramId"] for battle in accepted) == Counter(str(player) for player in range(10))
    assert Counter(answer for answer in answers if isinstance(answer, str)).keys() <= {"no energy", "cooldown"}
    assert all(broker["energy"] == 0 for broker in world.read("brokers"))
    assert_consistent(world)


def test_one_request_id_eight_times_at_once_is_one_battle(world: World) -> None:
    """One reward, and the same battle in every answer; only one of them says what was granted."""
    world.add_player()
    command = world.command(world.add_broker(energy=100))
    answers = all_at_once([partial(fight, world, command, stripe) for stripe in range(8)])
    battle = world.one("battles")
    granted = {"starsGranted", "firstWinDiamond"}
    assert all(isinstance(a, dict) and {k: v for k, v in a.items() if k not in granted} == battle for a in answers)
    assert sum(granted <= set(answer) for answer in answers) == 1
    assert world.one("brokers")["energy"] == 90
    assert_consistent(world)


@pytest.mark.parametrize("stripes", [1, STRIPES])
def test_a_nearly_used_cap_is_never_exceeded(world: World, stripes: int) -> None:
    """Sixteen players at once, room for about five rewards: what is left is less than the smallest one refused."""
    cap = 1000
    world.configure(dailyCapAiba=cap)
    jobs: list[Callable[[], Document | str]] = []
    for player in range(16):
        who = str(player)
        world.add_player(who)
        # Equal strength without chance, so that every reward is the same and the number granted is exact.
        broker = world.add_broker(who, energy=100)
        command = world.command(broker, who, telegram_id=who, mode_key="fixed")
        jobs.append(partial(fight, world, command, player % stripes))
    world.add("gamemodes", key="fixed", enabled=True, arena="f", league="rookie", rules={"varianceBase": 0})
    answers = [answer for answer in all_at_once(jobs) if isinstance(answer, dict)]
    assert len(answers) == 16
    rewards = Counter(answer["rewardAiba"] for answer in answers)
    (reward,) = rewards.keys() - {0}
    assert rewards[reward] == cap // reward
    assert_consistent(world)


def test_balances_equal_the_ledger_whatever_happens_at_once(world: World) -> None:
    """Battles, replays, paid modes and broker actions, mixed at random by eight clients."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    starting: Sums = {}
    brokers: dict[str, list[Document]] = {}
    for who in ("1", "2", "3"):
        world.add_player(who, neurBalance=400, aibaBalance=300)
        starting |= {(who, "NEUR"): 400, (who, "AIBA"): 300}
        brokers[who] = [world.add_broker(who, energy=100) for _ in range(3)]
    world.add_guild("1", ("2",))
    world.configure(baseRewardNeurPerScore=1)
    free = {"cooldownSeconds": 0, "energyCost": 1, "enabled": True, "league": "rookie"}
    world.add("gamemodes", key="paid", arena="paid", entryNeurCost=40, entryAibaCost=30, **free)
    world.add("gamemodes", key="war", arena="war", rules={"requiresGuild": True}, **free)
    world.add("gamemodes", key="free", arena="free", **free)

    def act(client: int) -> Counter[str]:
        choice = random.Random(f"{seed}-{client}")
        outcomes: Counter[str] = Counter()
        for _ in range(25):
            who = choice.choice("123")
            broker = choice.choice(brokers[who])
            request_id = f"r{choice.randrange(150)}"
            try:
                if choice.random() < 0.7:
                    mode = choice.choice(["free", "paid", "war"])
                    world.battles(client).run(world.command(broker, request_id, telegram_id=who, mode_key=mode))
                else:
                    other = choice.choice(brokers[who])
                    _broker_action(world, choice, who, request_id, broker, other, client)
            except ArenaError as error:
                if error.status >= 500:
                    raise
                outcomes[error.code] += 1
            else:
                outcomes["ok"] += 1
        return outcomes

    with ThreadPoolExecutor(8) as threads:
        outcomes = sum(threads.map(act, range(8)), Counter[str]())
    assert outcomes["ok"] > 50, outcomes
    assert_consistent(world, starting_balances=starting)


def _broker_action(
    world: World, choice: random.Random, who: str, request_id: str, broker: Document, other: Document, stripe: int
) -> None:
    service, request = world.brokers(stripe), ActionRequest(telegram_id=who, request_id=request_id)
    broker_id = str(broker["_id"])
    match choice.randrange(4):
        case 0:
            service.train(request, broker_id, "speed")
        case 1:
            service.repair(request, broker_id)
        case 2:
            service.upgrade(request, broker_id, "risk")
        case _:
            service.combine(request, broker_id, str(other["_id"]))
