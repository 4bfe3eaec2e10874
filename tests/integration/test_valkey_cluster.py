"""The local cloud's cluster: formed, whole, and whole again after a master was killed."""

import contextlib
import os
import socket
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from redis import Redis, RedisCluster

from localcloud.caches import PORT_OPTION, LocalCache
from localcloud.cluster_view import SLOTS, Shape
from localcloud.drill import Drill
from localcloud.errors import PortTaken, ServerFailed
from localcloud.ports import LOOPBACK, OUTGOING_FROM, free_ports
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.valkey import Valkey
from localcloud.valkey_cluster import BUS_OFFSET, ValkeyCluster
from tests.redis_doors import eventually
from tests.servers import drill_cluster, supervised

ROOT = Path(__file__).resolve().parents[2]


def cluster_client(urls: str) -> "RedisCluster":
    return RedisCluster.from_url(urls.partition(",")[0], decode_responses=True)


def test_every_slot_has_a_master_every_master_a_replica_and_writes_reach_the_disk(valkey_cluster: str) -> None:
    with cluster_client(valkey_cluster) as client:

        def every_master_has_its_replica() -> bool:
            # Whichever node is asked: it hears of the others' replicas a moment after they have them.
            return [len(found["replicas"]) for found in client.cluster_slots().values()] == [1, 1, 1]

        eventually("every master has its replica", every_master_has_its_replica)
        slots = client.cluster_slots()
        assert sum(last - first + 1 for first, last in slots) == SLOTS
        client.set("test_valkey_cluster", "kept")
    for url in valkey_cluster.split(","):
        with Redis.from_url(url, decode_responses=True) as node:
            assert node.config_get("appendonly", "cluster-require-full-coverage") == {
                "appendonly": "yes",
                "cluster-require-full-coverage": "no",
            }


def test_a_killed_master_is_succeeded_and_comes_back_as_a_replica_with_the_data() -> None:
    # Time enough that a busy machine makes no other node look dead.
    with drill_cluster(node_timeout_ms=2000) as cluster, cluster_client(cluster.urls) as client:
        for number in range(100):
            client.set(f"key:{number}", number)
        client.wait(1, 60_000, target_nodes=RedisCluster.PRIMARIES)
        lost = cluster.masters()[0]
        cluster.drill.kill(lost)
        eventually("a replica takes over", lambda: len(cluster.masters()) == 3, seconds=60)
        cluster.drill.start(lost)
        cluster.wait_formed()
        assert lost not in cluster.masters()
        with cluster_client(cluster.urls) as again:
            assert [again.get(f"key:{number}") for number in range(100)] == [str(number) for number in range(100)]


def test_a_new_start_on_the_same_directory_begins_empty(tmp_path: Path) -> None:
    """What lay in the cache while battles were fought without it must not come back."""
    state = StateDir(tmp_path)
    left = state.server_data("valkey-1") / "appendonlydir"
    left.mkdir()
    LocalCache.claim("cluster", 0).servers(state)
    assert not left.exists()
    assert left.parent.exists()


def test_a_taken_bus_port_is_named() -> None:
    with socket.socket() as taken:
        # Most buses would lie where outgoing connections get their ports: what is taken there already is passed over.
        first = next(port for port in free_ports(50) if bound(taken, port + BUS_OFFSET))
        with pytest.raises(PortTaken, match=f"port {first + BUS_OFFSET}, wanted by a Valkey node's cluster bus") as met:
            ValkeyCluster.claim(first, setting=PORT_OPTION, shape=Shape(masters=1, replicas_each=0))
    assert PORT_OPTION in met.value.hint


def test_each_kind_of_cache_says_what_the_functions_and_the_status_need(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.create()
    none, single, cluster = (LocalCache.claim(kind, 0) for kind in ("none", "single", "cluster"))
    assert (none.redis_mode, none.redis_url, none.status, none.servers(state)) == ("single", None, None, [])
    assert single.status == single.redis_url
    assert [server.name for server in single.servers(state)] == ["valkey"]
    assert isinstance(cluster.status, list)
    assert (cluster.redis_mode, cluster.redis_url) == ("cluster", ",".join(cluster.status))
    assert len(cluster.servers(state)) == len(cluster.status) == 6


def test_a_drill_whose_server_does_not_start_shows_its_log_and_leaves_nothing(tmp_path: Path) -> None:
    state = StateDir(tmp_path)
    state.create()
    broken = Server("broken", ["sh", "-c", "echo no such option; exit 3"], ready=lambda: False)
    with pytest.raises(ServerFailed, match=r"(?s)broken is not ready.*no such option"), Drill(state, [broken]):
        pass
    assert list(state.run.glob("*.pid")) == []


@pytest.fixture
def redis_cli(tmp_path: Path) -> dict[str, str]:
    """An environment in which scripts find ``redis-cli``."""
    command = tmp_path / "bin" / "redis-cli"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{ROOT / "tests" / "redis_cli.py"}" "$@"\n')
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}"}


def test_the_script_of_the_containers_forms_a_cluster_and_finds_it_formed(redis_cli: dict[str, str]) -> None:
    small = Shape(masters=2, replicas_each=1)
    # No outgoing connection may take a bus port meanwhile.
    ports = [port for port in free_ports(100) if port + BUS_OFFSET < OUTGOING_FROM and is_free(port + BUS_OFFSET)][:4]
    cluster = ValkeyCluster(ports, [port + BUS_OFFSET for port in ports], small, node_timeout_ms=500)
    with supervised() as (_, state):
        nodes = [
            replace(server, ready=partial(Valkey.answers, Valkey(port)))
            for server, port in zip(cluster.servers(state), cluster.ports, strict=True)
        ]
        with Drill(state, nodes):
            said = [form(cluster, redis_cli) for _ in range(2)]
            eventually("every node has heard of it", cluster.formed)
    first_node = f"{LOOPBACK}:{ports[0]}"
    assert f"{first_node}: slots 0 to {SLOTS // 2 - 1}" in said[0]
    assert f"{LOOPBACK}:{ports[2]}: a replica of {first_node}" in said[0]
    assert said[1].splitlines() == ["the cluster of 4 nodes is whole"]


def bound(one: socket.socket, port: int) -> bool:
    with contextlib.suppress(OSError):
        one.bind((LOOPBACK, port))
        return True
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


def form(cluster: ValkeyCluster, environment: dict[str, str]) -> str:
    script = ROOT / "localstack" / "form-cluster.sh"
    nodes = [f"{LOOPBACK}:{port}" for port in cluster.ports]
    done = subprocess.run(["sh", str(script), *nodes], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
