"""What callers of the door and of values upon it rely on: the same on a single node and on a cluster."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.cache.door import CacheRefused, RedisDoor, Script
from chalicelib.cache.keys import slot_of, tag
from chalicelib.cache.values import Values
from tests.fakes.cache_observer import Observed
from tests.redis_doors import client_of, door_to


@dataclass(frozen=True)
class Place:
    """A server or a cluster, a door to it and keys of one's own."""

    urls: str
    door: RedisDoor
    seen: Observed
    prefix: str

    def keys(self, count: int) -> list[str]:
        """Keys in as many slots."""
        return [f"{self.prefix}{number}" for number in range(count)]


@pytest.fixture(params=["valkey_url", "valkey_cluster"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    urls: str = request.getfixturevalue(request.param)
    seen = Observed()
    door = door_to(urls, observer=seen)
    yield Place(urls, door, seen, f"test-{uuid.uuid4().hex[:8]}:")
    door.close()


def script_of(text: str) -> Script:
    return Script("test", text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def test_one_command(place: Place) -> None:
    key, *_ = place.keys(1)
    assert place.door.execute("GET", key) is None
    assert place.door.execute("SET", key, "é 1", "PX", 60_000) == "OK"
    assert place.door.execute("GET", key) == "é 1"
    assert place.door.execute("SET", key, "2", "NX") is None
    assert place.seen.commands == {("GET", "ok"): 2, ("SET", "ok"): 2}


def test_answers_have_the_types_of_the_protocol(place: Place) -> None:
    ranks, fields = place.prefix + "z", place.prefix + "h"
    place.door.execute("ZADD", ranks, 1.5, "one", 2, "two")
    place.door.execute("HSET", fields, "a", 1, "b", b"2")
    assert place.door.execute("ZRANGE", ranks, 0, -1, "WITHSCORES") == [["one", 1.5], ["two", 2.0]]
    assert place.door.execute("HGETALL", fields) == {"a": "1", "b": "2"}
    assert place.door.execute("EXISTS", ranks) == 1


def test_many_commands_of_many_slots_are_answered_in_order(place: Place) -> None:
    keys = place.keys(50)
    assert place.door.execute_all([("SET", key, number) for number, key in enumerate(keys)]) == ["OK"] * 50
    assert place.door.execute_all([("GET", key) for key in keys]) == [str(number) for number in range(50)]
    assert len({slot_of(key) for key in keys}) > 40
    assert place.door.execute_all([]) == []


def test_many_commands_take_one_round_trip_per_node(place: Place) -> None:
    """Counted by the servers: the reads that brought commands. A replica's word, each second, is counted with them."""
    keys = place.keys(60)
    place.door.execute_all([("GET", key) for key in keys])
    fewest: dict[Any, int] = {}
    for _ in range(100):
        before = reads(place.door)
        place.door.execute_all([("SET", key, 1) for key in keys])
        after = reads(place.door)
        fewest = {node: min(after[node] - before[node], fewest.get(node, 1000)) for node in before}
        if max(fewest.values()) == 2:
            break
    # The first INFO was read after its own count was taken.
    assert set(fewest.values()) == {2}


def reads(door: RedisDoor) -> dict[Any, int]:
    """By node, how often it read from clients."""
    infos = door.execute_each("INFO", "stats")
    return {node: int(text.split("total_reads_processed:")[1].split("\r")[0]) for node, text in infos.items()}


def test_a_transaction_is_one(place: Place) -> None:
    key = f"{place.prefix}{tag('t')}:n"
    commands = [("INCR", key), ("INCR", key), ("GET", key)]
    assert place.door.execute_all(commands, atomic=True) == [1, 2, "2"]
    with pytest.raises(CacheRefused):
        place.door.execute_all([("INCR", key), ("LPUSH", key, 1)], atomic=True)
    with pytest.raises(ValueError, match="several slots"):
        place.door.execute_all([("INCR", key) for key in place.keys(2)], atomic=True)


def test_a_script_is_loaded_where_it_is_not_known(place: Place) -> None:
    """Told apart by a text of its own, which no server has seen."""
    script = script_of(f"-- {uuid.uuid4()}\nreturn {{KEYS[1], ARGV[1], redis.call('INCR', KEYS[1])}}")
    keys = place.keys(12)
    for round_ in (1, 2):
        answers = place.door.scripts([(script, [key], ["x", 5]) for key in keys])
        assert answers == [[key, "x", round_] for key in keys]
    assert place.door.script(script, [keys[0]], ["y"]) == [keys[0], "y", 3]
    mixed = place.door.execute_all([("GET", keys[1]), (script, [keys[1]], ["z"])])
    assert mixed == ["2", [keys[1], "z", 3]]


def test_keys_of_a_script_are_in_one_slot(place: Place) -> None:
    """Also where a single server would not mind."""
    with pytest.raises(ValueError, match="several slots"):
        place.door.script(script_of("return 1"), place.keys(2), [])


def test_a_command_redis_refuses_is_told_apart(place: Place) -> None:
    key, other = place.keys(2)
    place.door.execute("SET", key, "text")
    with pytest.raises(CacheRefused, match="WRONGTYPE"):
        place.door.execute("ZADD", key, 1, "member")
    first, second = place.door.attempt_all([("LPUSH", key, 1), ("SET", other, 1)])
    assert isinstance(first, CacheRefused)
    assert second == "OK"
    assert set(place.door.positions().values()) == {"closed"}
    with pytest.raises(TypeError):
        place.door.execute("SET", key, None)
    assert place.door.execute("GET", key) == "text"


def test_every_master_can_be_asked(place: Place) -> None:
    place.door.ping()
    masters = place.door.execute_each("PING")
    assert set(masters.values()) == {"PONG"}
    assert len(masters) == (3 if "," in place.urls else 1)


@pytest.mark.parametrize("value", ["text", 5, 1.5, True, [1, "two"], {"a": {"b": None}}])
def test_values_come_back_as_they_were(place: Place, value: Any) -> None:
    values = Values[Any](place.door, place.prefix, observer=place.seen)
    assert values.get("x") is None
    assert values.set("x", value, seconds=60)
    assert values.get("x") == value
    assert place.seen.lookups == {False: 1, True: 1}
    assert values.delete("x", "never there")
    assert values.get("x") is None


def test_many_values_in_many_slots(place: Place) -> None:
    """Some share a slot, some are not there."""
    values = Values[int](place.door, place.prefix, observer=place.seen)
    stored = {f"{tag(number % 7)}:{number}": number for number in range(60)}
    assert values.set_all(stored, seconds=60)
    assert values.get_all([*stored, "absent", f"{tag(3)}:absent"]) == stored
    assert place.seen.lookups == {True: 60, False: 2}
    gone = list(stored)[:40]
    assert values.delete(*gone)
    assert values.get_all(stored) == {name: number for name, number in stored.items() if name not in gone}


def test_values_expire(place: Place) -> None:
    values = Values[int](place.door, place.prefix)
    values.set_all({"short": 1, "long": 2}, seconds=90.5)
    values.set("long", 2, seconds=3600.0004)
    client = client_of(place.urls)
    assert 0 < client.pttl(place.prefix + "short") <= 90_500
    assert 90_500 < client.pttl(place.prefix + "long") <= 3_600_000
    client.close()
    with pytest.raises(ValueError, match="0 s"):
        values.set("never", 1, seconds=0)


def test_what_cannot_be_read_is_a_miss_and_counted(place: Place) -> None:
    values = Values[Any](place.door, place.prefix, observer=place.seen)
    place.door.execute_all([("SET", place.prefix + "a", "{no json"), ("LPUSH", place.prefix + "b", "a list")])
    values.set("c", 3, seconds=60)
    assert values.get_all(["a", "b", "c"]) == {"c": 3}
    assert (place.seen.undecodables, place.seen.lookups) == (1, {False: 2, True: 1})


def test_without_redis_everything_is_a_miss() -> None:
    values = Values[int](None, "x:")
    assert not values.set("a", 1, seconds=5)
    assert values.get("a") is None
    assert values.get_all(["a", "b"]) == {}
    assert not values.delete("a")


def test_a_closed_door_opens_again(place: Place) -> None:
    key, *_ = place.keys(1)
    place.door.execute("SET", key, 1)
    place.door.close()
    assert place.door.execute("GET", key) == "1"
