"""The management API's adapter, on moto and on the local gateway."""

import contextlib
from collections.abc import Iterator
from urllib.parse import unquote

import boto3
import pytest
from moto import mock_aws
from moto.apigatewaymanagementapi.models import apigatewaymanagementapi_backends
from websockets.exceptions import ConnectionClosed

from chalicelib.arena.live_ports import Delivery
from chalicelib.messaging.connections_api import ManagementApi
from localcloud.ports import free_ports
from tests.websockets import PATIENCE_SECONDS, REGION, DirectFunctions, client, running_gateway

AWS_ENDPOINT = "https://abc123.execute-api.us-east-1.amazonaws.com/api"


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def api(faults: list[str], monkeypatch: pytest.MonkeyPatch) -> ManagementApi:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return ManagementApi(REGION, faults.append, budget_seconds=PATIENCE_SECONDS, read_seconds=PATIENCE_SECONDS)


@pytest.fixture
def functions() -> DirectFunctions:
    fine = {"statusCode": 200}
    return DirectFunctions(
        {route: lambda _event, _context: fine for route in ("$connect", "$default", "$disconnect")}, []
    )


@pytest.fixture
def gateway(functions: DirectFunctions) -> Iterator[str]:
    with running_gateway(functions) as address:
        yield address


def connection_of(functions: DirectFunctions, gateway: str) -> dict[str, str]:
    """The newest connection, as stored."""
    name = functions.events[-1][1]["requestContext"]["connectionId"]
    return {"_id": name, "endpoint": f"http://{gateway}/{REGION}"}


def test_moto_gets_what_is_posted_and_a_deleted_connection_is_deleted(api: ManagementApi, faults: list[str]) -> None:
    connections = [{"_id": name, "endpoint": AWS_ENDPOINT} for name in ("AbC=", "DeF=")]
    with mock_aws():
        assert api.post(connections, '{"n":"ä"}') == {"AbC=": Delivery.DELIVERED, "DeF=": Delivery.DELIVERED}
        held = apigatewaymanagementapi_backends["123456789012"][REGION].connections
        assert {unquote(name): connection.data.decode() for name, connection in held.items()} == {
            "AbC=": '{"n":"ä"}',
            "DeF=": '{"n":"ä"}',
        }
        api.close(connections[0])
        assert {unquote(name) for name in held} == {"DeF="}
    assert faults == []


def test_the_local_gateway_delivers_and_says_who_is_gone(
    api: ManagementApi, functions: DirectFunctions, gateway: str, faults: list[str]
) -> None:
    with client(f"ws://{gateway}/{REGION}") as socket:
        there = connection_of(functions, gateway)
        gone = {**there, "_id": "Gone-Gone-Gone="}
        assert api.post([there, gone], '{"n":"ä"}') == {
            there["_id"]: Delivery.DELIVERED,
            gone["_id"]: Delivery.GONE,
        }
        assert socket.recv(timeout=PATIENCE_SECONDS) == '{"n":"ä"}'
        assert api.post([], "x") == {}
        api.close(there)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=PATIENCE_SECONDS)
        assert api.post([there], "late") == {there["_id"]: Delivery.GONE}
        api.close(there)
    assert faults == []


def test_the_local_gateway_describes_a_connection_and_refuses_what_is_too_long(
    api: ManagementApi, functions: DirectFunctions, gateway: str, faults: list[str]
) -> None:
    with client(f"ws://{gateway}/{REGION}"):
        there = connection_of(functions, gateway)
        service = boto3.client("apigatewaymanagementapi", region_name=REGION, endpoint_url=there["endpoint"])
        found = service.get_connection(ConnectionId=there["_id"])
        assert found["Identity"]["SourceIp"] == "127.0.0.1"
        assert found["ConnectedAt"] <= found["LastActiveAt"]
        assert api.post([there], "x" * (128 * 1024)) == {there["_id"]: Delivery.DELIVERED}
        assert api.post([there], "x" * (128 * 1024 + 1)) == {there["_id"]: Delivery.FAILED}
    assert faults == ["PayloadTooLargeException"]


def test_an_endpoint_nobody_answers_at_fails_and_holds_up_nobody(
    api: ManagementApi, functions: DirectFunctions, gateway: str, faults: list[str]
) -> None:
    with client(f"ws://{gateway}/{REGION}") as socket:
        there = connection_of(functions, gateway)
        lost = [{"_id": f"lost{n}", "endpoint": f"http://127.0.0.1:{free_ports(1)[0]}/x"} for n in range(3)]
        outcomes = api.post([*lost, there], "hello")
        assert [outcomes[c["_id"]] for c in (*lost, there)] == [Delivery.FAILED] * 3 + [Delivery.DELIVERED]
        assert socket.recv(timeout=PATIENCE_SECONDS) == "hello"
    assert faults == ["EndpointConnectionError"] * 3


def test_what_does_not_begin_in_time_fails(functions: DirectFunctions, faults: list[str]) -> None:
    api = ManagementApi(REGION, faults.append, budget_seconds=-1)
    assert api.post([{"_id": "a", "endpoint": AWS_ENDPOINT}], "x") == {"a": Delivery.FAILED}
    assert faults == ["out of time"]


def test_many_connections_are_told_at_once(
    api: ManagementApi, functions: DirectFunctions, gateway: str, faults: list[str]
) -> None:
    with contextlib.ExitStack() as opened:
        sockets, connections = [], []
        for _ in range(20):
            sockets.append(opened.enter_context(client(f"ws://{gateway}/{REGION}")))
            connections.append(connection_of(functions, gateway))
        assert set(api.post(connections, "all of you").values()) == {Delivery.DELIVERED}
        assert [socket.recv(timeout=PATIENCE_SECONDS) for socket in sockets] == ["all of you"] * 20
    assert faults == []
