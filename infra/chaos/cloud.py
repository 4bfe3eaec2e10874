"""The local cloud of a run: three regions with servers of their own, links that can be cut, what operators set."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
from pymongo import MongoClient
from pymongo.database import Database

from infra.chaos.client import Answer
from infra.chaos.clocks import Clocks
from infra.chaos.links import Links
from infra.chaos.rules import MODES, WAR, settings
from infra.chaos.takeover import operate
from infra.cli.local import CHECKOUT, LocalCloud, local_token
from infra.cli.local_arena import LocalArena, Options
from infra.stacks import Pace
from localcloud.environments import environments
from localcloud.errors import LocalCloudError
from localcloud.ports import LOOPBACK, free_ports
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.topology import REGIONS

BEHIND: Final = "::1"
"""Where LocalStack listens, at the port at which functions look for it on ``LOOPBACK``."""
DATABASE_MEMBERS: Final = 3
PACE: Final = Pace(interval_seconds=1.0, timeout_seconds=900)
"""Twenty-eight servers share the machine, and maybe others' work; the second time players are at it, too."""
QUEUED_FOR: Final = timedelta(minutes=15)
"""Longer than any event waits in a queue before it is given up, and than clocks are wrong."""
DEPLOYMENTS_MAX: Final = 3
_PATIENCE_SECONDS: Final = 60.0
_CALL_SECONDS: Final = 30.0
_SELECTION_MILLISECONDS: Final = 3000
Document = dict[str, Any]
Log = Callable[[str], None]


@dataclass(frozen=True)
class ChaosCloud:
    """The regions of a run, and hands on their servers."""

    local: LocalCloud
    supervisor: Supervisor
    links: Links
    clocks: Clocks
    port: int
    """Where functions find their cloud."""
    operate: Callable[..., str]
    """Runs one of the arena's commands, and gives what it says. Raises as ``takeover.operate``."""
    deploy_again: Callable[[Callable[[], None]], Mapping[str, Any]]
    """On servers that stand, after LocalStack has ended; gives the new status."""
    apis: dict[str, str] = field(default_factory=dict)
    """Where players find each region's API."""
    stand_ins: dict[str, str] = field(default_factory=dict)
    """By region, the one that serves its players meanwhile."""

    @property
    def regions(self) -> tuple[str, ...]:
        return self.local.regions

    @property
    def localstack(self) -> str:
        return str(self.local.status["localstack"])

    def connect(self) -> None:
        """Tells players, links and regions where the APIs are: every region finds the others through the links."""
        self.apis.update({region: self.local.api(region) for region in self.regions})
        self.links.know({region: urlsplit(api).path for region, api in self.apis.items()})
        for source in self.regions:
            with self.database(source) as database:
                for target, api in self.apis.items():
                    if target != source:
                        url = self.links.address(source) + urlsplit(api).path
                        database["regions"].update_one({"_id": target}, {"$set": {"url": url}})

    def bring_back(self, check: Callable[[], None]) -> str:
        """What operators do after LocalStack has ended; what the repair told. Raises as ``LocalArena`` and ``operate``.

        What its queues held is told again by the outboxes; what had not left one is sent as ever.
        """
        since = datetime.now(UTC) - QUEUED_FOR
        self.local.status.update(self.deploy_again(check))
        self.connect()
        return self.operate("replication", "catch-up", "--since", f"{since:%Y-%m-%dT%H:%M:%SZ}")

    def members(self, region: str) -> dict[str, int]:
        """The database servers of a region: names and ports."""
        hosts = urlsplit(self.local.region(region)["mongo"]).netloc.split(",")
        return {f"mongod-{region}-{number}": int(host.rpartition(":")[2]) for number, host in enumerate(hosts, 1)}

    def cache_nodes(self, region: str) -> dict[str, int]:
        """The cache's servers of a region: names and ports."""
        urls = self.local.region(region)["redis"]
        return {f"valkey-{region}-{number}": int(urlsplit(url).port or 0) for number, url in enumerate(urls, 1)}

    @contextmanager
    def database(self, region: str) -> Iterator[Database[Document]]:
        """The region's database, as whoever writes to it sees it."""
        found = self.local.region(region)
        with MongoClient[Document](
            found["mongo"], tz_aware=True, serverSelectionTimeoutMS=_SELECTION_MILLISECONDS
        ) as client:
            yield client[found["database"]]

    def environments(self, region: str, names: tuple[str, ...]) -> list[psutil.Process]:
        """The processes of a region's functions that have one of ``names`` in theirs."""
        found, address = [], f"{LOOPBACK}:{self.port}"
        for process in psutil.process_iter():
            try:
                variables = process.environ()
            except (psutil.Error, OSError):
                continue
            ours = address in variables.get("AWS_ENDPOINT_URL", "") and variables.get("AWS_REGION") == region
            if ours and any(name in variables.get("AWS_LAMBDA_FUNCTION_NAME", "") for name in names):
                found.append(process)
        return found


