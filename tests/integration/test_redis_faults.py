"""A door whose server misbehaves: no call takes longer than its budget, and nobody asks more than they should."""

import dataclasses
import datetime
import ipaddress
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier, Event

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.cache.breaker import BreakerRules
from chalicelib.cache.door import CacheUnavailable, DoorLimits, RedisDoor
from chalicelib.cache.links import Link, Resolver, read_urls
from chalicelib.cache.nodes import Node
from chalicelib.cache.values import Values
from localcloud.drill import Drill
from localcloud.ports import free_ports
from localcloud.valkey import Valkey
from tests.ending import set_at_the_end
from tests.fakes.cache_observer import Observed
from tests.redis_doors import door_to, eventually
from tests.scripted_redis import Answer, ScriptedRedis, Send, after_hello, dripping, hang_up, silence
from tests.servers import supervised

BUDGET = 0.3
LIMITS = DoorLimits(budget_seconds=BUDGET, connections_per_node=2)
SLACK = 2.0
"""For the scheduler of a busy test machine. What keeps to no budget takes longer than both, or for ever."""
ENOUGH = DoorLimits(budget_seconds=1.5, connections_per_node=2)
"""For a command to reach the server, whatever else the machine does."""


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Seconds, and the answer or the CacheUnavailable."""
    started = time.monotonic()
    answer: object
    try:
        answer = call()
    except CacheUnavailable as error:
        answer = error
    return time.monotonic() - started, answer


def moved_to(target: list[int], seconds: float) -> Answer:
    """Sends the client on to the port in ``target``, slowly."""

    def answer(command: list[str], send: Send) -> None:
        time.sleep(seconds)
        send(f"-MOVED 1 127.0.0.1:{target[0]}\r\n".encode())

    return after_hello(answer)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silence, id="accepts and never answers"),
        pytest.param(after_hello(silence), id="greets and never answers"),
        pytest.param(dripping(0.15), id="a byte now and then"),
        pytest.param(after_hello(dripping(0.15)), id="greets, then a byte now and then"),
        pytest.param(hang_up, id="hangs up"),
        pytest.param(after_hello(hang_up), id="greets and hangs up"),
    ],
)
@pytest.mark.parametrize("cluster", [False, True])
def test_no_call_takes_longer_than_its_budget(answer: Answer, cluster: bool) -> None:
    with ScriptedRedis(answer) as server:
        door = door_to(server.url, limits=LIMITS, cluster=cluster)
        for _ in range(4):
            seconds, found = timed(lambda: door.execute("GET", "x"))
            assert isinstance(found, CacheUnavailable)
            assert seconds < BUDGET + SLACK, found.reason
        door.close()


def test_redirections_share_the_budget() -> None:
    """Two nodes that send the caller to each other, each answering in time."""
    first, second = [0], [0]
    with ScriptedRedis(moved_to(second, 0.25)) as one, ScriptedRedis(moved_to(first, 0.25)) as other:
        first[0], second[0] = one.port, other.port
        door = door_to(one.url, limits=LIMITS, cluster=False)
        seconds, found = timed(lambda: door.execute("GET", "x"))
        assert isinstance(found, CacheUnavailable)
        assert seconds < BUDGET + SLACK
        assert one.commands("GET") + other.commands("GET") <= 2
        door.close()


def test_redirections_end() -> None:
    """However quick they are."""
    first, second = [0], [0]
    with ScriptedRedis(moved_to(second, 0)) as one, ScriptedRedis(moved_to(first, 0)) as other:
        first[0], second[0] = one.port, other.port
        door = door_to(one.url, cluster=False)
        with pytest.raises(CacheUnavailable, match="too often"):
            door.execute("GET", "x")
        assert one.commands("GET") + other.commands("GET") == 5
        door.close()


def test_a_name_that_is_not_found_in_time_keeps_to_the_budget() -> None:
    """The system's resolver may take seconds; here it does."""

    answered = Event()

    def slow(address: tuple[str, int]) -> list[object]:
        answered.wait(30)
        raise OSError("no such name")

    addresses, access = read_urls(["redis://cache.test:6379"])
    resolve = Resolver(look_up=slow)
    door = RedisDoor(addresses, lambda address: Link(address, access, resolve), cluster=False, limits=LIMITS)
    with set_at_the_end(answered):
        seconds, found = timed(lambda: door.execute("GET", "x"))
    assert isinstance(found, CacheUnavailable)
    assert seconds < BUDGET + SLACK


