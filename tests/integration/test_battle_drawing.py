"""The picture of a battle's path is of a battle: one is fought on real servers and compared with the recording."""

import os
from typing import Any

from pymongo.database import Database

from chalicelib.clock import ManualClock
from infra.drawings.battle import RECORDING, recorded, told
from tests.battle_trace import Trace, traced, watching
from tests.environments import environments
from tests.installed import SEVERAL_REGIONS

REWRITE = "ARENA_REWRITE_GOLDEN"
DEPLOYED = {
    **SEVERAL_REGIONS,
    "AWS_REGION": "us-east-1",
    "ARENA_REPLICATION_QUEUE": "aiba-arena-test-replication",
    "ARENA_OUTBOX_QUEUE_URL": "http://queue.test/outbox",
    "ARENA_LIVE_QUEUE_URL": "http://queue.test/live",
    "ARENA_RATE_LIMITS": "on",
}
ENERGY_BACK_SECONDS = 1200


def test_the_path_of_a_battle_is_as_drawn(
    mongo_uri: str, database: Database[dict[str, Any]], valkey_url: str, clock: ManualClock
) -> None:
    """The second battle of the day: the first one also makes the day's counters."""
    trace, warm_up = Trace(), Trace()
    with environments(mongo_uri, database, clock) as made:
        first = made.open(valkey_url, traced(warm_up), **DEPLOYED)
        broker = first.as_player("POST", "/api/brokers/starter", {}).data["_id"]
        assert first.as_player("POST", "/api/battle/run", {"requestId": "first", "brokerId": broker}).status == 200
        clock.advance(ENERGY_BACK_SECONDS)
        second = made.open(valkey_url, traced(trace), **DEPLOYED)
        assert second.as_player("GET", "/api/economy/me").status == 200
        before = len(trace.steps())
        with watching(valkey_url, trace):
            answer = second.as_player("POST", "/api/battle/run", {"requestId": "second", "brokerId": broker})
        assert answer.status == 200, answer.text
        steps = trace.steps()[before:]
    if os.environ.get(REWRITE):
        RECORDING.write_text(told(steps), encoding="utf-8")
    assert steps == recorded(), f"set {REWRITE} and run this again, then python -m infra.drawings"
