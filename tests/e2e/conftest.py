"""One whole local cloud for the suite, brought up by the command line on free ports, taken down after its last test."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from infra.cli.battle import signed_init_data
from infra.cli.calling import FREE_PORTS, called
from tests.heir import taken_down_after_all
from tests.localstack.running import eventually

COMMAND_TIMEOUT_SECONDS = 600
NO_TIME = re.compile(r"answered 50[34]|did not answer|refused with status 50[234]|refused: database_unavailable")
"""A command's words about what a busy machine had no time for."""
NO_TIME_SECONDS = 150


@dataclass(frozen=True)
class Cloud:
    """A running local cloud."""

    state_dir: Path
    status: dict[str, Any]

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs ``./arena`` against this cloud."""
        return arena(*arguments, "--state-dir", str(self.state_dir))

    def patiently(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """``command`` as people use it: given again while it says that nobody had the time."""
        return eventually(
            partial(self.command, *arguments),
            lambda done: done.returncode == 0 or NO_TIME.search(done.stderr) is None,
            seconds=NO_TIME_SECONDS,
        )

    def logs_with(self, text: str, pattern: str = "*") -> list[str]:
        """The logs that hold ``text``. An old environment's may go at any time."""
        found = []
        for path in (self.state_dir / "logs").rglob(pattern):
            with suppress(FileNotFoundError):
                if path.is_file() and text in path.read_text(encoding="utf-8", errors="replace"):
                    found.append(path.name)
        return found

    def api(self, region: str = "us-east-1") -> str:
        return str(self.status["regions"][region]["api"])

    def database(self, region: str = "us-east-1") -> Database[dict[str, Any]]:
        found = self.status["regions"][region]
        client: MongoClient[dict[str, Any]] = MongoClient(found["mongo"], tz_aware=True)
        return client[found["database"]]

    def sign_in(self, user_id: int) -> dict[str, str]:
        """Headers of a signed player."""
        secrets = json.loads((self.state_dir / "secrets.json").read_text(encoding="utf-8"))
        return {"X-Telegram-Init-Data": signed_init_data(secrets["TELEGRAM_BOT_TOKEN"], user_id, f"player{user_id}")}

    def environments(self, region: str) -> list[tuple[psutil.Process, dict[str, str]]]:
        """The processes that stand for Lambda environments of ``region``, of this cloud alone, with their variables.

        The variables of a process can't be read once it has ended, as any of these may at any time.
        """
        found = []
        for process in psutil.process_iter():
            try:
                variables = process.environ()
            except psutil.Error:
                continue
            ours = self.status["localstack"] in variables.get("AWS_ENDPOINT_URL", "")
            if ours and variables.get("AWS_LAMBDA_FUNCTION_NAME") and variables.get("AWS_REGION") == region:
                found.append((process, variables))
        return found


def arena(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Runs ``./arena`` as a user would."""
    return called(*arguments, timeout=COMMAND_TIMEOUT_SECONDS, PYTHONUNBUFFERED="1")


CACHE = "cluster"
"""Production's: what the functions do with a single server, or none, the other suites try."""
ROOM_TO_SCALE = ("--parameter", "ScalingMax=3")
"""The development tier itself has one environment, and nothing to scale."""
FRONT = ("--front", "nginx", "--front-port", "0", "--front-tls-port", "0")
"""nginx sends nothing of its own accord: HAProxy's checks would be counted among the load of the other tests."""


@contextmanager
def brought_up(*options: str) -> Iterator[Cloud]:
    """A local cloud of one's own on free ports."""
    with tempfile.TemporaryDirectory(prefix="arena-e2e-") as directory:
        state = Path(directory) / "state"
        with taken_down_after_all(state):
            up = arena("up", "--detach", *options, "--state-dir", str(state), *FREE_PORTS)
            try:
                assert up.returncode == 0, up.stdout + up.stderr
                # It does not wait long for LocalStack, which may have no time just after so much was deployed.
                ask = partial(arena, "status", "--json", "--state-dir", str(state))
                status = eventually(ask, lambda done: done.returncode == 0, seconds=NO_TIME_SECONDS)
                yield Cloud(state, json.loads(status.stdout))
            finally:
                down = arena("down", "--purge", "--state-dir", str(state))
            assert down.returncode == 0, down.stdout + down.stderr


@pytest.fixture(scope="package")
def cloud() -> Iterator[Cloud]:
    with brought_up("--cache", CACHE, *FRONT, *ROOM_TO_SCALE) as found:
        yield found
