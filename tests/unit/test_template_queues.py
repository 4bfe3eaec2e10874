"""The queues of the template: made, guarded, and reached only by those who need them, through aliases."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_worker import ATTEMPTS_MAX
from chalicelib.cache.door import QUICK
from chalicelib.data.shared_metrics import FLUSH_BUDGET_SECONDS
from chalicelib.entrypoints import live, queues, replication
from chalicelib.messaging.sqs import (
    ATTEMPTS,
    CONNECT_SECONDS,
    HURRIED_ATTEMPTS,
    HURRIED_CONNECT_SECONDS,
    HURRIED_READ_SECONDS,
    READ_SECONDS,
)
from chalicelib.queue_settings import QUEUE_KEYS
from chalicelib.scaling.tiers import STAGING
from chalicelib.wiring.replication import APPLYING_BUDGET_SECONDS
from chalicelib.wiring.services import DATABASE_BUDGET_SECONDS
from infra.package import PROJECT_ROOT, build_package
from infra.release import with_code_location
from infra.template import STAGES
from infra.template.functions import API_FUNCTION
from infra.template.operating import METRICS_FUNCTION
from infra.template.queues import BATTLES, LIVE, OUTBOX, QUEUES, REPLICATION, SENDERS, complete_queues
from tests.templates import statements_of

TRANSFORM = Path(__file__).parent / "sam_transform.py"
PYTHON = PROJECT_ROOT / ".arena" / "envs" / "localstack" / "bin" / "python"
ORDINARY_BATTLE_SECONDS = 0.2
CONSUMED = {
    ("BattleWorker", "BattleQueue"),
    ("LivePush", "LiveQueue"),
    ("OutboxPublisher", "OutboxQueue"),
    ("ReplicationReceiver", "ReplicationQueue"),
}
"""Function and queue."""
FUNCTION = "AWS::Serverless::Function"
LOOK = ["sqs:GetQueueAttributes"]
TAKE = ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"]
OPERATING = {API_FUNCTION: [LOOK, TAKE], METRICS_FUNCTION: [LOOK]}
"""Who is told of every queue, and what they may do there: with the last, of the dead letters alone."""
EVERY_QUEUE = {
    "ARENA_BATTLE_QUEUE_URL": "BattleQueue",
    "ARENA_BATTLE_DLQ_URL": "BattleDeadLetterQueue",
    "ARENA_LIVE_QUEUE_URL": "LiveQueue",
    "ARENA_LIVE_DLQ_URL": "LiveDeadLetterQueue",
    "ARENA_OUTBOX_QUEUE_URL": "OutboxQueue",
    "ARENA_OUTBOX_DLQ_URL": "OutboxDeadLetterQueue",
    "ARENA_REPLICATION_QUEUE_URL": "ReplicationQueue",
    "ARENA_REPLICATION_DLQ_URL": "ReplicationDeadLetterQueue",
}

Json = dict[str, Any]


@pytest.fixture(scope="module")
def built() -> Json:
    return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template


@pytest.fixture(scope="module")
def transformed(built: Json, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    """The resources CloudFormation makes of the application's template."""
    folder = tmp_path_factory.mktemp("transform")
    path = folder / "template.json"
    path.write_text(json.dumps(with_code_location(built, "bucket", "key")))
    values = {"MongoDatabase": "aiba_test", "CorsOrigin": "https://app.example", "ReleaseHash": "a" * 64}
    done = subprocess.run(
        [PYTHON, "-P", TRANSFORM, path, json.dumps(values)], check=True, capture_output=True, text=True, cwd=folder
    )
    resources: dict[str, Json] = json.loads(done.stdout)["Resources"]
    return resources


