"""The regions, seen from one of them."""

from datetime import timedelta

from chalicelib.replication.outbox_ports import Waiting
from chalicelib.replication.overview import overview
from chalicelib.replication.regions import roles_of
from tests.worlds import NOON

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


def test_roles_lag_and_what_waits() -> None:
    roles = roles_of(REGIONS, [{"_id": "eu-west-1", "servedBy": None, "epoch": 3, "url": "https://eu"}])
    applied = [
        {"region": "eu-west-1", "occurredAt": NOON, "appliedAt": NOON + timedelta(seconds=lag)} for lag in (1, 2, 3)
    ]
    waiting = {"ap-southeast-1": Waiting(events=5, oldest_at=NOON - timedelta(seconds=40), set_aside=1)}
    us, eu, ap = overview("us-east-1", roles, applied, waiting, NOON)
    assert us == {
        "region": "us-east-1",
        "priority": 1,
        "servedBy": "us-east-1",
        "epoch": 0,
        "url": None,
        "from": None,
        "to": None,
    }
    assert (eu["servedBy"], eu["epoch"], eu["url"]) == (None, 3, "https://eu")
    assert eu["from"] == {"events": 3, "p50Seconds": 2, "p99Seconds": 3, "leastSeconds": 1}
    assert eu["to"] == {"waiting": 0, "oldestSeconds": None, "setAside": 0}
    assert ap["from"] == {"events": 0, "p50Seconds": None, "p99Seconds": None, "leastSeconds": None}
    assert ap["to"] == {"waiting": 5, "oldestSeconds": 40, "setAside": 1}


def test_one_region_alone() -> None:
    (only,) = overview("us-east-1", roles_of(["us-east-1"], []), [], {}, NOON)
    assert (only["servedBy"], only["from"], only["to"]) == ("us-east-1", None, None)
