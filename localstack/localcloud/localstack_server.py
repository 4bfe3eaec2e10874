"""LocalStack, run from its own environment with Lambda functions as processes."""

import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from localcloud.environments import Environment, environments
from localcloud.errors import LocalCloudError
from localcloud.localstack_config import localstack_command, localstack_environment
from localcloud.ports import LOOPBACK
from localcloud.server import Server
from localcloud.state import StateDir

DEFAULT_PORT = 4566
NAME = "localstack"
_PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class LocalStack:
    """One LocalStack on loopback; ``checkout`` holds the environments it and its functions run in.

    It listens at ``address``. Functions look for it at ``LOOPBACK``: where that is another, somebody may stand between.
    """

    port: int
    checkout: Path
    address: str = LOOPBACK
    runtime_python: Path | None = None
    """What runs the functions. None = the runtime environment's interpreter."""

    @property
    def url(self) -> str:
        return f"http://{self._listens_at}"

    @property
    def _listens_at(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def server(self, state: StateDir) -> Server:
        """How it is run. Clears what an earlier run left: LocalStack starts empty each time.

        Raises LocalCloudError when an environment it needs has not been built.
        """
        built = environments(self.checkout)
        data, function_logs = state.data / NAME, state.logs / "functions"
        shutil.rmtree(data, ignore_errors=True)
        _keep_previous(function_logs)
        return Server(
            name=NAME,
            command=localstack_command(_python_of(built["localstack"])),
            environment={
                **localstack_environment(
                    self.port, data, self.runtime_python or _python_of(built["runtime"]), function_logs
                ),
                "GATEWAY_LISTEN": self._listens_at,
            },
            directory=state.server_data(NAME),
            ready=self.answers,
            start_seconds=300,
            # It keeps nothing, and its functions end with it: an orderly stop is a courtesy.
            stop_seconds=3,
        )

    def answers(self) -> bool:
        """Whether its health endpoint answers 200."""
        try:
            with urllib.request.urlopen(f"{self.url}/_localstack/health", timeout=_PROBE_SECONDS) as answer:  # noqa: S310 (loopback)
                return bool(answer.status == HTTPStatus.OK)
        except (OSError, urllib.error.URLError):
            return False


def _python_of(environment: Environment) -> Path:
    if not environment.python.exists():
        raise LocalCloudError(
            f"the {environment.name} environment is missing: {environment.directory}",
            "build it: python3 localstack/bootstrap.py (make run does so by itself)",
        )
    return environment.python


def _keep_previous(directory: Path) -> None:
    """Moves a directory aside, so that the logs of the run before this one can still be read."""
    previous = directory.with_name(f"{directory.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    if directory.exists():
        directory.rename(previous)