@contextmanager
def brought_up(state: StateDir, log: Log, stop: Callable[[], bool], arena_cap: int) -> Iterator[ChaosCloud]:
    """A cloud of its own, empty, on any free ports, with the run's modes and settings.

    Raises LocalCloudError or StopRequested.
    """
    clocks = Clocks(state.root / "clocks")
    port, *ports = free_ports(1 + len(REGIONS))
    links = Links(f"http://[{BEHIND}]:{port}", port, dict(zip(REGIONS, ports, strict=True)))
    options = Options(
        *("development", REGIONS, port, 0, 0, 0, "cluster", True, DATABASE_MEMBERS),
        localstack_address=BEHIND,
        runtime_python=clocks.interpreter(environments(CHECKOUT)["runtime"].python),
        pace=PACE,
        deployments_max=DEPLOYMENTS_MAX,
    )
    with Supervisor(state, log, stop) as supervisor, links:
        # Now that nobody else has them: a run begins with empty databases.
        shutil.rmtree(state.data, ignore_errors=True)
        state.create()
        arena = LocalArena(options, state, CHECKOUT, supervisor, log)
        arena.bring_up()
        local = LocalCloud.running(state.root)
        cloud = ChaosCloud(local, supervisor, links, clocks, port, partial(operate, state.root), arena.deploy_again)
        cloud.connect()
        _operate(cloud, arena_cap)
        yield cloud


def _operate(cloud: ChaosCloud, arena_cap: int) -> None:
    """Sets the run's modes and settings in the first region, and waits until all regions have them."""
    token = local_token(cloud.local.secrets)
    first = cloud.local.api(cloud.regions[0])
    asked: list[tuple[str, str, Mapping[str, Any]]] = [
        ("PATCH", "/api/admin/economy/config", settings(arena_cap)),
        *(("POST", "/api/admin/game-modes", mode.wire()) for mode in (*MODES, WAR)),
    ]
    for method, path, body in asked:
        answer = _call(method, first + path, body, token)
        if answer.status not in (200, 201):
            raise LocalCloudError(f"{method} {path} answered {answer.status} {answer.code}")
    until = time.monotonic() + _PATIENCE_SECONDS
    while not all(_knows(cloud, region, arena_cap) for region in cloud.regions):
        cloud.supervisor.check()
        if time.monotonic() > until:
            raise LocalCloudError("the run's game modes did not come to all regions")
        time.sleep(0.5)


def _knows(cloud: ChaosCloud, region: str, arena_cap: int) -> bool:
    wanted = settings(arena_cap)
    with cloud.database(region) as database:
        modes = database["gamemodes"].count_documents({"key": {"$in": [mode.key for mode in (*MODES, WAR)]}})
        config = database["economyconfigs"].find_one({}) or {}
    return modes == len(MODES) + 1 and all(config.get(name) == value for name, value in wanted.items())


def _call(method: str, url: str, body: Mapping[str, Any], token: str) -> Answer:
    import requests

    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.request(method, url, data=json.dumps(body), headers=headers, timeout=_CALL_SECONDS)
    return Answer(answer.status_code, answer.json())


def state_dir(chosen: Path | None) -> StateDir:
    """Where the run's cloud keeps its files."""
    return StateDir((chosen or CHECKOUT / ".arena" / "chaos" / "state").absolute())
