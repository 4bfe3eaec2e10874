"""The deployed controller moves real processes, and shows it."""

import json

from infra.cloud import Cloud as Aws
from tests.e2e.conftest import Cloud
from tests.localstack.running import eventually

REGION = "ap-southeast-1"
EVALUATED_SECONDS = 180.0
"""It evaluates every 15 s; a run that another test killed may hold the lock for a while, and processes start slowly."""


def provisioned(cloud: Cloud) -> int:
    """Processes of the API's function that were provisioned."""
    found = [its for _, its in cloud.environments(REGION)]
    return sum(
        "APIHandler" in one["AWS_LAMBDA_FUNCTION_NAME"]
        and one["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
        for one in found
    )


def begin(cloud: Cloud) -> None:
    """Does not wait for the minute. Where a run is under way, this one finds the lock taken and ends."""
    client = Aws(REGION, cloud.status["localstack"]).client("lambda")
    (name,) = [
        one["FunctionName"] for one in client.list_functions()["Functions"] if "-Scaling-" in one["FunctionName"]
    ]
    client.invoke(FunctionName=name, Qualifier="live", InvocationType="Event")


def scaling(cloud: Cloud, *arguments: str) -> str:
    done = cloud.patiently("scaling", *arguments, "--region", REGION)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_operators_number_becomes_processes_and_the_decision_says_why(cloud: Cloud) -> None:
    scaling(cloud, "override", "--desired", "3", "--minutes", "10", "--reason", "a tournament")
    begin(cloud)
    assert eventually(lambda: provisioned(cloud), lambda found: found == 3, seconds=EVALUATED_SECONDS) == 3
    state = json.loads(scaling(cloud, "show", "--moves", "--json"))[REGION]
    move = state["decisions"][0]
    assert (move["action"], move["desired"]) == ("out", 3)
    assert "overridden by" in move["reason"]
    assert "a tournament" in move["reason"]
    scaling(cloud, "override", "--desired", "2", "--minutes", "10", "--reason", "it is over")
    assert eventually(lambda: provisioned(cloud), lambda found: found == 2, seconds=EVALUATED_SECONDS) == 2
    # While the override holds: without it the next evaluation may move the number before this one looks.
    seen = json.loads(scaling(cloud, "evaluate", "--dry-run", "--json"))[REGION]
    scaling(cloud, "override", "--clear")
    assert seen["inputs"]["requested"] == seen["inputs"]["ready"] == 2
    assert {one["rule"] for one in seen["outcomes"]} >= {"cpu", "memory", "request_rate", "battle_queue"}