def test_a_command_is_sent_once() -> None:
    """A lost connection says nothing about whether it was done."""
    with ScriptedRedis(after_hello(hang_up)) as server:
        door = door_to(server.url, cluster=False)
        with pytest.raises(CacheUnavailable):
            door.execute("INCR", "x")
        assert server.commands("INCR") == 1
        door.close()


def test_a_master_that_became_a_replica_is_connected_to_anew() -> None:
    """The name it was reached by may have moved on to its successor."""

    def demoted(command: list[str], send: Send) -> None:
        send(b"-READONLY You can't write against a read only replica.\r\n" if command[0] == "SET" else b"_\r\n")

    with ScriptedRedis(after_hello(demoted)) as server:
        door = door_to(server.url, cluster=False)
        for _ in range(2):
            with pytest.raises(CacheUnavailable, match="READONLY"):
                door.execute("SET", "a", 1)
        assert server.accepted == 2
        assert door.execute("GET", "a") is None
        door.close()


def test_a_dead_server_is_left_alone_and_probed_by_one_caller_at_a_time() -> None:
    """Two failures open the breaker; when its time is over, one of eight callers asks and seven are refused."""
    now, seen = [100.0], Observed()
    with ScriptedRedis(after_hello(silence)) as server:
        door = door_to(server.url, limits=ENOUGH, cluster=False, now=lambda: now[0], observer=seen)
        for _ in range(10):
            timed(lambda: door.execute("GET", "x"))
        eventually("both were heard", lambda: server.commands("GET") == 2)
        assert seen.commands == {("GET", "error"): 2, ("GET", "refused"): 8}
        now[0] += 2 * BreakerRules().open_seconds
        start = Barrier(8, timeout=60)

        def ask() -> tuple[float, object]:
            start.wait()
            return timed(lambda: door.execute("GET", "x"))

        with ThreadPoolExecutor(8) as pool:
            answers = [future.result() for future in [pool.submit(ask) for _ in range(8)]]
        eventually("the probe was heard", lambda: server.commands("GET") == 3)
        (asked,) = [seconds for seconds, found in answers if isinstance(found, CacheUnavailable) and found.tried]
        refused = [seconds for seconds, found in answers if isinstance(found, CacheUnavailable) and not found.tried]
        assert len(refused) == 7
        assert max(refused) < asked, "somebody waited who was to be refused at once"
        assert [state for _, state in seen.breakers] == ["open", "half-open", "open"]
        door.close()


def test_a_server_that_dies_is_missed_and_found_again() -> None:
    """Nothing is raised but the door's own error, values are misses, and a probe closes the breaker."""
    now, seen = [0.0], Observed()
    with supervised() as (_, state):
        valkey = Valkey(free_ports(1)[0])
        server = valkey.server(state)
        with Drill(state, [server]) as drill:
            door = door_to(valkey.uri, now=lambda: now[0], observer=seen)
            values = Values[int](door, "v:", observer=seen)
            assert values.set("a", 1, seconds=60)
            drill.kill(server.name)
            assert [values.get("a") for _ in range(5)] == [None] * 5
            assert not values.set("a", 2, seconds=60)
            drill.start(server.name)
            assert values.get("a") is None
            now[0] += 2 * BreakerRules().open_seconds
            assert values.set("a", 3, seconds=60)
            assert values.get("a") == 3
            assert [state for _, state in seen.breakers] == ["open", "half-open", "closed"]
            door.close()


