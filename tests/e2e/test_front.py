"""The local cloud's front, as players meet it: by TLS, each at the nearest region, all in one arena."""

import random
import ssl
import uuid
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.e2e.client import TOO_BUSY
from tests.e2e.conftest import Cloud
from tests.e2e.sockets import connected, say
from tests.integration.fronts.world import Answer, Client
from tests.localstack.running import eventually

NEAR = {"127.50.0.2": "us-east-1", "127.51.0.2": "eu-west-1", "127.52.0.2": "ap-southeast-1"}


ATTEMPTS = 10
LEFT_OUT_SECONDS = 150
"""A region that took too long is left out by the front for half a minute, and for another if it does so again."""


@pytest.fixture(scope="module")
def trust(cloud: Cloud) -> ssl.SSLContext:
    """Every region has answered through the front: on a busy machine a first answer takes longer than its 10 s."""
    found = ssl.create_default_context(cafile=str(cloud.state_dir / "data" / "front" / "front-ca.pem"))
    headers = cloud.sign_in(random.randrange(10**9, 2**40))
    for source in NEAR:
        answers = (ask(cloud, found, source, "/api/home", headers).status for _ in range(ATTEMPTS))
        assert any(status == 200 for status in answers)
    return found


def ask(
    cloud: Cloud, trust: ssl.SSLContext, source: str, path: str, headers: Mapping[str, str], body: object = None
) -> Answer:
    port = urlsplit(cloud.status["front"]).port
    assert port is not None
    method = "GET" if body is None else "POST"
    client = Client(port, source, trust)
    try:
        return client.ask(path, method, body, {"Content-Type": "application/json", **headers})
    except OSError as error:
        # The front may take as long for a battle as the client waits for an answer.
        return Answer(0, {}, str(error).encode())
    finally:
        client.close()


def answered_by(region: str, answer: Answer) -> bool:
    return answer.status == 200 and bool(answer.json["data"]["answeredBy"] == region)


def test_each_player_is_answered_by_the_nearest_region(cloud: Cloud, trust: ssl.SSLContext) -> None:
    headers = cloud.sign_in(random.randrange(10**9, 2**40))
    for source, region in NEAR.items():
        at_home = partial(ask, cloud, trust, source, "/api/home", headers)
        answer = eventually(at_home, partial(answered_by, region), seconds=LEFT_OUT_SECONDS)
        assert answer.headers["x-frame-options"] == "DENY"
    there = {**headers, "X-Arena-Region": "eu-west-1"}
    elsewhere = partial(ask, cloud, trust, "127.50.0.2", "/api/home", there)
    eventually(elsewhere, partial(answered_by, "eu-west-1"), seconds=LEFT_OUT_SECONDS)


def test_a_battle_through_the_front_is_one_everywhere(cloud: Cloud, trust: ssl.SSLContext) -> None:
    headers = cloud.sign_in(random.randrange(10**9, 2**40))

    def answered(source: str, path: str, body: object) -> Answer:
        """As a player does it: asked again while nobody has time."""
        return eventually(
            partial(ask, cloud, trust, source, path, headers, body),
            lambda found: found.status not in TOO_BUSY,
            seconds=LEFT_OUT_SECONDS,
        )

    broker = answered("127.50.0.3", "/api/brokers/starter", {}).json["data"]["_id"]
    battle = {"requestId": str(uuid.uuid4()), "brokerId": broker}
    answers = [answered(source, "/api/battle/run", battle) for source in NEAR]
    assert [answer.status for answer in answers] == [200] * len(NEAR)
    assert len({answer.json["data"]["score"] for answer in answers}) == 1
    assert cloud.database().battles.count_documents({"requestId": battle["requestId"]}) == 1


def test_results_come_through_the_front(cloud: Cloud, trust: ssl.SSLContext) -> None:
    signed = cloud.sign_in(random.randrange(10**9, 2**40))["X-Telegram-Init-Data"]
    address = cloud.status["front"].replace("https:", "wss:") + "/live"
    for source in NEAR:
        with connected(address, signed, ssl=trust, source_address=(source, 0)) as socket:
            assert say(socket, action="ping")["type"] == "pong"
