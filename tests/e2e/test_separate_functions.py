"""One region of the local cloud is split while it serves: two groups of routes get functions of their own."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib.clock import system_clock
from infra.deploy import deploy
from infra.log_files import LogFiles
from infra.log_reading import function_of
from infra.package import PROJECT_ROOT, build_package
from infra.template.groups import below
from tests.e2e.client import ask, send
from tests.e2e.conftest import Cloud
from tests.gateway import Answer
from tests.localstack.running import eventually
from tests.sample_project import write_arena_project

REGION: Final = "eu-west-1"
"""Of which no other test asks which function answers."""
GROUPS: Final[dict[str, Any]] = {
    "battles": {"paths": ["/api/battle"], "provisioned_concurrency": 2},
    "operators": {"paths": ["/api/ops", "/api/admin"], "provisioned_concurrency": 0},
}


def server_of(path: str) -> str:
    for name, group in GROUPS.items():
        if any(below(path, prefix) for prefix in group["paths"]):
            return f"{name.capitalize()}Api"
    return "APIHandler"


def lacks_database(answer: Answer) -> bool:
    """The arena's own word that its database had no time: of a busy machine, and of no deployment."""
    return answer.status == 503 and "database_unavailable" in answer.text


@contextmanager
def traffic(cloud: Cloud) -> Iterator[Counter[int]]:
    """Somebody reads leaderboard and game modes without pause; gives the count of each status."""
    statuses: Counter[int] = Counter()
    done = threading.Event()
    headers = cloud.sign_in(random.randrange(10**9, 2**40))

    def read() -> None:
        while not done.wait(0.05):
            for path in ("/api/leaderboard", "/api/game-modes"):
                answer = send("GET", cloud.api(REGION) + path, headers=headers)
                if not lacks_database(answer):
                    statuses[answer.status] += 1

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield statuses
    finally:
        done.set()
        reader.join()


@pytest.fixture(scope="module")
def split(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Counter[int]:
    """The statuses of what was asked meanwhile."""
    project = write_arena_project(tmp_path_factory.mktemp("split") / "project", "dev", GROUPS)
    package = build_package("dev", PROJECT_ROOT / ".arena" / "build", lambda _: None, project)
    with traffic(cloud) as statuses:
        deployed = deploy(
            package, region=REGION, parameters={}, endpoint_url=cloud.status["localstack"], log=lambda _: None
        )
        asked = sum(statuses.values())
        eventually(lambda: sum(statuses.values()), lambda count: count >= asked + 20)
    assert (deployed.changed, deployed.api_url) == (True, cloud.api(REGION))
    return statuses


def kept_warm(cloud: Cloud) -> Counter[str]:
    """Environments by function."""
    return Counter(
        function_of(its["AWS_LAMBDA_FUNCTION_NAME"])
        for _, its in cloud.environments(REGION)
        if its["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    )


def answered_by(directory: Path, since: datetime) -> dict[str, str]:
    """Function by the id of each request that was answered in the region."""
    found = {}
    for lines in LogFiles(directory).lines(since):
        for line in lines:
            if line.source.region == REGION and line.fields and line.fields.get("message") == "request":
                found[str(line.fields["correlation_id"])] = line.source.function
    return found


def test_no_request_failed_meanwhile(split: Counter[int]) -> None:
    assert set(split) == {200}, split


def test_a_battle_is_fought_and_each_route_is_answered_by_its_function(cloud: Cloud, split: Counter[int]) -> None:
    since, api, user = system_clock(), cloud.api(REGION), random.randrange(10**9, 2**40)
    broker = ask("POST", f"{api}/api/brokers/starter", {}, cloud.sign_in(user))
    fight = {"requestId": str(uuid.uuid4()), "brokerId": broker.data["_id"]}
    battle = ask("POST", f"{api}/api/battle/run", fight, {**cloud.sign_in(user), "X-Request-Id": "the-battle"})
    assert (battle.status, battle.data["requestId"]) == (200, fight["requestId"])

    document = ask("GET", f"{api}/openapi.json").json
    asked = {}
    for number, (path, method) in enumerate(
        (path, method) for path, row in document["paths"].items() for method in row
    ):
        request_id = f"route-{number}"
        asked[request_id] = path
        url = api + "/".join("x" if part.startswith("{") else part for part in path.split("/"))
        assert ask(method.upper(), url, {}, {"X-Request-Id": request_id}).status in range(200, 500), (method, path)
    assert len(asked) > 50

    directory = cloud.state_dir / "logs" / "functions"
    found = eventually(lambda: answered_by(directory, since), lambda told: told.keys() >= asked.keys())
    assert {path: found[request_id] for request_id, path in asked.items()} == {
        path: server_of(path) for path in asked.values()
    }
    assert Counter(map(server_of, asked.values()))["BattlesApi"] == 4
    assert found["the-battle"] == "BattlesApi"


def test_each_group_has_as_many_environments_as_it_was_given(cloud: Cloud, split: Counter[int]) -> None:
    kept = eventually(lambda: kept_warm(cloud), lambda found: found["BattlesApi"] == 2)
    assert kept.pop("APIHandler") >= 1
    assert kept == {"BattlesApi": 2}


def test_operators_see_from_their_function_what_is_scaled(cloud: Cloud, split: Counter[int]) -> None:
    """It keeps none warm itself: the numbers are those of the API's own function."""
    token = cloud.command("operator-token").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    seen = ask("POST", f"{cloud.api(REGION)}/api/ops/scaling/evaluate", {}, headers)
    assert seen.status == 200, seen.text
    assert seen.data["inputs"]["requested"] >= 1

    def queues() -> list[dict[str, Any]]:
        return list(ask("GET", f"{cloud.api(REGION)}/api/ops/queues", headers=headers).data["queues"])

    # SQS may be late for one look on a busy machine.
    eventually(queues, lambda found: [queue["problem"] for queue in found] == [None] * 4)
