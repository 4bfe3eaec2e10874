"""A process that fights battles until it is killed. Run by test_battle_crash."""

from multiprocessing.connection import Connection

from chalicelib.arena.battle_service import BattleCommand, BattleService
from chalicelib.clock import ManualClock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import Pools
from chalicelib.data.store import MongoStore
from chalicelib.data.transactions import Transactions
from tests.worlds import NOON


def fight_for_ever(
    uri: str, database: str, telegram_id: str, broker_id: str, stripe: int, acknowledged: Connection
) -> None:
    """Sends the number of every battle that was answered."""
    pools = Pools(uri)
    # With time: a child that a busy machine's database was too slow for would end by itself.
    store = MongoStore(Operations(pools, database, budget_seconds=20), Transactions(pools, budget_seconds=20))
    service = BattleService(store, ManualClock(NOON), secret="a-secret-of-this-test-only", stripe=stripe)
    number = 0
    while True:
        command = BattleCommand(
            telegram_id=telegram_id, request_id=f"{telegram_id}-{number}", broker_id=broker_id, mode_key="free"
        )
        service.run(command)
        acknowledged.send(number)
        number += 1