def functions(template: Json) -> Iterator[tuple[str, Json]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == FUNCTION:
            yield name, resource["Properties"]


def of_type(resources: dict[str, Json], kind: str) -> list[Json]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def sources(template: Json) -> list[tuple[str, int, Json]]:
    """Function, its time-out and its queue, for every queue that is consumed."""
    return [
        (name, properties["Timeout"], event["Properties"]["Queue"])
        for name, properties in functions(template)
        for event in properties.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def sendable(template: Json, properties: Json) -> set[str]:
    """Queues a function's role may send to."""
    role = template["Resources"][properties["Role"]["Fn::GetAtt"][0]]
    statements = statements_of(role)
    rows = [row for row in statements if "sqs:SendMessage" in row["Action"] and "Condition" not in row]
    return {arn["Fn::GetAtt"][0] for row in rows for arn in row["Resource"]}


def elsewhere(template: Json, properties: Json) -> list[Json]:
    """What a function's role may do with queues under conditions."""
    role = template["Resources"][properties["Role"]["Fn::GetAtt"][0]]
    statements = statements_of(role)
    return [row for row in statements if "Condition" in row and row["Action"][0].startswith("sqs:")]


def test_the_application_and_the_template_mean_the_same_queues(built: Json) -> None:
    names = (queues.QUEUE, live.QUEUE, replication.NUDGES, replication.INCOMING)
    assert (BATTLES.name, LIVE.name, OUTBOX.name, REPLICATION.name) == names
    assert {(name, queue["Fn::GetAtt"][0]) for name, _, queue in sources(built)} == CONSUMED


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_is_encrypted_patient_and_has_a_dead_letter_queue(built: Json, queue: Any) -> None:
    resources = built["Resources"]
    messages, dead = resources[queue.logical_id]["Properties"], resources[queue.dead_letter_id]["Properties"]
    # Only a queue that other regions send to has a name they can know.
    named = {"Fn::Sub": "${AWS::StackName}-replication"} if queue is REPLICATION else None
    assert (messages.get("QueueName"), dead.get("QueueName")) == (named, None)
    assert messages["SqsManagedSseEnabled"] is dead["SqsManagedSseEnabled"] is True
    days = 86_400
    assert (messages["MessageRetentionPeriod"], dead["MessageRetentionPeriod"]) == (4 * days, 14 * days)
    assert messages["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [queue.dead_letter_id, "Arn"]}
    (timeout,) = [one for _, one, source in sources(built) if source["Fn::GetAtt"][0] == queue.logical_id]
    assert messages["VisibilityTimeout"] >= 6 * timeout
    for queue_id in (queue.logical_id, queue.dead_letter_id):
        alarm = resources[f"{queue_id}Alarm"]["Properties"]
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue_id, "QueueName"]}}]
        assert built["Outputs"][f"{queue_id}Url"]["Value"] == {"Ref": queue_id}
        actions = {"Fn::If": ["AlarmTopicIsGiven", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        assert alarm["AlarmActions"] == alarm["OKActions"] == actions


def test_the_worker_gives_up_before_sqs_does_and_ends_before_its_messages_come_back(built: Json) -> None:
    assert built["Resources"]["BattleQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] > ATTEMPTS_MAX + 1
    visible_after = timedelta(seconds=built["Resources"]["BattleQueue"]["Properties"]["VisibilityTimeout"])
    assert visible_after < battle_jobs.IN_HANDS


def test_one_message_fits_into_the_time_kept_for_it_and_a_batch_into_the_rest(built: Json) -> None:
    # The boards, and what the battle makes stale in the cache.
    redis = 2 * QUICK.budget_seconds
    telling = max(QUICK.budget_seconds, FLUSH_BUDGET_SECONDS)
    sqs = HURRIED_ATTEMPTS * (HURRIED_CONNECT_SECONDS + HURRIED_READ_SECONDS)
    worst = DATABASE_BUDGET_SECONDS + redis + 3 * sqs + telling
    assert worst * 1000 <= queues.RESERVE_MILLISECONDS
    left = built["Resources"]["BattleWorker"]["Properties"]["Timeout"] - queues.RESERVE_MILLISECONDS / 1000
    assert left >= queues.BATCH * ORDINARY_BATTLE_SECONDS


def test_who_sends_to_a_queue_knows_it_and_may_and_nobody_else(built: Json) -> None:
    known = dict.fromkeys(SENDERS, False)
    for name, properties in functions(built):
        variables = properties["Environment"]["Variables"]
        told = {variable: variables[variable]["Ref"] for variable in QUEUE_KEYS if variable in variables}
        sends = SENDERS.get(name, {})
        assert told == (EVERY_QUEUE if name in OPERATING else sends)
        assert sends.items() <= told.items()
        assert sendable(built, properties) == set(sends.values())
        known[name] = True
    assert all(known.values()), "a sender of the table is no function of the template"


def test_publishers_alone_may_send_to_the_other_regions_and_to_no_queue_but_the_one(built: Json) -> None:
    for name, properties in functions(built):
        rows = elsewhere(built, properties)
        named = "ARENA_REPLICATION_QUEUE" in properties["Environment"]["Variables"]
        assert named == (name in ("OutboxPublisher", "OutboxSweep", "ReplicationReceiver"))
        if name not in ("OutboxPublisher", "OutboxSweep"):
            assert rows == []
            continue
        (row,) = rows
        assert row["Action"] == ["sqs:GetQueueUrl", "sqs:SendMessage"]
        assert row["Resource"]["Fn::Sub"].endswith(":sqs:*:${AWS::AccountId}:${AWS::StackName}-replication")
        assert row["Condition"] == {
            "StringEquals": {"aws:RequestedRegion": {"Fn::Split": [",", {"Ref": "Regions"}]}},
            "StringNotEquals": {"aws:RequestedRegion": {"Ref": "AWS::Region"}},
        }


def test_a_batch_of_events_fits_into_the_receivers_time(built: Json) -> None:
    """Together once in vain, then one by one until the rest is left for another invocation."""
    timeout = built["Resources"]["ReplicationReceiver"]["Properties"]["Timeout"]
    redis, sqs = 2 * QUICK.budget_seconds, 2 * ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS)
    assert APPLYING_BUDGET_SECONDS * 1000 < replication.RESERVE_MILLISECONDS
    assert APPLYING_BUDGET_SECONDS + redis + FLUSH_BUDGET_SECONDS < timeout - replication.RESERVE_MILLISECONDS / 1000
    assert replication.PUBLISHING_SECONDS + sqs / 2 < built["Resources"]["OutboxPublisher"]["Properties"]["Timeout"]


def test_a_function_may_consume_its_own_queue_only(built: Json) -> None:
    consumed = {name: queue for name, _, queue in sources(built)}
    for name, properties in functions(built):
        role = built["Resources"][properties["Role"]["Fn::GetAtt"][0]]
        rows = statements_of(role)
        received = [row["Resource"] for row in rows if "sqs:ReceiveMessage" in row["Action"]]
        expected = [[arn(queue.dead_letter_id) for queue in QUEUES]] if name == API_FUNCTION else []
        assert received == ([consumed[name]] if name in consumed else expected)


def test_the_api_takes_dead_letters_only_and_those_who_count_only_look(built: Json) -> None:
    """Who may ask a queue how long it is, and nothing more of it."""
    for name, properties in functions(built):
        role = built["Resources"][properties["Role"]["Fn::GetAtt"][0]]
        rows = [row for row in statements_of(role) if row["Action"] in (LOOK, TAKE)]
        assert [row["Action"] for row in rows] == OPERATING.get(name, [])
        if rows:
            assert rows[0]["Resource"] == [arn(queue_id) for queue_id in EVERY_QUEUE.values()]


def arn(queue_id: str) -> Json:
    return {"Fn::GetAtt": [queue_id, "Arn"]}


def test_every_queue_and_every_schedule_invokes_an_alias(transformed: dict[str, Json], built: Json) -> None:
    mappings = of_type(transformed, "AWS::Lambda::EventSourceMapping")
    assert {(row["FunctionName"]["Ref"], row["EventSourceArn"]["Fn::GetAtt"][0]) for row in mappings} == {
        (f"{function}Aliaslive", queue) for function, queue in CONSUMED
    }
    assert all(row["FunctionResponseTypes"] == ["ReportBatchItemFailures"] for row in mappings)
    assert [row["ScalingConfig"] for row in mappings] == [{"MaximumConcurrency": STAGING.queue_concurrency}] * len(
        CONSUMED
    )
    targets = [target["Arn"]["Ref"] for row in of_type(transformed, "AWS::Events::Rule") for target in row["Targets"]]
    scheduled = [
        name
        for name, properties in functions(built)
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Schedule"
    ]
    assert sorted(targets) == sorted(f"{name}Aliaslive" for name in scheduled)
    assert "BattleSweepAliaslive" in targets
    permitted = [row["FunctionName"] for row in of_type(transformed, "AWS::Lambda::Permission")]
    assert all("live" in json.dumps(name) for name in permitted)


def test_a_template_without_consumers_gets_no_queues() -> None:
    template: Json = {"Resources": {"APIHandler": {"Type": FUNCTION, "Properties": {"Timeout": 28}}}}
    complete_queues(template, STAGES["dev"])
    assert set(template["Resources"]) == {"APIHandler"}
