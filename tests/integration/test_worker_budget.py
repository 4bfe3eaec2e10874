"""What the battle worker's wiring promises about its time."""

import time

import boto3
import pytest
from moto import mock_aws

from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import new_job, to_message
from chalicelib.arena.battle_worker import ATTEMPTS_MAX, DeliveredMessage
from chalicelib.clock import ManualClock
from chalicelib.data.operations import Operations
from chalicelib.data.pools import Pools
from chalicelib.settings import load
from chalicelib.wiring import queues
from tests.queue_worlds import Broken
from tests.unit.test_settings import DEVELOPMENT
from tests.worlds import NOON

AWAY = "mongodb://127.0.0.1:1/?directConnection=true"
REGION = "us-east-1"
EACH_SECONDS = 60


def test_a_message_asks_the_database_for_one_budget_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many operations it needs, and whatever the budget of each."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    clock, pools = ManualClock(NOON), Pools(AWAY)
    command = BattleCommand(telegram_id="777", request_id="r", broker_id="0" * 24)
    message = DeliveredMessage(to_message(new_job(command, None, "correlation", NOON)), "m1", ATTEMPTS_MAX)
    with mock_aws():
        dead = boto3.client("sqs", region_name=REGION).create_queue(QueueName="dead")["QueueUrl"]
        worker = queues.battle_worker(
            load({**DEVELOPMENT, "ARENA_BATTLE_DLQ_URL": dead}),
            Operations(pools, "nothing", budget_seconds=EACH_SECONDS),
            Broken(AssertionError("nobody could claim it")),
            clock,
            budget_seconds=0.3,
        )
        began = time.monotonic()
        # Claimed in vain; then, as it is the last time, failed in vain.
        assert worker.handle(message).outcome == "dead"
        assert time.monotonic() - began < EACH_SECONDS / 2
    pools.close()
