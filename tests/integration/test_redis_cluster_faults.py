"""A door to a cluster that loses nodes: others go on, it recovers by itself, and the slot map is asked for seldom."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from chalicelib.cache.door import QUICK, CacheUnavailable, DoorLimits, RedisDoor
from chalicelib.cache.slots import parse_slots, slot_of
from chalicelib.cache.topology import RefreshRules
from tests.fakes.cache_observer import Observed
from tests.redis_doors import UNHURRIED, door_to, eventually
from tests.servers import DrillCluster, drill_cluster

BUDGET = 2.0
"""Enough for a node that is well, whatever else the machine does and however many ask at once."""
LIMITS = DoorLimits(budget_seconds=BUDGET, connections_per_node=1)
SLACK = 3.0
PATIENCE_SECONDS = 60.0
DOORS = 20


@pytest.fixture(scope="module")
def cluster() -> Iterator[DrillCluster]:
    with drill_cluster(node_timeout_ms=1200) as running:
        yield running


def key_at(cluster: DrillCluster, name: str) -> str:
    """A key the master ``name`` serves."""
    door = door_to(cluster.urls)
    slots = parse_slots(door.execute("CLUSTER", "SLOTS"), "127.0.0.1")
    door.close()
    return next(key for key in map(str, range(10_000)) if slots.owner(slot_of(key)) == address_of(cluster, name))


def address_of(cluster: DrillCluster, name: str) -> tuple[str, int]:
    return "127.0.0.1", cluster.cluster.ports[cluster.cluster.names().index(name)]


def clients(cluster: DrillCluster, *but: str) -> dict[str, Any]:
    """A plain client of every node except the named."""
    urls = zip(cluster.cluster.names(), cluster.cluster.urls, strict=True)
    return {name: redis.Redis.from_url(url, decode_responses=True) for name, url in urls if name not in but}


def map_questions(nodes: dict[str, Any]) -> dict[str, int]:
    """How often each node was asked for the slot map."""
    found = {name: node.info("commandstats") for name, node in nodes.items()}
    return {name: stats.get("cmdstat_cluster|slots", {}).get("calls", 0) for name, stats in found.items()}


def call(door: RedisDoor, key: str) -> tuple[float, bool]:
    """Seconds, and whether it was answered."""
    started = time.monotonic()
    try:
        door.execute("GET", key)
    except CacheUnavailable:
        return time.monotonic() - started, False
    return time.monotonic() - started, True


def test_connections_are_as_many_as_stated(cluster: DrillCluster) -> None:
    """Several environments, each with more threads than connections, on every master."""
    nodes = clients(cluster)
    doors = [door_to(cluster.urls, limits=DoorLimits(budget_seconds=10, connections_per_node=2)) for _ in range(4)]
    keys = [str(number) for number in range(40)]

    def work(door: RedisDoor) -> None:
        for key in keys:
            door.execute("SET", key, 1)
            door.execute_all([("GET", key) for key in keys])

    def connections() -> dict[str, int]:
        return {name: len(node.client_list(_type="normal")) - 1 for name, node in nodes.items()}

    masters = cluster.masters()
    # Of whoever has just looked at the cluster, a server hears a moment late that they have gone; so of doors below.
    eventually("nobody is connected", lambda: not any(connections().values()))
    with ThreadPoolExecutor(24) as pool:
        list(pool.map(work, doors * 6))
    counts = connections()
    print("connections by node", counts)
    assert all(1 <= counts[name] <= 4 * 2 for name in masters)
    assert all(counts[name] == 0 for name in counts if name not in masters)
    assert sum(counts.values()) <= 4 * QUICK.connections(masters=3)
    for door in doors:
        door.close()
    eventually("every door is closed", lambda: not any(connections().values()))
    for node in nodes.values():
        node.close()


def test_a_hung_master_is_no_storm(cluster: DrillCluster) -> None:
    """Many environments lose one node together: nobody else is slowed down, and each asks for the map once."""
    victim, *healthy = cluster.masters()
    lost, found = key_at(cluster, victim), [key_at(cluster, name) for name in healthy]
    now = [0.0]
    doors = [door_to(cluster.urls, limits=LIMITS, now=lambda: now[0]) for _ in range(DOORS)]
    for door in doors:
        for key in (lost, *found):
            door.execute("GET", key)
    nodes = clients(cluster, victim)
    before = map_questions(nodes)
    cluster.drill.pause(victim)

    def use(door: RedisDoor) -> list[tuple[str, float, bool]]:
        return [(key, *call(door, key)) for _ in range(10) for key in (lost, *found)]

    with ThreadPoolExecutor(DOORS) as pool:
        first = [one for calls in pool.map(use, doors) for one in calls]
        at_once = sum(map_questions(nodes).values()) - sum(before.values())
        # The interval since the map was last asked for, and the longest delay that can be drawn.
        now[0] += 2 * RefreshRules().interval_seconds
        second = [one for calls in pool.map(use, doors) for one in calls]
    after = map_questions(nodes)
    asked = {name: after[name] - before[name] for name in after}
    cluster.drill.resume(victim)
    cluster.wait_formed()
    print(f"{DOORS} environments, {len(first) + len(second)} calls: map asked for at once {at_once}, in all", asked)
    assert all(seconds < BUDGET + SLACK for _, seconds, _ in first + second)
    assert not any(answered for key, _, answered in first if key == lost)
    assert all(answered for key, _, answered in first + second if key != lost)
    assert at_once == 0
    assert sum(asked.values()) == DOORS
    assert len([name for name in asked if asked[name]]) > 1
    for door in doors:
        door.close()


def test_a_killed_master_is_succeeded(cluster: DrillCluster) -> None:
    """Its keys fail fast until then, others are not affected, and nobody has to do anything."""
    cluster.wait_formed()
    victim, *healthy = cluster.masters()
    lost, found = key_at(cluster, victim), [key_at(cluster, name) for name in healthy]
    seen = Observed()
    door = door_to(cluster.urls, limits=LIMITS, observer=seen)
    for key in (lost, *found):
        door.execute("SET", key, 1)
    cluster.drill.kill(victim)
    started, calls, answered = time.monotonic(), 0, False
    while not answered:
        assert time.monotonic() < started + PATIENCE_SECONDS, "nobody took over"
        seconds, answered = call(door, lost)
        assert seconds < BUDGET + SLACK
        for key in found:
            assert call(door, key)[1], "a call to another master"
        calls += 1
        time.sleep(0.005)
    print(
        f"{calls} calls in {time.monotonic() - started:.1f} s, commands {dict(seen.commands)}, {dict(seen.refreshes)}"
    )
    assert victim not in cluster.masters()
    assert sum(seen.refreshes.values()) <= 2 + time.monotonic() - started
    # The dead node is none of the cluster's any more, or only as a replica nobody asks.
    assert door.execute_each("PING").keys() == {address_of(cluster, name) for name in cluster.masters()}
    door.close()


def test_slots_that_move_are_followed(cluster: DrillCluster) -> None:
    """MOVED and ASK while a slot goes from one master to another, key by key, without an error."""
    source_name, target_name, *_ = cluster.masters()
    names = cluster.cluster.names()
    nodes = clients(cluster)
    source, target = nodes[source_name], nodes[target_name]
    source_id, target_id = source.cluster("MYID"), target.cluster("MYID")
    key = key_at(cluster, source_name)
    slot, there = slot_of(key), f"{{{key}}}:there"
    door = door_to(cluster.urls, limits=UNHURRIED)
    door.execute_all([("SET", key, "here"), ("SET", there, "there")])
    target.cluster("SETSLOT", slot, "IMPORTING", source_id)
    source.cluster("SETSLOT", slot, "MIGRATING", target_id)
    port = cluster.cluster.ports[names.index(target_name)]
    source.execute_command("MIGRATE", "127.0.0.1", port, there, 0, 5000)
    assert door.execute_all([("GET", key), ("GET", there)]) == ["here", "there"]
    assert door.execute_all([("GET", there), ("APPEND", there, "!")], atomic=True) == ["there", 6]
    source.execute_command("MIGRATE", "127.0.0.1", port, key, 0, 5000)
    for node in (target, source):
        node.cluster("SETSLOT", slot, "NODE", target_id)
    assert door.execute_all([("GET", key), ("GET", there)]) == ["here", "there!"]
    assert door.execute("GET", key) == "here"
    assert set(door.positions().values()) == {"closed"}
    door.close()
    for node in nodes.values():
        node.close()
