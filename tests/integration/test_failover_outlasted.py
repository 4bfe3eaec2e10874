"""What was decided before a region is fenced: it is committed and told to whoever takes over, or it is refused.

A command is held up where a process stalls, or a network: after the driver has looked at its time, before it is sent.
The server takes it however late it comes.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_service import BattleService
from chalicelib.arena.ports import Document
from chalicelib.clock import system_clock
from chalicelib.data.moves import MongoMoves
from chalicelib.data.pools import Pools
from chalicelib.errors import ArenaError
from chalicelib.replication.failover import plan_failover
from chalicelib.replication.moves import Moves
from tests.databases import Lender, transactions_live
from tests.integration.test_failover import FIRST, REGIONS, SECOND, Region, region, takeover
from tests.redis_doors import eventually

PLAYER: Final = "1"
HELD_MAX_SECONDS: Final = 60
CHANCE_SECONDS: Final = 1.0
"""For a failover that does not wait to get ahead."""


class HeldUp(CommandListener):
    """Holds up one command of a transaction."""

    def __init__(self) -> None:
        self.name = ""
        self.reached = threading.Event()
        self.go_on = threading.Event()

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == self.name and "autocommit" in event.command:
            self.name = ""
            self.reached.set()
            assert self.go_on.wait(HELD_MAX_SECONDS)

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@pytest.fixture
def held() -> Iterator[HeldUp]:
    found = HeldUp()
    yield found
    found.go_on.set()


@pytest.fixture
def regions(
    lender: Lender, mongo_client: MongoClient[Document], mongo_uri: str, held: HeldUp, opened: list[Pools]
) -> Iterator[dict[str, Region]]:
    """What is held up has time, the driver's and the server's: how long it is, is the machine's affair."""
    with lender.lent_to(REGIONS) as databases, transactions_live(mongo_client, HELD_MAX_SECONDS):
        yield {
            name: region(name, database, mongo_uri, opened, transaction_seconds=HELD_MAX_SECONDS, listeners=[held])
            for name, database in databases.items()
        }


def train(here: Region) -> None:
    here.train(PLAYER, "held up")


def fight(here: Region) -> None:
    battles = BattleService(here.store, system_clock, secret="s", stripe=0, homes=here.homes)
    broker = here.database.brokers.find_one({"ownerTelegramId": PLAYER}) or {}
    battles.run(BattleCommand(telegram_id=PLAYER, request_id="held up", broker_id=str(broker["_id"])))


def begin(here: Region) -> None:
    here.brokers.starter(PLAYER)


def move(here: Region) -> None:
    Moves(MongoMoves(here.store), system_clock, here.homes, stripe=0).move(PLAYER, REGIONS[2])


def known(there: Region) -> Any:
    """What there is of a player that any of the decisions changes."""
    user = there.database.users.find_one({"telegramId": PLAYER}) or {}
    brokers = sorted(str(broker["_id"]) for broker in there.database.brokers.find({"ownerTelegramId": PLAYER}))
    return (
        user.get("neurBalance"),
        user.get("_home"),
        brokers,
        there.database.battles.count_documents({"ownerTelegramId": PLAYER}),
    )


def over(regions: dict[str, Region]) -> Any:
    return takeover(regions, lambda found: plan_failover(REGIONS, found, failed=FIRST))


def held_up(pool: ThreadPoolExecutor, held: HeldUp, command: str, work: Callable[[], None]) -> Future[None]:
    held.name = command
    begun = pool.submit(work)
    assert held.reached.wait(HELD_MAX_SECONDS)
    return begun


@pytest.mark.parametrize("decision", [train, fight, begin, move])
def test_a_commit_that_is_held_up_is_waited_for(
    regions: dict[str, Region], held: HeldUp, decision: Callable[[Region], None]
) -> None:
    first, second = regions[FIRST], regions[SECOND]
    with ThreadPoolExecutor(2) as pool:
        begun = held_up(pool, held, "commitTransaction", lambda: decision(first))
        before = known(first)
        failover = pool.submit(over, regions)
        eventually("it is fenced", lambda: not first.homes(first.hand.roles()).serving[FIRST])
        wait([failover], CHANCE_SECONDS)
        held.go_on.set()
        begun.result()
        failover.result()
    assert second.homes(second.hand.roles()).serving[FIRST] == SECOND
    assert known(first) != before
    assert known(second) == known(first)


@pytest.mark.parametrize(
    ("decision", "command"),
    [(decision, command) for decision in (train, fight, begin) for command in ("aggregate", "insert", "update")]
    # Its only insert is what tells of it, at the end.
    + [(move, "find"), (move, "aggregate"), (move, "update")],
)
def test_what_has_not_written_its_stripe_is_refused_however_late_it_goes_on(
    regions: dict[str, Region], held: HeldUp, decision: Callable[[Region], None], command: str
) -> None:
    """Before it reads, it will see the fence; before it writes, the fence comes between."""
    first, second = regions[FIRST], regions[SECOND]
    with ThreadPoolExecutor(1) as pool:
        begun = held_up(pool, held, command, lambda: decision(first))
        before = known(first)
        over(regions)
        held.go_on.set()
        with pytest.raises(ArenaError) as refused:
            begun.result()
    assert refused.value.code in ("not_home", "home_unavailable", "database_unavailable")
    assert known(first) == known(second) == before
