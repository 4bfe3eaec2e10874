"""Geographic fronts: which region answers whom, and who takes over from one that is ill or gone. Several balancers."""

import http.client
from collections.abc import Iterator, Mapping

import pytest
from websockets.sync.client import connect

from infra.fronts.geography import TEST_NETWORKS
from infra.fronts.model import Checks, Front, Pool, Region, Server
from localcloud.ports import LOOPBACK
from tests.integration.fronts.instances import SICK, WELL, Running, instances
from tests.integration.fronts.test_failover import PATIENCE_SECONDS
from tests.integration.fronts.world import KINDS, QUICK, Answer, Client, Started, front_of, started
from tests.localstack.running import eventually

REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


GUIDE: dict[str, Checks] = {}
"""The guide's checks: too slow to notice anything while a test lasts."""


def world(running: list[Running], **checks: Checks) -> Front:
    """Each region's API under a prefix of its own, as in the local cloud."""
    regions = []
    for name, one in zip(REGIONS, running, strict=True):
        servers = (Server(LOOPBACK, one.port),)
        api = Pool(servers=servers, prefix=f"/api/seen/{name}", host="api.test")
        regions.append(Region(name=name, api=api, websocket=Pool(servers=servers)))
    return front_of((), regions=tuple(regions), areas_by_network=TEST_NETWORKS, **checks)


@pytest.fixture(scope="module")
def running() -> Iterator[list[Running]]:
    with instances(REGIONS) as found:
        yield found


@pytest.fixture(scope="module", params=KINDS)
def front(request: pytest.FixtureRequest, running: list[Running]) -> Iterator[Started]:
    with started(request.param, world(running, **GUIDE)) as (one,):
        yield one


def region_of(front: Started, source: str = LOOPBACK, headers: Mapping[str, str] | None = None) -> str:
    answer = front.client(source).ask("/api/x", headers=headers)
    assert answer.status == 200, answer
    region = answer.headers["x-instance"]
    assert answer.json["path"] == f"/api/seen/{region}/api/x"
    return region


@pytest.mark.parametrize(
    ("source", "headers", "region"),
    [
        (LOOPBACK, {}, "us-east-1"),
        (LOOPBACK, {"CF-IPCountry": "BR"}, "us-east-1"),
        (LOOPBACK, {"CF-IPCountry": "DE"}, "eu-west-1"),
        (LOOPBACK, {"CF-IPCountry": "NG"}, "eu-west-1"),
        (LOOPBACK, {"CF-IPCountry": "IN"}, "ap-southeast-1"),
        (LOOPBACK, {"CF-IPCountry": "XX"}, "us-east-1"),
        ("127.51.0.9", {}, "eu-west-1"),
        ("127.53.0.9", {"CF-IPCountry": "DE"}, "ap-southeast-1"),
        ("127.53.0.9", {"X-Arena-Region": "eu-west-1"}, "eu-west-1"),
        ("127.53.0.9", {"X-Arena-Region": "mars"}, "ap-southeast-1"),
    ],
)
def test_the_region_named_counts_then_the_network_then_the_country(
    front: Started, source: str, headers: Mapping[str, str], region: str
) -> None:
    assert region_of(front, source, headers) == region


def test_websockets_go_to_the_same_region(front: Started) -> None:
    url = f"ws://{LOOPBACK}:{front.front.http_port}/live"
    for source, region in (("127.50.0.3", "us-east-1"), ("127.51.0.3", "eu-west-1"), ("127.52.0.3", "ap-southeast-1")):
        with connect(url, source_address=(source, 0), open_timeout=PATIENCE_SECONDS) as socket:
            assert str(socket.recv(timeout=PATIENCE_SECONDS)).split()[0] == region


def test_an_instance_behind_two_hops_sees_the_client(front: Started) -> None:
    seen = front.client("127.51.0.4").ask("/api/x", headers={"X-Request-Id": "mine"}).json["headers"]
    assert (seen["x-forwarded-for"], seen["x-real-ip"]) == ("127.51.0.4", "127.51.0.4")
    assert (seen["host"], seen["x-request-id"]) == ("api.test", "mine")


def test_haproxy_sends_a_sick_region_s_clients_to_the_next_and_takes_them_back(running: list[Running]) -> None:
    with started("haproxy", world(running, **QUICK)) as (front,):

        def sends(source: str, region: str) -> None:
            # Who is too slow for its checks is passed over as well, for as long: 503 where all are.
            def sent() -> bool:
                return front.client(source).ask("/api/x").headers.get("x-instance") == region

            eventually(sent, seconds=PATIENCE_SECONDS)

        sends("127.52.0.5", "ap-southeast-1")
        running[2].state.value = SICK
        try:
            sends("127.52.0.5", "eu-west-1")
            sends("127.53.0.5", "us-east-1")
            sends("127.51.0.5", "eu-west-1")
        finally:
            running[2].state.value = WELL
        sends("127.52.0.5", "ap-southeast-1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_that_is_gone_is_replaced_by_the_next(kind: str) -> None:
    with instances(REGIONS) as own, started(kind, world(own, **GUIDE)) as (front,):
        assert region_of(front, "127.51.0.6") == "eu-west-1"
        own[1].kill()
        client = front.client("127.51.0.6")
        found = [_asked(client) for _ in range(20)]
        # HAProxy repeats within a back end, and a region is one: a request's three tries are what it finds out by.
        # One on a connection that was still open is no refused connection, and a second request is needed.
        # And none fails where its checks, the guide's, have found out meanwhile: the machine may keep us waiting.
        failed = [answer.status if answer else 503 for answer in found if not answer or answer.status != 200]
        assert failed in ([[]] if kind == "nginx" else [[], [503], [503, 503]])
        served = {answer.headers["x-instance"] for answer in found if answer and answer.status == 200}
        # nginx takes the others in turn.
        assert served == ({"us-east-1", "ap-southeast-1"} if kind == "nginx" else {"us-east-1"})


def _asked(client: Client) -> Answer | None:
    """None where the connection is closed without a word, as by HAProxy.

    That is its 503 where the first try was on a connection it had kept, and the others were refused.
    """
    try:
        return client.ask("/api/x")
    except http.client.RemoteDisconnected:
        return None


def test_of_two_balancers_one_is_killed(three: list[Running]) -> None:
    """As clients do with two addresses of one name: who is not answered by the first asks the second."""
    with started("haproxy", front_of(three), front_of(three)) as balancers:
        clients = [one.client("127.54.0.1") for one in balancers]
        failed = 0
        for number in range(60):
            if number == 20:
                balancers[0].drill.kill(balancers[0].name)
            for client in (clients[number % 2], clients[1 - number % 2]):
                try:
                    assert client.ask("/api/seen").status == 200
                    break
                except (OSError, http.client.HTTPException):
                    continue
            else:
                failed += 1
        assert failed == 0
