"""Guilds changed by many at the same time, on a real replica set: exact counts, never approximately."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.guilds import MEMBERS_MAX, POOLED_MAX
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from tests.consistency import assert_guilds_consistent
from tests.guilds import by, found_guild, pooled
from tests.worlds import World

HANDS = 8


def all_at_once(jobs: Sequence[Callable[[], object]]) -> Counter[str]:
    """Every job in a thread of its own, started together: how many were refused with which code, "ok" for the rest."""
    gate = threading.Barrier(len(jobs), timeout=60)

    def run(job: Callable[[], object]) -> str:
        gate.wait()
        try:
            job()
        except ArenaError as error:
            if error.status >= 500:
                raise
            return error.code
        return "ok"

    with ThreadPoolExecutor(len(jobs)) as threads:
        return Counter(threads.map(run, jobs))


def test_eight_players_and_one_player_eight_times_join(world: World) -> None:
    """Nine members beside the owner, each once."""
    guild_id = str(found_guild(world, "boss")["_id"])
    join = world.guilds().join
    assert all_at_once([partial(join, by(str(number)), guild_id) for number in range(HANDS)]) == {"ok": HANDS}
    assert all_at_once([partial(join, by("again"), guild_id)] * HANDS) == {"ok": HANDS}
    members = [member["telegramId"] for member in world.one("guilds")["members"]]
    assert Counter(members) == Counter(["boss", "again", *map(str, range(HANDS))])
    assert_guilds_consistent(world)
    assert len(world.read("outbox")) == len(members)


def test_the_last_places_are_given_once(world: World) -> None:
    """Eight players for three places; eight brokers for three."""
    guild = world.add_guild("0", tuple(str(number) for number in range(1, MEMBERS_MAX - 3)))
    guild_id = str(guild["_id"])
    jobs: list[Callable[[], object]] = [
        partial(world.guilds().join, by(f"late-{number}"), guild_id) for number in range(HANDS)
    ]
    assert all_at_once(jobs) == {"ok": 3, "guild full": 5}
    for _ in range(POOLED_MAX - 3):
        world.add_broker("0", guildId=guild["_id"])
    brokers = [world.add_broker("1") for _ in range(HANDS)]
    jobs = [partial(world.guilds().deposit, by("1"), guild_id, str(broker["_id"])) for broker in brokers]
    assert all_at_once(jobs) == {"ok": 3, "guild pool full": 5}
    assert len(world.one("guilds")["members"]) == MEMBERS_MAX
    assert len(world.all("brokers", guildId=guild["_id"])) == POOLED_MAX


def test_eight_deposits_of_one_broker_into_two_guilds_put_it_into_one(world: World) -> None:
    """Four tell that it is there, four that it is elsewhere."""
    guilds = [str(found_guild(world, name=name)["_id"]) for name in ("Wolves", "Bears")]
    broker = str(world.add_broker()["_id"])
    jobs = [partial(world.guilds().deposit, by("777"), guilds[number % 2], broker) for number in range(HANDS)]
    assert all_at_once(jobs) == {"ok": 4, "broker already in another guild pool": 4}
    assert_guilds_consistent(world)
    assert len(world.read("outbox")) == 3


def test_eight_withdrawals_of_one_broker_take_it_out_once(world: World) -> None:
    """The others are told that it is not there."""
    guild = found_guild(world)
    broker, _ = pooled(world, guild), pooled(world, guild)
    job = partial(world.guilds().withdraw, by("777"), str(guild["_id"]), str(broker["_id"]))
    assert all_at_once([job] * HANDS) == {"ok": 1, "broker not in this guild pool": 7}
    assert_guilds_consistent(world)


def test_whatever_eight_hands_do_to_two_guilds_they_stay_consistent(world: World) -> None:
    """Joining, leaving, depositing, withdrawing, sacrificing, fighting; the seed is printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    world.configure(baseRewardNeurPerScore=10)
    world.add("gamemodes", key="war", enabled=True, arena="guildWars", league="rookie", energyCost=0, cooldownSeconds=0)
    players = [str(number) for number in range(4)]
    brokers: list[Document] = []
    for who in players:
        world.add_player(who, neurBalance=10_000)
        brokers += [world.add_broker(who) for _ in range(6)]
    guilds = [str(found_guild(world, who, *players, name=f"guild of {who}")["_id"]) for who in players[:2]]
    for round_number in range(12):
        jobs = [_some_job(world, dice, players, brokers, guilds, f"{round_number}-{n}") for n in range(HANDS)]
        print(all_at_once(jobs))
        assert_guilds_consistent(world)


def _some_job(
    world: World, dice: random.Random, players: list[str], brokers: list[Document], guilds: list[str], name: str
) -> Callable[[], object]:
    broker, guild = dice.choice(brokers), dice.choice(guilds)
    owner = broker["ownerTelegramId"]
    other = dice.choice([one for one in brokers if one["ownerTelegramId"] == owner and one is not broker])
    service, who = world.guilds(), by(dice.choice(players))
    merge = ActionRequest(telegram_id=owner, request_id=name)
    fight = world.command(broker, name, telegram_id=owner, mode_key="war")
    jobs: list[Callable[[], object]] = [
        partial(service.join, who, guild),
        partial(service.leave, who, guild),
        *[partial(service.deposit, by(owner), guild, str(broker["_id"]))] * 4,
        partial(service.withdraw, by(owner), guild, str(broker["_id"])),
        partial(world.brokers().combine, merge, str(broker["_id"]), str(other["_id"])),
        partial(world.battles().run, fight),
    ]
    return dice.choice(jobs)
