"""Instances that die, sicken and come back; requests that one of them spoils for no other client."""

import itertools
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from infra.fronts.figures import MAX_FAILS
from localcloud.mongod import TRANSACTION_LIFETIME_SECONDS
from tests.installed import init_data
from tests.integration.fronts.instances import FAILING, SICK, WELL, Running, instances
from tests.integration.fronts.world import KINDS, QUICK, Answer, Client, Started, front_of, started
from tests.localstack.running import eventually

PLAYERS = 24
THREADS = 4
PATIENCE_SECONDS = 60.0
CLIENTS = itertools.count(1)


def answered_by(front: Started, asked: int = 30) -> set[str]:
    """Who answers a client that has asked for nothing before: however often one looks, no limit is met."""
    number = next(CLIENTS)
    client = front.client(f"127.2.{number >> 8 & 255}.{number & 255}")
    return {client.ask("/api/seen").headers.get("x-instance", "nobody") for _ in range(asked)}


def broker_of(front: Started, player: int) -> str:
    answer = front.client(f"127.1.0.{player}").ask("/api/brokers/starter", "POST", {}, signed(player))
    assert answer.status == 201, answer
    return str(answer.json["data"]["_id"])


def signed(player: int) -> dict[str, str]:
    return {"X-Telegram-Init-Data": init_data(8000 + player, datetime.now(UTC)), "Content-Type": "application/json"}


def fight(client: Client, player: int, broker: str, request: str) -> Answer:
    """A battle as a game's client asks for it: by one requestId, again where it is told to.

    A killed instance's open transaction keeps its broker until MongoDB ends it: the front has a living instance try
    the battle again, and that one can only say 503 until then.
    """
    battle = {"requestId": request, "brokerId": broker, "modeKey": "prediction"}
    for _ in range(2 * TRANSACTION_LIFETIME_SECONDS):
        answer = client.ask("/api/battle/run", "POST", battle, signed(player))
        if answer.status != 503:
            break
        assert answer.json["error"]["code"] == "database_unavailable"
        time.sleep(int(answer.headers["retry-after"]))
    return answer


@pytest.mark.parametrize("kind", KINDS)
def test_an_instance_killed_fails_no_battle_and_no_read(
    kind: str, settings: dict[str, str], mongo_client: MongoClient[dict[str, Any]]
) -> None:
    with instances(["one", "two", "three"], settings) as running, started(kind, front_of(running)) as (front,):
        base = 1 if kind == "nginx" else PLAYERS + 1
        players = range(base, base + PLAYERS)
        brokers = {player: broker_of(front, player) for player in players}
        requests = {player: str(uuid.uuid4()) for player in players}
        fought, served_by_two, killed = threading.Semaphore(0), threading.Event(), threading.Event()

        def fight_and_read(player: int) -> list[Answer]:
            client = front.client(f"127.1.1.{player}")
            answers = [fight(client, player, brokers[player], requests[player])]
            fought.release()
            if answers[0].headers.get("x-instance") == "two":
                served_by_two.set()
            return [*answers, *(client.ask("/api/economy/me", headers=signed(player)) for _ in range(4))]

        def kill() -> None:
            for _ in range(PLAYERS // 3):
                assert fought.acquire(timeout=PATIENCE_SECONDS)
            # By then the victim has mostly fought a battle; one that was held up is waited for.
            assert served_by_two.wait(PATIENCE_SECONDS)
            running[1].kill()
            killed.set()

        killer = threading.Thread(target=kill)
        killer.start()
        with ThreadPoolExecutor(THREADS) as pool:
            found = [answer for answers in pool.map(fight_and_read, players) for answer in answers]
        killer.join()
        assert killed.is_set()
        assert [answer.status for answer in found] == [200] * (PLAYERS * 5)
        served = {answer.headers["x-instance"] for answer in found}
        assert served == {"one", "two", "three"}
        battles = mongo_client[settings["MONGO_DATABASE"]]["battles"]
        stored = [one["requestId"] for one in battles.find({"requestId": {"$in": list(requests.values())}})]
        assert sorted(stored) == sorted(requests.values())


def test_haproxy_takes_a_sick_instance_out_and_back(three: list[Running]) -> None:
    with started("haproxy", front_of(three, **QUICK)) as (front,):
        eventually(lambda: answered_by(front) == {"one", "two", "three"}, seconds=PATIENCE_SECONDS)
        three[0].state.value = SICK
        try:
            eventually(lambda: answered_by(front, 3) <= {"two", "three"}, seconds=PATIENCE_SECONDS)
            # Nor comes it back; one of the others may be too slow for a check now and then.
            eventually(lambda: answered_by(front) == {"two", "three"}, seconds=PATIENCE_SECONDS)
        finally:
            three[0].state.value = WELL
        eventually(lambda: "one" in answered_by(front, 3), seconds=PATIENCE_SECONDS)


def test_nginx_gives_no_instance_up_for_good_when_all_fail(three: list[Running]) -> None:
    """Of the guide's list of what is passed on, 500 counts as the server's failure: one client's three requests that
    fail everywhere would leave nobody to ask for 30 s."""
    with started("nginx", front_of(three)) as (front,):
        client = front.client("127.3.0.4")
        for one in three:
            one.state.value = FAILING
        try:
            spoiled = [client.ask("/api/seen").status for _ in range(MAX_FAILS + 2)]
        finally:
            for one in three:
                one.state.value = WELL
        assert set(spoiled) == {500}
        answers = [client.ask("/api/seen") for _ in range(9)]
        assert {answer.status for answer in answers} == {200}
        posted = client.ask("/api/seen", "POST", {"x": 1})
        assert (posted.status, posted.json["method"]) == (200, "POST")


def test_nginx_repeats_only_what_may_be_repeated(three: list[Running]) -> None:
    with started("nginx", front_of(three)) as (front,):
        three[0].state.value = FAILING
        try:
            client = front.client("127.3.0.5")
            # Found by whichever comes to it: a GET goes on to the next, a POST's answer is the client's.
            posts = [client.ask("/api/seen", "POST", {}).status for _ in range(3)]
            reads = [client.ask("/api/seen").status for _ in range(6)]
        finally:
            three[0].state.value = WELL
        assert sorted(posts) == [200, 200, 500]
        assert set(reads) == {200}
