"""A LocalStack of the tests' own, in a throw-away directory, and the Lambda functions they put into it."""

import base64
import contextlib
import io
import json
import os
import subprocess
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import psutil
from botocore.config import Config

from localcloud.localstack_config import localstack_command, localstack_environment
from localcloud.ports import free_ports
from tests.waiting import looks

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".arena" / "envs"
LOCALSTACK_PYTHON = ENVIRONMENTS / "localstack" / "bin" / "python"
RUNTIME_PYTHON = ENVIRONMENTS / "runtime" / "bin" / "python"
REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/tests"
START_SECONDS = 300.0
STOP_SECONDS = 90.0
PATIENCE_SECONDS = 60.0
"""All three are for a machine that is busy with other things: seconds do where it is not."""
# Set for a run that shows what a patch is good for: its tests must then fail.
_DISABLED_PATCHES = "ARENA_LAMBDA_DISABLED_PATCHES"

T = TypeVar("T")


def eventually(read: Callable[[], T], expected: Callable[[T], bool] = bool, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Read until what is read is as expected; fail with the last reading after ``seconds``."""
    for _ in looks(seconds):
        found = read()
        if expected(found):
            return found
    raise AssertionError(f"not as expected after {seconds} s: {found!r}")


def zipped(source: str) -> bytes:
    """A deployment package whose module ``app`` is ``source``; equal sources give equal packages."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), source)
    return package.getvalue()


@dataclass(frozen=True)
class Reply:
    """What Lambda answered; ``log`` is the end of the function's log."""

    payload: Any
    error: str | None
    log: str


class Function:
    """A function in a running LocalStack, of a name of its own."""

    def __init__(self, owner: "RunningLocalStack", name: str) -> None:
        self.owner = owner
        self.name = name
        self.api = owner.client("lambda")

    def invoke(self, event: Any = None, qualifier: str = "$LATEST") -> Reply:
        answered = self.api.invoke(
            FunctionName=self.name, Qualifier=qualifier, LogType="Tail", Payload=json.dumps(event or {})
        )
        return Reply(
            payload=json.loads(answered["Payload"].read()),
            error=answered.get("FunctionError"),
            log=base64.b64decode(answered.get("LogResult", "")).decode(),
        )

    def publish(self, source: str | None = None) -> str:
        """Publish a version, of new code if given; return its number."""
        if source is not None:
            self.api.update_function_code(FunctionName=self.name, ZipFile=zipped(source))
            self.api.get_waiter("function_updated_v2").wait(FunctionName=self.name, WaiterConfig={"Delay": 1})
        return str(self.api.publish_version(FunctionName=self.name)["Version"])

    def point(self, alias: str, version: str) -> None:
        self.api.create_alias(FunctionName=self.name, Name=alias, FunctionVersion=version)

    def provision(self, count: int, qualifier: str = "live") -> None:
        self.api.put_provisioned_concurrency_config(
            FunctionName=self.name, Qualifier=qualifier, ProvisionedConcurrentExecutions=count
        )

    def provisioned(self, qualifier: str = "live") -> dict[str, Any]:
        """Status and numbers of the provisioned concurrency."""
        found = self.api.get_provisioned_concurrency_config(FunctionName=self.name, Qualifier=qualifier)
        return {
            "status": found["Status"],
            "requested": found["RequestedProvisionedConcurrentExecutions"],
            "allocated": found["AllocatedProvisionedConcurrentExecutions"],
            "available": found["AvailableProvisionedConcurrentExecutions"],
        }

    def scale(self, count: int, qualifier: str = "live") -> set[int]:
        """Set the provisioned concurrency, wait until it is there and return the processes."""
        self.provision(count, qualifier)
        eventually(lambda: self.provisioned(qualifier)["status"], lambda status: status != "IN_PROGRESS")
        return self.processes()

    def processes(self, version: str | None = None) -> set[int]:
        """Ids of the processes that run the function's environments."""
        return {
            process.pid
            for process, variables in self.owner.environments()
            if variables.get("AWS_LAMBDA_FUNCTION_NAME") == self.name
            and version in (None, variables.get("AWS_LAMBDA_FUNCTION_VERSION"))
        }


class RunningLocalStack:
    """A started LocalStack; everything it writes lies under ``directory``."""

    def __init__(self, directory: Path, **variables: str) -> None:
        self.directory = directory
        self.log_dir = directory / "functions"
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = directory / "localstack.log"
        environment = localstack_environment(self.port, directory / "state", RUNTIME_PYTHON, self.log_dir)
        if _DISABLED_PATCHES in os.environ:
            environment[_DISABLED_PATCHES] = os.environ[_DISABLED_PATCHES]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                localstack_command(LOCALSTACK_PYTHON),
                env=environment | variables,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Block until it serves; fail with its output when it ends instead."""
        eventually(lambda: self.process.poll() is not None or self._healthy(), seconds=START_SECONDS)
        assert self.process.poll() is None, self.output()

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """End it politely; return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it and whatever it left, however it stands."""
        below = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for process in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def client(self, service: str, region: str = REGION, account: str = "test") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=60, max_pool_connections=30),
        )

    def environments(self) -> list[tuple[psutil.Process, dict[str, str]]]:
        """The processes of all Lambda environments with their variables."""
        found = []
        for process in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                variables = process.environ()
                if "AWS_LAMBDA_RUNTIME_API" in variables:
                    found.append((process, variables))
        return found

    def function(self, source: str, variables: Mapping[str, str] | None = None, *, timeout: int = 60) -> Function:
        """Create a function whose handler is ``app.handler`` of ``source``; few are about their ``timeout``."""
        function = Function(self, f"f-{uuid.uuid4().hex[:8]}")
        function.api.create_function(
            FunctionName=function.name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="app.handler",
            Timeout=timeout,
            Code={"ZipFile": zipped(source)},
            Environment={"Variables": dict(variables or {})},
        )
        eventually(
            lambda: function.api.get_function(FunctionName=function.name)["Configuration"]["State"], "Active".__eq__
        )
        return function

    def provisioned_function(self, source: str, count: int, variables: Mapping[str, str] | None = None) -> Function:
        """A function whose alias ``live`` has ``count`` provisioned environments."""
        function = self.function(source, variables)
        function.point("live", function.publish())
        function.scale(count)
        return function

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_localstack/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextlib.contextmanager
def running_localstack(directory: Path, **variables: str) -> Iterator[RunningLocalStack]:
    """Start a LocalStack, wait until it serves, and leave no process behind."""
    for python in (LOCALSTACK_PYTHON, RUNTIME_PYTHON):
        assert python.exists(), f"{python.relative_to(ROOT)} is missing: run python localstack/bootstrap.py"
    localstack = RunningLocalStack(directory, **variables)
    try:
        localstack.wait_ready()
        yield localstack
    finally:
        localstack.kill()


def inside_localstack(script: str) -> Any:
    """Run ``script`` with LocalStack's own interpreter; return the JSON it prints last."""
    finished = subprocess.run(
        [str(LOCALSTACK_PYTHON), "-P", "-c", script],
        env={"PATH": os.environ["PATH"], _DISABLED_PATCHES: os.environ.get(_DISABLED_PATCHES, "")},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout.splitlines()[-1])
