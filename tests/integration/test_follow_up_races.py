"""Follow-ups settled while battles go on, by several at once, and with crashes in the middle; on a real replica set."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.follow_up_service import FollowUpService, RunReport
from chalicelib.arena.ports import Document
from chalicelib.data import follow_up_queries, operator_queries
from chalicelib.data.follow_ups import MongoFollowUps
from chalicelib.data.operations import Create, Find, FindOne, Operation, Operations, Update
from chalicelib.data.pools import GUIDE_POOLS, PoolName, Pools, without_secondaries
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from chalicelib.errors import Unavailable
from chalicelib.locks import Guard
from tests.consistency import assert_consistent
from tests.worlds import NOON, World

PLAYERS, REFERRERS = 8, 2


class KilledError(Exception):
    """Stands for the process's death."""


class Dying(Operations):
    """Dies instead of its ``at``-th write."""

    def __init__(self, pools: Pools, database: str, at: int) -> None:
        super().__init__(pools, database)
        self._left = at

    def execute(self, operation: Operation, *, pool: PoolName = "primary", session: Any = None) -> Any:
        if isinstance(operation, Create | Update):
            self._left -= 1
            if self._left < 0:
                raise KilledError
        return super().execute(operation, pool=pool, session=session)


@pytest.fixture
def pools(mongo_uri: str) -> Iterator[Pools]:
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS))
    yield pools
    pools.close()


def prepare(world: World, boss_hp: int) -> dict[str, Document]:
    """Players brought in by few (who fight as well), and a boss; each player's broker."""
    world.configure(baseRewardAibaPerScore=20, baseRewardNeurPerScore=10)
    world.add("globalbosses", name="Bear", maxHp=boss_hp, currentHp=boss_hp, status="active")
    world.add("gamemodes", key="free", enabled=True, arena="f", league="rookie", energyCost=0, cooldownSeconds=0)
    for number in range(REFERRERS):
        world.add("referrals", code=f"c{number}", ownerTelegramId=str(number), uses=number * 150, active=True)
    brokers = {}
    for number in range(PLAYERS):
        who, referrer = str(number), number % REFERRERS
        world.add_player(who)
        world.add("referraluses", code=f"c{referrer}", referrerTelegramId=str(referrer), refereeTelegramId=who)
        brokers[who] = world.add_broker(who)
    return brokers


def fight(world: World, broker: Document, request_id: str, stripe: int = 0) -> None:
    who = broker["ownerTelegramId"]
    world.battles(stripe).run(world.command(broker, request_id, telegram_id=who, mode_key="free"))


def assert_settled(world: World, boss_hp: int) -> None:
    """Whatever was noted is done, once."""
    events = [event for event in world.read("outbox") if event["entity"] == "battle"]
    assert not [event for event in events if "followUpsDueAt" in event]
    earned: Counter[tuple[str, str]] = Counter()
    damage = 0
    for event in events:
        for noted in event.get("followUps", ()):
            if noted["kind"] == "boss_damage":
                damage += noted["damage"]
            else:
                earned[noted["referrerTelegramId"], "AIBA"] += noted["aiba"]
                earned[noted["referrerTelegramId"], "NEUR"] += noted["neur"]
    paid: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in world.all("ledgerentries", reason="creator_earnings"):
        paid[row["telegramId"], row["currency"]] += row["amount"]
    assert dict(paid) == dict(earned)
    assert sum(row["damage"] for row in world.read("bossdamages")) == damage
    boss = world.one("globalbosses")
    assert boss["currentHp"] == max(0, boss_hp - damage)
    assert boss["status"] == ("defeated" if damage >= boss_hp else "active")
    assert_consistent(world)