def test_a_server_that_was_restarted_meanwhile_costs_nothing() -> None:
    """The door sees that its idle connection has ended before it sends anything."""
    with supervised() as (_, state):
        valkey = Valkey(free_ports(1)[0])
        server = valkey.server(state)
        with Drill(state, [server]) as drill:
            door = door_to(valkey.uri)
            door.execute("SET", "a", 1)
            drill.kill(server.name)
            drill.start(server.name)
            assert door.execute("GET", "a") is None
            door.close()


def test_no_more_connections_than_stated() -> None:
    """Ten threads on one door: the others wait."""

    def slowly(command: list[str], send: Send) -> None:
        time.sleep(0.03)
        send(b"+OK\r\n")

    with ScriptedRedis(after_hello(slowly)) as server:
        door = door_to(server.url, limits=DoorLimits(budget_seconds=5, connections_per_node=2))
        with ThreadPoolExecutor(10) as pool:
            assert list(pool.map(lambda _: door.execute("SET", "a", 1), range(10))) == ["OK"] * 10
        assert server.accepted == 2
        door.close()


def test_a_connection_is_not_waited_for_beyond_the_budget() -> None:
    """Every connection of the node is in use."""
    with ScriptedRedis(silence) as server:
        addresses, access = read_urls([server.url])
        node = Node(
            addresses[0],
            1,
            partial(Link, access=access, resolve=Resolver()),
            BreakerRules(),
            Observed(),
            time.monotonic,
        )
        link = node.take(time.monotonic())
        assert link is not None
        assert node.take(time.monotonic() + 0.01) is None
        node.give_back(link)
        assert node.take(time.monotonic()) is not None


def test_user_and_password_serve_for_every_connection() -> None:
    """And a wrong one is a cache that is not there."""
    with supervised() as (supervisor, state):
        valkey = Valkey(free_ports(1)[0])
        server = valkey.server(state)
        users = ("--user", "arena", "on", ">s3cr3t,@x", "~*", "+@all", "--user", "default", "on", "nopass", "+ping")
        supervisor.start([dataclasses.replace(server, command=[*server.command, *users])])
        for user, answer in (("arena:s3cr3t%2C%40x", "OK"), ("arena:wrong", None)):
            door = door_to(f"redis://{user}@127.0.0.1:{valkey.port}/0")
            _, found = timed(lambda door=door: door.execute("SET", "a", 1))  # type: ignore[misc]
            assert found == answer or (answer is None and isinstance(found, CacheUnavailable))
            assert "s3cr3t" not in repr(found)
            door.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "arena test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


def test_encrypted_connections(certificate: Path) -> None:
    """The certificate is checked, the password goes with the greeting, and a handshake keeps to the budget."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ScriptedRedis(after_hello(lambda command, send: send(b"$4\r\nsafe\r\n")), tls) as server:
        where = f"rediss://:secret@127.0.0.1:{server.port}"
        trusting = door_to(f"{where}?ssl_ca_certs={certificate}")
        assert trusting.execute("GET", "x") == "safe"
        assert ["HELLO", "3", "AUTH", "default", "secret"] in server.heard
        anyone = door_to(f"{where}?ssl_cert_reqs=none")
        assert anyone.execute("GET", "x") == "safe"
        doubting = door_to(where)
        with pytest.raises(CacheUnavailable, match="certificate"):
            doubting.execute("GET", "x")
        for door in (trusting, anyone, doubting):
            door.close()
    with ScriptedRedis(silence) as plain:
        door = door_to(f"rediss://127.0.0.1:{plain.port}", limits=LIMITS)
        seconds, found = timed(lambda: door.execute("GET", "x"))
        assert isinstance(found, CacheUnavailable)
        assert seconds < BUDGET + SLACK
