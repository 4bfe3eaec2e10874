"""One id through API, queues, worker, publisher and the other region, on a real database and queues by moto."""

import json
from typing import Any

import app as composition
from chalicelib.observability import correlation_id
from tests.http_arena import SCHEDULED
from tests.logged import Logged
from tests.logged_worlds import HERE, THERE, Regions, queued, signed

TICKET = "ticket 4711/x"


def events_of(logged: Logged) -> list[dict[str, Any]]:
    return [event for line in logged.saying("events received") for event in line["events"]]


def test_an_id_is_found_wherever_the_request_led(regions: Regions, logged: Logged) -> None:
    answer = queued(regions, 777, "r1", TICKET)
    assert (answer.status, answer.headers["x-request-id"]) == (202, TICKET)
    regions.deliver(HERE, "battles")
    regions.deliver(HERE, "live")
    regions.deliver(HERE, "outbox")
    regions.deliver(THERE, "replication")
    assert {"request begins", "request", "queued battle taken", "queued battle", "live push"} == set(
        logged.about(TICKET)
    )
    # The starter broker's nudge spoke for both: nobody is nudged twice in a moment.
    (published,) = logged.saying("events published")
    assert len(published["nudged_by"]) == 1
    sent = [line for line in logged.saying("events sent") if TICKET in line["correlation_ids"]]
    assert {line["target"] for line in sent} == {THERE}
    assert sent[0]["correlation_id"] == published["correlation_id"]
    (event,) = [event for event in events_of(logged) if event["correlation_id"] == TICKET]
    assert (event["fate"], event["request_id"], event["source"]) == ("applied", "r1", HERE)


def test_each_message_of_a_batch_is_logged_under_its_own_id(regions: Regions, logged: Logged) -> None:
    for number in range(3):
        queued(regions, 770 + number, f"r{number}", f"id-{number}")
    taken = [body for body, _ in regions.taken(HERE, "battles")]
    regions.deliver(HERE, "battles", *taken, "nonsense")
    lines = logged.saying("queued battle")
    assert [line["correlation_id"] for line in lines[:3]] == [json.loads(body)["correlationId"] for body in taken]
    assert {line["correlation_id"] for line in lines[:3]} == {"id-0", "id-1", "id-2"}
    # What says nothing of itself is logged under the invocation's own.
    assert lines[3]["outcome"] == "dead"
    assert not lines[3]["correlation_id"].startswith("id-")
    assert correlation_id() == ""


def test_no_id_is_left_for_the_next_invocation(regions: Regions, logged: Logged) -> None:
    queued(regions, 777, "r1", TICKET)
    regions.deliver(HERE, "battles")
    before = len(logged.lines)
    composition.app.handler_map["follow_ups"](SCHEDULED, None)
    regions.call("GET", "/health")
    regions.deliver(HERE, "live", "nonsense")
    later = logged.lines[before:]
    assert len(later) >= 3
    assert all(line["correlation_id"] and line["correlation_id"] != TICKET for line in later)


def test_a_battle_sent_again_by_the_sweep_keeps_its_requests_id(regions: Regions, logged: Logged) -> None:
    queued(regions, 777, "r1", TICKET)
    regions.taken(HERE, "battles")
    regions.arenas[HERE].clock.advance(61)  # type: ignore[attr-defined]
    composition.app.handler_map["battle_sweep"](SCHEDULED, None)
    regions.deliver(HERE, "battles")
    (line,) = logged.saying("queued battle")
    assert (line["correlation_id"], line["outcome"]) == (TICKET, "done")


def test_an_event_of_an_earlier_release_is_told_and_applied_without_an_id(regions: Regions, logged: Logged) -> None:
    regions.call("POST", "/api/brokers/starter", {}, signed(777))
    regions.databases[HERE].outbox.update_many({}, {"$unset": {"correlationId": ""}})
    regions.deliver(HERE, "outbox")
    regions.deliver(THERE, "replication")
    assert {line["correlation_ids"] == [] for line in logged.saying("events sent")} == {True}
    found = events_of(logged)
    assert {event["fate"] for event in found} == {"applied"}
    assert {event["correlation_id"] for event in found} == {""}
