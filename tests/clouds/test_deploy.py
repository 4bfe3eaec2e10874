"""Deployment on LocalStack, with a sample application: two regions, updates under traffic, the controller's number."""

import json
import operator
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.cloud import Cloud
from infra.deploy import DeployError, Deployment, deploy, deploy_regions, plan_deployment
from infra.package import build_package
from tests.localstack.running import RunningLocalStack, eventually, running_localstack
from tests.sample_project import separate, write_sample_project

REGIONS = ("us-east-1", "eu-west-1")
SECRET = "aiba-arena/dev"
QUEUE = "sample-battles"
LATE_HANDLER = '''

@app.on_sqs_message(queue="late")
def late(event: object) -> None:
    """A queue of its own."""
'''


@pytest.fixture(scope="module")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLocalStack]:
    with running_localstack(tmp_path_factory.mktemp("localstack")) as running:
        yield running


@dataclass
class Site:
    """A project, where it is built, and where it is deployed to."""

    project: Path
    build_dir: Path
    url: str

    def cloud(self, region: str) -> Cloud:
        return Cloud(region, self.url)

    def deploy(self, region: str, said: list[str] | None = None, **parameters: str) -> Deployment:
        package = build_package("dev", self.build_dir, lambda _: None, self.project)
        log = (lambda _: None) if said is None else said.append
        return deploy(package, region=region, parameters=parameters, endpoint_url=self.url, log=log)

    def functions(self, region: str) -> list[str]:
        """The resources that the region's functions are, by their names."""
        found = self.cloud(region).client("lambda").list_functions()["Functions"]
        return [function["FunctionName"].split("-")[-2] for function in found]

    def change(self, text: str) -> None:
        path = self.project / "app.py"
        path.write_text(path.read_text() + text)