def test_three_settlers_and_eight_players_at_once(world: World) -> None:
    """Every share is paid once and every blow counts once, whoever settles; the boss falls on the way."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    brokers = prepare(world, boss_hp=3000)

    def play(who: str) -> None:
        for number in range(12):
            fight(world, brokers[who], f"{seed}-{who}-{number}", stripe=int(who))

    def settle(settler: int) -> int:
        choice = random.Random(f"{seed}-{settler}")
        return sum(world.follow_ups(choice.choice((1, 3, 10))).run().events for _ in range(8))

    with ThreadPoolExecutor(PLAYERS + 3) as threads:
        playing = [threads.submit(play, who) for who in brokers]
        settling = [threads.submit(settle, settler) for settler in range(3)]
        for player in playing:
            player.result()
        settled = sum(settler.result() for settler in settling)
    settled += world.follow_ups().run().events
    assert len(world.read("battles")) == PLAYERS * 12
    assert settled == sum("followUps" in event for event in world.read("outbox"))
    assert_settled(world, 3000)


def test_a_death_at_any_write_leaves_the_batch_undone(world: World, database: Database[Document], pools: Pools) -> None:
    """After each death nothing has changed; the next run does all of it, once."""
    brokers = prepare(world, boss_hp=100)
    for who, broker in brokers.items():
        fight(world, broker, who)
    before = world.everything()
    deaths = 0
    while True:
        store = MongoStore(Dying(pools, database.name, deaths), Transactions(pools))
        try:
            report = FollowUpService(MongoFollowUps(store), world.clock).run()
        except KilledError:
            assert world.everything() == before
            deaths += 1
        else:
            break
    assert deaths == 6, "events, balances, boss, damages, ledger, the batch's own event"
    assert (report.events, report.complete) == (PLAYERS, True)
    assert_settled(world, 100)


def test_a_lost_acknowledgement_does_no_harm(world: World) -> None:
    """The process dies after the commit: the next run finds it done."""
    brokers = prepare(world, boss_hp=100)
    fight(world, brokers["1"], "r")
    assert world.follow_ups().run().events == 1
    after = world.everything()
    assert world.follow_ups().run() == RunReport(batches=1, complete=True)
    assert world.everything() == after


def test_a_batch_that_never_commits_is_tried_in_halves(world: World) -> None:
    """Busy players hold up small batches only; when even one event can't be settled, the run says so."""
    brokers = prepare(world, boss_hp=10_000)
    for number in range(8):
        fight(world, brokers["1"], f"r{number}")
    sizes: list[int] = []

    class Busy:
        """Commits up to ``most`` events at once."""

        def __init__(self, most: int) -> None:
            self._most = most

        def new_id(self) -> Any:
            return world.follow_up_store.new_id()

        def transact(self, work: Any, guard: Guard | None = None) -> Any:
            def counted(snapshot: Any) -> Any:
                outcome = work(snapshot)
                sizes.append(outcome.result.events)
                if outcome.result.events > self._most:
                    raise Unavailable("busy")
                return outcome

            return world.follow_up_store.transact(counted, guard)

    with pytest.raises(Unavailable):
        FollowUpService(Busy(0), world.clock, batch_events=4).run()
    assert sizes == [4, 2, 1]
    sizes.clear()
    report = FollowUpService(Busy(2), world.clock, batch_events=8).run()
    assert sizes == [8, 4, 2, 2, 2, 2, 0]
    assert (report.events, report.complete) == (8, True)
    assert_settled(world, 10_000)


READS: Mapping[str, Find | FindOne] = {
    "due": follow_up_queries.due(NOON, 100),
    "earnings": follow_up_queries.earnings(["777"], ["r1", "r2"]),
    "damages": follow_up_queries.damages([1], [2]),
    "bosses": follow_up_queries.bosses([1]),
    "modes": operator_queries.modes(None, None, None),
    "modes of an arena": operator_queries.modes("prediction", "pro", True),
    "mode": operator_queries.mode("ab" * 12),
    "mode of a key": operator_queries.mode_of_key("prediction"),
    "ledger": operator_queries.ledger(None, 100),
    "ledger of a player": operator_queries.ledger("777", 100),
    "operators' actions": operator_queries.actions(100),
}


def test_every_read_of_operators_and_follow_ups_is_served_by_an_index(
    world: World, database: Database[Document]
) -> None:
    brokers = prepare(world, boss_hp=10_000)
    for number in range(30):
        fight(world, brokers["1"], f"r{number}")
        world.add("operatoractions", action="x")
    world.follow_ups().run()
    fight(world, brokers["1"], "due")
    for name, read in READS.items():
        stages = _stages(database, read)
        assert "COLLSCAN" not in stages, name
        assert stages & {"IXSCAN", "IDHACK"}, name


def _stages(database: Database[Document], read: Find | FindOne) -> set[str]:
    command = {"find": read.collection, "filter": read.where, "sort": dict(read.sort)}
    found: set[str] = set()

    def walk(plan: Any) -> None:
        if isinstance(plan, dict):
            if "stage" in plan:
                found.add(plan["stage"])
            for value in plan.values():
                walk(value)
        elif isinstance(plan, list):
            for value in plan:
                walk(value)

    walk(database.command("explain", command, verbosity="executionStats")["queryPlanner"]["winningPlan"])
    return found
