"""The regions, seen from one of them."""

from datetime import timedelta

from chalicelib.replication.outbox_ports import Waiting
from chalicelib.replication.overview import Counted, exchanged, overview
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


def test_what_was_exchanged_with_each_other_region() -> None:
    """Counts are missing, not zero, where the metrics do not answer."""
    applied = [{"region": "eu-west-1", "occurredAt": NOON, "appliedAt": NOON + timedelta(seconds=2)}]
    waiting = {
        "eu-west-1": Waiting(events=0, oldest_at=None, set_aside=0),
        "ap-southeast-1": Waiting(events=5, oldest_at=NOON - timedelta(seconds=40), set_aside=1),
    }
    counted = {region: Counted(sent=7, failed=1, received={"applied": 3}) for region in waiting}
    eu, ap = exchanged("us-east-1", applied, waiting, counted, NOON)
    assert (eu["region"], eu["sent"], eu["failed"]) == ("eu-west-1", 7, 1)
    assert eu["received"] == {"applied": 3, "duplicate": 0, "again": 0, "dead": 0}
    assert eu["lag"] == {"p50Seconds": 2, "p99Seconds": 2, "events": 1}
    assert (ap["waiting"], ap["oldestSeconds"], ap["setAside"], ap["lag"]["events"]) == (5, 40, 1, 0)
    for told in exchanged("us-east-1", applied, waiting, None, NOON):
        assert (told["sent"], told["failed"], told["received"]) == (None, None, None)