@pytest.fixture(scope="module")
def site(localstack: RunningLocalStack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("deploy")
    project = write_sample_project(folder / "project")
    for region in (*REGIONS, "ap-southeast-1"):
        cloud = Cloud(region, localstack.url)
        cloud.client("secretsmanager").create_secret(Name=SECRET, SecretString="{}")
        cloud.client("sqs").create_queue(QueueName=QUEUE)
    return Site(project, folder / "build", localstack.url)


@pytest.fixture(scope="module")
def deployed(site: Site) -> dict[str, Deployment]:
    package = build_package("dev", site.build_dir, lambda _: None, site.project)
    parameters = {region: {"MongoDatabase": f"aiba_{region}"} for region in REGIONS}
    return deploy_regions(package, parameters, endpoint_url=site.url, log=lambda _: None)


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def answered_by(url: str) -> tuple[str, bool]:
    """The function that answers, and whether it is kept warm."""
    body = get(url)[1]
    return body["function"].split("-")[-2], body["initialization"] == "provisioned-concurrency"


def live_number(site: Site, deployment: Deployment) -> tuple[str, int, int]:
    found = (
        site.cloud(deployment.region)
        .client("lambda")
        .get_provisioned_concurrency_config(FunctionName=deployment.api_function_name, Qualifier="live")
    )
    return (
        found["Status"],
        found["RequestedProvisionedConcurrentExecutions"],
        found["AllocatedProvisionedConcurrentExecutions"],
    )


TRAFFIC_PAUSE_SECONDS = 0.05
"""Of a client between two requests."""


@contextmanager
def traffic(url: str, clients: int = 3) -> Iterator[Counter[Any]]:
    """Calls ``url`` again and again, with pauses for the deployment to run in; gives the count of each answer."""
    answers: Counter[Any] = Counter()
    stop = threading.Event()

    def call() -> None:
        while not stop.wait(TRAFFIC_PAUSE_SECONDS):
            try:
                status, body = get(url)
                answers[status, body["version"] if status == 200 else body] += 1
            except OSError as error:
                answers["failed", repr(error)] += 1

    threads = [threading.Thread(target=call, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_each_region_answers_from_an_environment_kept_warm(deployed: dict[str, Deployment]) -> None:
    assert set(deployed) == set(REGIONS)
    for region, deployment in deployed.items():
        status, body = get(f"{deployment.api_url}/health")
        assert status == 200
        assert body["initialization"] == "provisioned-concurrency"
        assert body["database"] == f"aiba_{region}"


def test_any_path_reaches_the_application(deployed: dict[str, Deployment]) -> None:
    assert get(f"{deployed['us-east-1'].api_url}/a/b/c")[1] == {"rest": {"proxy": "a/b/c"}}


def test_schedule_and_queue_invoke_the_alias(site: Site, deployed: dict[str, Deployment]) -> None:
    events = site.cloud("us-east-1").client("events")
    (rule,) = events.list_rules(NamePrefix=deployed["us-east-1"].stack_name)["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    (mapping,) = site.cloud("us-east-1").client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert target["Arn"].endswith(":live")
    assert mapping["FunctionArn"].endswith(":live")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_deploying_again_changes_nothing(site: Site, deployed: dict[str, Deployment]) -> None:
    said: list[str] = []
    again = site.deploy("eu-west-1", said)
    assert not again.changed
    assert again.api_url == deployed["eu-west-1"].api_url
    assert said == ["stack aiba-arena-dev is up to date"]


def test_updates_fail_no_request_and_leave_the_controllers_number(site: Site, deployed: dict[str, Deployment]) -> None:
    before = deployed["us-east-1"]
    site.cloud("us-east-1").client("lambda").put_provisioned_concurrency_config(
        FunctionName=before.api_function_name, Qualifier="live", ProvisionedConcurrentExecutions=3
    )
    eventually(lambda: live_number(site, before), lambda found: found == ("READY", 3, 3))
    health = f"{before.api_url}/health"
    with traffic(health) as answers:
        eventually(lambda: answers[200, "1"], lambda count: count >= 20)
        site.change("\n\nCHANGED = 1\n")
        assert site.deploy("us-east-1").changed
        eventually(lambda: answers[200, "2"], lambda count: count >= 20)
        # A parameter is part of the release too: its new value must reach the alias, by another version.
        assert site.deploy("us-east-1", PublicBaseUrl="https://arena.example").changed
        eventually(lambda: answers[200, "3"], lambda count: count >= 20)
    assert {key[0] for key in answers} == {200}, answers
    assert get(health)[1]["base"] == "https://arena.example"
    eventually(lambda: live_number(site, before), lambda found: found == ("READY", 3, 3))
    assert not site.deploy("us-east-1").changed


def test_a_group_is_split_off_and_dropped_without_a_failed_request(site: Site, deployed: dict[str, Deployment]) -> None:
    api = deployed["us-east-1"].api_url
    probes = {"probes": {"paths": ["/health"], "provisioned_concurrency": 1}}
    with traffic(f"{api}/health") as answers:
        for groups, function in ((probes, "ProbesApi"), ({}, "APIHandler")):
            separate(site.project, "dev", groups)
            assert site.deploy("us-east-1").changed
            # The traffic keeps the one environment that is warm busy: some requests spill over.
            eventually(partial(answered_by, f"{api}/health"), partial(operator.eq, (function, True)))
            assert get(f"{api}/a/b")[1] == {"rest": {"proxy": "a/b"}}
    assert {key[0] for key in answers} == {200}, answers


def test_a_dry_run_tells_and_does_nothing(site: Site, deployed: dict[str, Deployment]) -> None:
    package = build_package("dev", site.build_dir, lambda _: None, site.project)

    def plan(region: str, **parameters: str) -> Any:
        return plan_deployment(package, region=region, parameters=parameters, endpoint_url=site.url, log=lambda _: None)

    change = plan("us-east-1", MongoDatabase="another")
    assert not change.creates
    assert change.parameters["MongoDatabase"] == ("aiba_us-east-1", "another")
    assert "APIHandler" in {row.logical_id for row in change.changes if row.action == "modified"}
    assert get(f"{deployed['us-east-1'].api_url}/health")[1]["database"] == "aiba_us-east-1"

    creation = plan("ap-southeast-1", MongoDatabase="x")
    assert creation.creates
    assert {row.action for row in creation.changes} == {"created"}
    formation = site.cloud("ap-southeast-1").client("cloudformation")
    assert [row for row in formation.describe_stacks()["Stacks"] if row["StackStatus"] != "DELETE_COMPLETE"] == []


def test_a_missing_secret_is_found_before_anything_is_created(site: Site) -> None:
    with pytest.raises(DeployError, match="secret no-such-secret does not exist in eu-west-1"):
        site.deploy("eu-west-1", SecretId="no-such-secret")


def test_one_regions_failure_does_not_stop_the_other(site: Site, deployed: dict[str, Deployment]) -> None:
    package = build_package("dev", site.build_dir, lambda _: None, site.project)
    parameters = {"eu-west-1": {"PublicBaseUrl": "https://eu.example"}, "us-east-1": {"SecretId": "no-such-secret"}}
    with pytest.raises(DeployError) as caught:
        deploy_regions(package, parameters, endpoint_url=site.url, log=lambda _: None)
    assert str(caught.value).startswith("us-east-1: secret no-such-secret")
    assert get(f"{deployed['eu-west-1'].api_url}/health")[1]["base"] == "https://eu.example"


def test_an_update_that_failed_is_run_again(site: Site, deployed: dict[str, Deployment]) -> None:
    """A new queue is missing; with it the same command succeeds. What serves is not disturbed, and nothing is left."""
    health = f"{deployed['eu-west-1'].api_url}/health"
    site.change(LATE_HANDLER)
    with traffic(health, clients=1) as answers:
        with pytest.raises(DeployError, match=r"(?s)UPDATE_ROLLBACK_COMPLETE.*LateLateSqsEventSource"):
            site.deploy("eu-west-1")
        assert "Late" not in site.functions("eu-west-1")
        site.cloud("eu-west-1").client("sqs").create_queue(QueueName="late")
        assert site.deploy("eu-west-1").changed
    assert {key[0] for key in answers} == {200}, answers
    assert site.functions("eu-west-1").count("Late") == 1
    assert not site.deploy("eu-west-1").changed


def test_a_deployment_that_failed_is_run_again(site: Site) -> None:
    """The queue is missing, so the stack's creation fails; with the queue the same command creates it anew."""
    sqs = site.cloud("ap-southeast-1").client("sqs")
    sqs.create_queue(QueueName="late")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"])
    with pytest.raises(DeployError, match="BattlesBattlesSqsEventSource"):
        site.deploy("ap-southeast-1", MongoDatabase="aiba_ap")
    assert site.functions("ap-southeast-1") == []
    sqs.create_queue(QueueName=QUEUE)
    said: list[str] = []
    deployment = site.deploy("ap-southeast-1", said, MongoDatabase="aiba_ap")
    assert any("its first creation failed; deleting it" in line for line in said)
    assert get(f"{deployment.api_url}/health")[1]["database"] == "aiba_ap"
