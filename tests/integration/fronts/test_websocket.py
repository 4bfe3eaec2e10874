"""WebSockets through the fronts: echoed, kept apart from requests, and at one instance for one client."""

from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from infra.fronts.model import Pool, Region, Server
from localcloud.ports import LOOPBACK
from tests.integration.fronts.instances import Running
from tests.integration.fronts.world import KINDS, Started, front_of, started
from tests.websockets import PATIENCE_SECONDS, DirectFunctions, running_gateway

CLIENTS = 12


@pytest.fixture(scope="module", params=KINDS)
def front(request: pytest.FixtureRequest, three: list[Running]) -> Iterator[Started]:
    with started(request.param, front_of(three)) as (one,):
        yield one


def greeting(front: Started, source: str, path: str = "/live?initData=x") -> tuple[str, str]:
    """The instance that took a WebSocket, and the path it was asked for."""
    with connect(
        f"ws://{LOOPBACK}:{front.front.http_port}{path}", source_address=(source, 0), open_timeout=PATIENCE_SECONDS
    ) as socket:
        instance, _, asked = str(socket.recv(timeout=PATIENCE_SECONDS)).partition(" ")
        for text in ("first", "second"):
            socket.send(text)
            assert socket.recv(timeout=PATIENCE_SECONDS) == text
    return instance, asked


def test_a_websocket_is_echoed_whatever_its_path(front: Started) -> None:
    # Under /api/ HAProxy of the guide would have taken it for a request.
    for path in ("/live?initData=x", "/api/live", "/api/battle/live"):
        assert greeting(front, "127.0.8.1", path)[1] == path


def test_a_client_comes_to_one_instance_and_clients_are_spread(front: Started) -> None:
    first = {source: greeting(front, source)[0] for source in (f"127.0.8.{n}" for n in range(10, 10 + CLIENTS))}
    again = {source: greeting(front, source)[0] for source in first}
    assert again == first
    assert len(set(first.values())) > 1


def test_balancers_agree_about_a_client_s_instance(three: list[Running]) -> None:
    """A client whose balancer is lost finds its instance again by another one."""
    for kind in KINDS:
        with started(kind, front_of(three), front_of(three)) as (one, other):
            for source in (f"127.0.8.{n}" for n in range(40, 40 + CLIENTS)):
                assert greeting(one, source)[0] == greeting(other, source)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_the_arena_s_gateway_is_reached_at_its_own_address(kind: str, three: list[Running]) -> None:
    functions = DirectFunctions({"$connect": _admitted, "$default": _echoed, "$disconnect": _admitted}, [])
    with running_gateway(functions) as address:
        host, _, port = address.partition(":")
        gateway = Pool(servers=(Server(host, int(port)),), prefix="/us-east-1", host=address, health="/_health")
        api = Pool(servers=(Server(LOOPBACK, three[0].port),))
        region = Region(name="us-east-1", api=api, websocket=gateway)
        front = front_of((), regions=(region,))
        url = f"ws://{LOOPBACK}:{front.http_port}/anything?initData=signed"
        with started(kind, front), connect(url, open_timeout=PATIENCE_SECONDS) as socket:
            socket.send("hello")
            assert socket.recv(timeout=PATIENCE_SECONDS) == "hello"
    (route, event), *_ = functions.events
    assert route == "$connect"
    assert event["queryStringParameters"] == {"initData": "signed"}


def _admitted(_event: Any, _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": ""}


def _echoed(event: Any, _context: object) -> dict[str, Any]:
    return {"statusCode": 200, "body": event["body"]}
