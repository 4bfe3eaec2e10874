"""docker-compose.yml says what the embedded servers do; there is no Docker here to say it by running."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.cluster_view import Shape
from localcloud.mongod import REPLICA_SET, TRANSACTION_LIFETIME_SECONDS
from localcloud.state import StateDir
from localcloud.topology import CACHES
from localcloud.valkey_cluster import ValkeyCluster

RECIPES = Path(__file__).resolve().parents[2] / "localstack"
COMPOSE = RECIPES / "docker-compose.yml"
CLUSTER = RECIPES / "docker-compose.cluster.yml"
JOB = "redis-cluster"
OWN_OPTIONS = {"--port", "--bind", "--daemonize", "--cluster-port", "--cluster-announce-ip", "--dir"}
"""What only nodes that share one machine need."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def test_images_are_the_ones_that_need_no_licence(compose: dict[str, Any]) -> None:
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert images == {"localstack": "localstack/localstack:4.14.0", "mongo": "mongo:7", "redis": "redis:7"}


def test_every_service_is_checked_and_on_loopback_alone(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        check = service["healthcheck"]
        assert check["test"][0] == "CMD", name
        assert {"interval", "timeout", "retries"} < set(check), name
        assert all(port.startswith("127.0.0.1:") and port.count(":") == 2 for port in service["ports"]), name


def test_references_lead_somewhere(compose: dict[str, Any]) -> None:
    services, networks, volumes = compose["services"], compose["networks"], compose["volumes"]
    for name, service in services.items():
        assert set(service["networks"]) <= set(networks), name
        assert set(service.get("depends_on", {})) <= set(services), name
        named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith("/")}
        assert named <= set(volumes), name
    assert services["localstack"]["environment"]["LAMBDA_DOCKER_NETWORK"] == networks["arena"]["name"]


def test_mongo_is_the_replica_set_the_embedded_one_is(compose: dict[str, Any]) -> None:
    mongo = compose["services"]["mongo"]
    assert mongo["command"][:2] == ["--replSet", REPLICA_SET]
    assert f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}" in mongo["command"]
    script = mongo["healthcheck"]["test"][-1]
    assert f'rs.initiate({{_id: "{REPLICA_SET}"' in script
    assert "isWritablePrimary" in script


def test_environment_values_are_texts(compose: dict[str, Any]) -> None:
    """YAML reads an unquoted 1, yes or on as something else, and Compose then refuses it or passes it on changed."""
    environment = compose["services"]["localstack"]["environment"]
    assert all(isinstance(value, str) for value in environment.values())


@pytest.fixture(scope="module")
def cluster(compose: dict[str, Any]) -> dict[str, Any]:
    """The services of the cluster's file as Compose merges them into the others."""
    added: dict[str, Any] = yaml.safe_load(CLUSTER.read_text())
    merged = {name: {**compose["services"].get(name, {}), **service} for name, service in added["services"].items()}
    for name, service in merged.items():
        named = {volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith((".", "/"))}
        assert named <= set(added["volumes"]), name
        assert set(service["networks"]) <= set(compose["networks"]), name
    return merged


def options(command: list[str]) -> dict[str, str]:
    return dict(zip(command[1::2], command[2::2], strict=True))


def test_the_nodes_are_configured_as_the_embedded_ones(cluster: dict[str, Any], tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.create()
    embedded = options(list(ValkeyCluster([1], [2]).servers(state)[0].command))
    expected = {name: value for name, value in embedded.items() if name not in OWN_OPTIONS}
    nodes = {name: service for name, service in cluster.items() if name not in (JOB, "localstack")}
    wanted = CACHES["cluster"]
    assert len(nodes) == Shape(wanted.masters, wanted.replicas_each).nodes
    for name, service in nodes.items():
        assert service["image"] == "redis:7", name
        assert options(service["command"]) == expected, name
        assert service["healthcheck"]["test"] == ["CMD", "redis-cli", "ping"], name
        assert any(volume.endswith(":/data") for volume in service["volumes"]), name


def test_the_job_forms_the_cluster_of_all_nodes_before_localstack_starts(cluster: dict[str, Any]) -> None:
    job, nodes = cluster[JOB], sorted(set(cluster) - {JOB, "localstack"})
    shell, script, *arguments = job["command"]
    assert (shell, arguments) == ("sh", [f"{name}:6379" for name in nodes])
    assert [f".{script}:{script}:ro"] == job["volumes"]
    assert (RECIPES / script.removeprefix("/")).is_file()
    assert job["depends_on"] == {name: {"condition": "service_healthy"} for name in nodes}
    assert cluster["localstack"]["depends_on"] == {JOB: {"condition": "service_completed_successfully"}}
    text = CLUSTER.read_text()
    assert ",".join(f"redis://{name}:6379" for name in nodes) in text
