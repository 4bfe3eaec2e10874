"""docker-compose.sharded.yml is the cluster that `./arena shard` plans for; there is no Docker here to run it by."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.data.sharding import SERVER_MIN, SHARDED
from localcloud.mongod import TRANSACTION_LIFETIME_SECONDS

RECIPES = Path(__file__).resolve().parents[2] / "localstack"
JOB = "mongo-shards"


def loaded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((RECIPES / name).read_text())
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return loaded("docker-compose.yml")


@pytest.fixture(scope="module")
def sharded() -> dict[str, Any]:
    return loaded("docker-compose.sharded.yml")


@pytest.fixture(scope="module")
def merged(compose: dict[str, Any], sharded: dict[str, Any]) -> dict[str, Any]:
    """As Compose merges the services of both files."""
    return {name: {**compose["services"].get(name, {}), **service} for name, service in sharded["services"].items()}


def named(merged: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: service for name, service in merged.items() if re.fullmatch(rf"mongo-{kind}-\d", name)}


def flag(service: dict[str, Any], option: str) -> str:
    return str(service["command"][service["command"].index(option) + 1])


def test_there_are_shards_enough_and_a_server_that_serves_battles(merged: dict[str, Any]) -> None:
    assert len(named(merged, "shard")) == max(one.shards for one in SHARDED)
    images = {service["image"] for name, service in merged.items() if name != "localstack"}
    assert images == {f"mongo:{SERVER_MIN[0]}"}


def test_the_mongos_stands_where_the_functions_look_and_knows_all_config_servers(merged: dict[str, Any]) -> None:
    router, config = merged["mongo"], named(merged, "config")
    assert router["command"][0] == "mongos"
    hosts = ",".join(f"{name}:27017" for name in sorted(config))
    assert flag(router, "--configdb") == f"config/{hosts}"
    assert router["ports"] == ["127.0.0.1:27017:27017"]
    assert set(router["depends_on"]) == set(config)
    assert "isdbgrid" in router["healthcheck"]["test"][-1]


def test_config_servers_are_one_set_of_three(merged: dict[str, Any]) -> None:
    config = named(merged, "config")
    assert len(config) == 3
    for name, service in config.items():
        assert service["command"][:3] == ["--configsvr", "--replSet", "config"], name
        assert service["volumes"] == [f"{name}:/data/configdb"], name
    script = config["mongo-config-1"]["healthcheck"]["test"][-1]
    assert 'rs.initiate({_id: "config", configsvr: true' in script
    assert re.findall(r'host: "([^"]+)"', script) == [f"{name}:27017" for name in sorted(config)]


def test_each_shard_is_a_set_of_its_own_and_is_added(merged: dict[str, Any]) -> None:
    shards, job = named(merged, "shard"), merged[JOB]
    for name, service in shards.items():
        own = name.removeprefix("mongo-")
        assert service["command"][:3] == ["--shardsvr", "--replSet", own], name
        assert flag(service, "--setParameter") == f"transactionLifetimeLimitSeconds={TRANSACTION_LIFETIME_SECONDS}"
        script = service["healthcheck"]["test"][-1]
        assert f'rs.initiate({{_id: "{own}", members: [{{_id: 0, host: "{name}:27017"}}]}})' in script
        assert service["volumes"] == [f"{name}:/data/db"], name
    numbers = re.search(r"of \[([\d, ]+)\]", job["command"][-1])
    assert numbers is not None
    assert [f"mongo-shard-{number.strip()}" for number in numbers[1].split(",")] == sorted(shards)
    # Compose would take a single dollar for a variable of its own.
    assert "`shard-$${number}/mongo-shard-$${number}:27017`" in job["command"][-1]
    assert job["depends_on"] == {name: {"condition": "service_healthy"} for name in ("mongo", *sorted(shards))}
    assert merged["localstack"]["depends_on"] == {JOB: {"condition": "service_completed_successfully"}}


def test_references_lead_somewhere_and_everybody_is_checked(
    compose: dict[str, Any], sharded: dict[str, Any], merged: dict[str, Any]
) -> None:
    volumes = {**compose["volumes"], **sharded["volumes"]}
    known = {*compose["services"], *sharded["services"]}
    for name, service in merged.items():
        assert set(service["networks"]) <= set(compose["networks"]), name
        assert set(service.get("depends_on", {})) <= known, name
        kept = [volume.partition(":")[0] for volume in service.get("volumes", []) if not volume.startswith("/")]
        assert set(kept) <= set(volumes), name
        if name != JOB:
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert {"interval", "timeout", "retries"} < set(service["healthcheck"]), name


def test_nothing_but_the_mongos_is_published(sharded: dict[str, Any]) -> None:
    assert not [name for name, service in sharded["services"].items() if "ports" in service]
