"""What LocalStack no longer does, or waits for, while the arena comes up."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.localstack.handlers import ACTIONS
from tests.localstack.running import REGION, RunningLocalStack, eventually, inside_localstack

OWN_ACCOUNT = "949334387222"
"""LocalStack keeps what is its own under an account of its own."""


def test_what_is_loaded_is_not_looked_through_for_garbage_again_and_again() -> None:
    started = inside_localstack(
        """
import gc, json, runpy

run_module = runpy.run_module
runpy.run_module = lambda name, **how: print(json.dumps([name, how, gc.get_threshold()]))
run_module("arena_lambda.serve", run_name="__main__")
"""
    )
    assert started == ["localstack.runtime.main", {"run_name": "__main__", "alter_sys": True}, [10_000, 10, 20]]


LINKS = """
import re
import boto3
from localstack.services.lambda_.invocation.lambda_models import S3Code

made, make = [], boto3.client

def counted(*service, **how):
    made.append(how["endpoint_url"])
    return make(*service, **how)

boto3.client = counted
archive = S3Code("i", "000000000000", "bucket", "key", None, "", 1)
version = S3Code("j", "000000000000", "bucket", "other", "3", "", 1)
asked = [(archive, "http://one"), (version, "http://one"), (archive, "http://one"), (archive, "http://two")]
signed = [code.generate_presigned_url(endpoint_url=where) for code, where in asked]
clients = list(made)
sign = getattr(S3Code.generate_presigned_url, "__wrapped__", S3Code.generate_presigned_url)
theirs = [sign(code, where) for code, where in asked]
# All but what depends on the second they are signed in.
links = [clients, *([re.sub("(Signature|Expires)=[^&]+", "", link) for link in some] for some in (signed, theirs))]
"""


@pytest.fixture(scope="module")
def patched() -> dict[str, Any]:
    """What the patched parts do, all in one interpreter: loading LocalStack takes longer than what is looked at."""
    answer: dict[str, Any] = inside_localstack(
        """
import json, os, threading
from types import SimpleNamespace
from arena_lambda.patches import apply_patches
apply_patches(frozenset(filter(None, os.environ["ARENA_LAMBDA_DISABLED_PATCHES"].split(","))))
from botocore.loaders import JSONFileLoader
from localstack import config
from localstack.services import stores
from localstack.services.cloudformation import resource_provider
from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent
from localstack.services.lambda_.invocation import logs
from localstack.utils.aws import aws_stack

read, load_file = [], JSONFileLoader.load_file

def counting(self, path):
    read.append(path)
    return load_file(self, path)

JSONFileLoader.load_file = counting
services = ("sqs", "events", "iam")
found = [stores.get_valid_regions_for_service(service) for service in services]
times = sum(path.endswith("/endpoints") for path in read)
theirs = aws_stack.get_valid_regions_for_service.__wrapped__
regions = [times, found == [theirs(service) for service in services]]

slept = []
resource_provider.time = SimpleNamespace(sleep=slept.append)
config.CFN_NO_WAIT_ITERATIONS = 5
executor = resource_provider.ResourceProviderExecutor(stack_name="s", stack_id="s")
executor.execute_action = lambda provider, payload: ProgressEvent(OperationStatus.IN_PROGRESS, resource_model={})
about = {"logicalResourceId": "Fn", "resourceProperties": {}}
payload = {"resourceType": "AWS::Lambda::Function", "action": "Add", "callbackContext": {}, "requestData": about}
try:
    executor.deploy_loop(None, {}, payload, max_timeout=30)
except TimeoutError:
    waits = [max(slept), round(sum(slept) + 5 * max(slept))]

written, both = [], threading.Event()

def write(logEvents, **_):
    written.extend(event["message"] for event in logEvents)
    if len(written) == 2:
        both.set()

client = SimpleNamespace(
    put_log_events=write, exceptions=SimpleNamespace(ResourceNotFoundException=KeyError)
)
logs.connect_to = SimpleNamespace(with_assumed_role=lambda **_: SimpleNamespace(logs=client))
handler = logs.LogHandler("role", "us-east-1")
handler.start_subscriber()
threads = [handler._thread]
for text in ("one", "two"):
    handler.add_logs(logs.LogItem(log_group="g", log_stream="s", logs=text))
threads.append(handler._thread)
both.wait(60)
handler.stop()
threads[1].join(60)
handler.add_logs(logs.LogItem(log_group="g", log_stream="s", logs="late"))
threads.append(handler._thread)
log = [written, [thread and thread.is_alive() for thread in threads]]
"""
        + LINKS
        + 'print(json.dumps({"regions": regions, "waits": waits, "log": log, "links": links}))'
    )
    return answer


def test_the_regions_are_read_once_for_all_services(patched: dict[str, Any]) -> None:
    """And are those that each service has of its own."""
    assert patched["regions"] == [1, True]


def test_a_resource_in_the_making_is_looked_at_ten_times_a_second(patched: dict[str, Any]) -> None:
    """And given up no sooner than it was."""
    assert patched["waits"] == [0.1, 30]


def test_a_version_that_never_runs_has_no_thread_for_its_log(patched: dict[str, Any]) -> None:
    """One that does writes all of it, and its thread ends with it."""
    assert patched["log"] == [["one\n", "two\n"], [None, False, None]]


def test_links_to_archives_are_signed_by_one_client(patched: dict[str, Any]) -> None:
    """One for each address they are to lead to, and the links are what they were."""
    clients, signed, theirs = patched["links"]
    assert clients == ["http://one", "http://two"]
    assert signed == theirs
    assert len(set(signed)) == 3


@pytest.fixture
def archives(localstack: RunningLocalStack) -> Callable[[], int]:
    """Counts those that LocalStack keeps for the tests' region."""
    s3 = localstack.client("s3", account=OWN_ACCOUNT)
    return lambda: int(s3.list_objects_v2(Bucket=f"awslambda-{REGION}-tasks")["KeyCount"])


def test_equal_archives_are_stored_once_and_go_with_the_last_function(
    localstack: RunningLocalStack, archives: Callable[[], int]
) -> None:
    source = f"{ACTIONS}\n# of this test alone\n"
    first = localstack.function(source)
    stored = archives()
    second, third = localstack.function(source), localstack.function(source)
    assert archives() == stored
    for gone in (first, second):
        gone.api.delete_function(FunctionName=gone.name)
    assert archives() == stored
    assert third.invoke().error is None
    third.api.delete_function(FunctionName=third.name)
    eventually(archives, (stored - 1).__eq__)
    again = localstack.function(source)
    assert archives() == stored
    assert again.invoke().error is None
