"""docker-compose.yml says what the embedded servers do; there is no Docker here to say it by running."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.mongod import REPLICA_SET, TRANSACTION_LIFETIME_SECONDS

COMPOSE = Path(__file__).resolve().parents[2] / "localstack" / "docker-compose.yml"


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
