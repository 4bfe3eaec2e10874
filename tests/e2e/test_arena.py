"""The whole arena as a new user meets it: three regions, battles through API Gateway and the alias."""

import json
import random
import re
import shlex
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psutil
import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database
from redis import RedisCluster

from infra.cli.local import CHECKOUT
from tests.e2e.client import ask, send, some_address
from tests.e2e.conftest import Cloud
from tests.ending import set_at_the_end
from tests.gateway import Answer
from tests.localstack.running import eventually
from tests.told_commands import told_commands

RUNBOOKS = CHECKOUT / "docs" / "runbooks"
LOOKS = re.compile(
    r"\./arena (scaling (show|evaluate --dry-run)|replication (verify|lag|conflicts|deadletters|replay .*--dry-run)"
    r"|failover .*--dry-run|regions|operator-token|backup( list| verify)?)( --regions? [a-z0-9,-]+| --moves)*"
)
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
LONGEST_LIFE_SECONDS = 20.0


def looks() -> dict[str, list[str]]:
    """Of each runbook the commands that change nothing but a backup; each once, where it is first said."""
    pages: dict[str, list[str]] = {}
    for page in sorted(RUNBOOKS.glob("*.md")):
        said = dict.fromkeys(one.text for one in told_commands(page.read_text(encoding="utf-8")))
        earlier = {command for commands in pages.values() for command in commands}
        new = [command for command in said if LOOKS.fullmatch(command) and command not in earlier]
        if new:
            pages[page.stem] = new
    return pages


def starter(cloud: Cloud, user: int, region: str = "us-east-1") -> str:
    answer = ask("POST", f"{cloud.api(region)}/api/brokers/starter", {}, cloud.sign_in(user))
    assert answer.status == 201, answer.text
    return str(answer.json["data"]["_id"])


def fight(
    cloud: Cloud, user: int, broker: str, request_id: str | None = None, way: Callable[..., Answer] = ask
) -> Answer:
    body = {"requestId": request_id or str(uuid.uuid4()), "brokerId": broker}
    return way("POST", f"{cloud.api()}/api/battle/run", body, cloud.sign_in(user))


def ledger_sums(
    database: Database[dict[str, Any]], users: list[str], moment: ClientSession | None = None
) -> dict[str, int]:
    rows = database.ledgerentries.find({"telegramId": {"$in": users}, "currency": "AIBA"}, session=moment)
    sums = dict.fromkeys(users, 0)
    for row in rows:
        sums[row["telegramId"]] += row["amount"] if row["direction"] == "credit" else -row["amount"]
    return sums


def balances(
    database: Database[dict[str, Any]], users: list[str], moment: ClientSession | None = None
) -> dict[str, int]:
    found = database.users.find({"telegramId": {"$in": users}}, session=moment)
    return {user["telegramId"]: user["aibaBalance"] for user in found}


def test_status_has_the_promised_shape(cloud: Cloud) -> None:
    status = cloud.status
    assert set(status) == {
        *("tier", "instances", "missing", "regions", "front", "fronts", "console", "redis", "localstack"),
    }
    assert (status["tier"], status["instances"], status["missing"]) == ("development", [1, 3], None)
    assert tuple(status["regions"]) == REGIONS
    assert len(status["redis"]) == 6
    assert status["console"] == status["regions"]["us-east-1"]["api"] + "/console"
    for name, region in status["regions"].items():
        assert set(region) == {
            *("api", "health", "websocket", "provisioned", "mongo", "database", "redis", "backups"),
        }
        assert region["websocket"].endswith(f"/{name}")
        assert region["health"] == region["api"] + "/health"
        # The controller may have moved it by then.
        assert region["provisioned"] in range(1, 4)
        assert region["database"] == "aiba_" + name.replace("-", "_")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_is_healthy_with_its_own_database(cloud: Cloud, region: str) -> None:
    health = ask("GET", f"{cloud.api(region)}/health")
    assert (health.status, health.json["ok"]) == (200, True)
    all_up = {"mongodb": "up", "redis": "up"}
    ready = eventually(
        lambda: ask("GET", f"{cloud.api(region)}/health/ready").data, lambda found: found["dependencies"] == all_up
    )
    assert ready["environment"]["region"] == region


@pytest.mark.parametrize("region", REGIONS)
def test_calls_are_answered_by_a_provisioned_environment(cloud: Cloud, region: str) -> None:
    # An earlier call that nobody waits for any more may still keep the one environment busy: then the next spills over.
    environment = eventually(
        lambda: ask("GET", f"{cloud.api(region)}/health/ready").json["data"]["environment"],
        lambda found: found["initializationType"] == "provisioned-concurrency",
    )
    assert environment["functionVersion"].isdecimal()
    kinds = [its["AWS_LAMBDA_INITIALIZATION_TYPE"] for _, its in cloud.environments(region)]
    assert kinds.count("provisioned-concurrency") >= 1


def test_the_battle_command_prints_a_battle_whose_score_is_the_engines(cloud: Cloud) -> None:
    """Asked of one region, fought at the player's home, known to both."""
    run = cloud.patiently("battle", "--region", "eu-west-1", "--json")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["agrees"] is True
    assert report["battle"]["score"] == report["expected_score"]
    named = {"requestId": report["battle"]["requestId"]}
    stored = cloud.database().battles.find_one(named)
    assert stored is not None
    assert stored["score"] == report["battle"]["score"]
    # A publisher that was not woken comes with the minute.
    assert eventually(lambda: cloud.database("eu-west-1").battles.find_one(named), seconds=150) == stored


def test_a_battle_reaches_the_leaderboards_on_the_cluster(cloud: Cloud) -> None:
    """Its sorted sets belong to several slots; what a region keeps there is under its database's name.

    The battle does not wait long for Redis: what it could not write there, the upkeep of the minute does.
    """
    report = json.loads(cloud.patiently("battle", "--json").stdout)
    who = report["battle"]["ownerTelegramId"]
    with RedisCluster.from_url(cloud.status["redis"][0], decode_responses=True) as cluster:

        def boards() -> int:
            keys = [str(key) for key in cluster.scan_iter(match="aiba_us_east_1:board:*:score", _type="zset")]
            return sum(cluster.zscore(key, who) is not None for key in keys)

        eventually(boards, lambda found: found >= 2, seconds=150)


def test_initdata_signs_in_a_player(cloud: Cloud) -> None:
    header = cloud.command("initdata", "--user", "4242").stdout.strip()
    me = ask("GET", f"{cloud.api()}/api/economy/me", headers={"X-Telegram-Init-Data": header})
    assert (me.status, me.json["data"]["telegramId"]) == (200, "4242")


@pytest.mark.parametrize("commands", looks().values(), ids=looks())
def test_what_a_runbook_says_to_look_at_can_be_looked_at(cloud: Cloud, commands: list[str]) -> None:
    """As it stands there, in the page's order."""
    for command in commands:
        run = partial(cloud.command, *shlex.split(command)[1:])
        # What is under way between regions is no difference, but may look like one to a single run.
        eventually(run, lambda done: done.returncode == 0, seconds=120)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nope"), ("POST", "/api/none/at/all"), ("GET", "/api/brokers/train"), ("DELETE", "/health")],
)
def test_unknown_routes_and_methods_answer_in_the_envelope(cloud: Cloud, method: str, path: str) -> None:
    answer = ask(method, cloud.api() + path)
    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert answer.json["ok"] is False
    assert answer.json["requestId"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"requestId":', 400, "invalid_json"),
        (b'{"pad":"' + b"x" * 1024 * 1024 + b'"}', 413, "payload_too_large"),
        (b'{"requestId":{"a":1},"brokerId":7,"autoClaim":"maybe"}', 400, "validation_error"),
    ],
)
def test_bad_bodies_are_refused_with_their_reason(cloud: Cloud, body: bytes, status: int, code: str) -> None:
    answer = ask("POST", f"{cloud.api()}/api/battle/run", body, cloud.sign_in(5))
    assert (answer.status, answer.error["code"]) == (status, code)
    if code == "validation_error":
        assert set(answer.error["details"]) == {"requestId", "brokerId", "autoClaim"}


def test_wrong_stale_and_missing_sign_in(cloud: Cloud) -> None:
    def refused(headers: dict[str, str]) -> tuple[int, str, object]:
        answer = ask("GET", f"{cloud.api()}/api/economy/me", headers=headers)
        return answer.status, answer.error["code"], answer.error.get("details")

    signed = cloud.sign_in(5)["X-Telegram-Init-Data"]
    assert refused({}) == (401, "telegram auth failed", "missing initData or botToken")
    assert refused({"x-telegram-id": "5"}) == (401, "telegram auth failed", "missing initData or botToken")
    assert refused({"X-Telegram-Init-Data": signed[:-1] + "_"}) == (401, "telegram auth failed", "hash mismatch")
    assert refused({"X-Telegram-Init-Data": "user=1"}) == (401, "telegram auth failed", "missing hash")


def test_one_address_is_limited_and_another_is_not(cloud: Cloud) -> None:
    """The environments count together, in Valkey; clients are told apart as a trusted proxy tells them.

    Environments that still start answer fewer than may ask, and none waits long for Valkey: then a crowd comes again.
    """
    url = f"{cloud.api()}/api/battle/run"

    def crowd() -> list[Answer]:
        busy = {"X-Forwarded-For": some_address()}
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: send("POST", url, {}, busy), range(40)))

    def counted_together(answers: list[Answer]) -> bool:
        degraded = any("x-ratelimit-degraded" in answer.headers for answer in answers)
        return not degraded and {answer.status for answer in answers} == {401, 429}

    answers = eventually(crowd, counted_together, seconds=300)
    limited = [answer for answer in answers if answer.status == 429]
    assert len(answers) - len(limited) >= 11
    for answer in limited:
        assert (answer.error["code"], answer.headers["retry-after"]) == ("rate_limited", "1")
        assert answer.headers["x-ratelimit-limit"] == "11"
        assert answer.headers["ratelimit-policy"] == '"global";q=600;w=60, "battle";q=11;w=3'
    assert ask("POST", url, {}).status == 401


def test_ten_players_with_energy_for_one_battle_each(cloud: Cloud) -> None:
    """8 simultaneous battles per player: one is fought, the others are refused, the books are exact."""
    first = random.randrange(10**9, 2**40)
    users = [first + number for number in range(10)]
    brokers = {user: starter(cloud, user) for user in users}
    with ThreadPoolExecutor(8) as pool:
        answers = [list(pool.map(lambda _, u=user: fight(cloud, u, brokers[u]), range(8))) for user in users]
    flat = [answer for group in answers for answer in group]
    assert [sum(answer.status == 200 for answer in group) for group in answers] == [1] * 10
    refused = {(answer.status, answer.error["code"]) for answer in flat if answer.status != 200}
    assert refused <= {(403, "no energy"), (429, "cooldown")}
    names = [str(user) for user in users]
    database = cloud.database()
    assert database.battles.count_documents({"ownerTelegramId": {"$in": names}}) == 10
    assert ledger_sums(database, names) == balances(database, names)


def test_one_request_id_sent_eight_times_at_once(cloud: Cloud) -> None:
    user = random.randrange(10**9, 2**40)
    broker, request_id = starter(cloud, user), str(uuid.uuid4())
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fight(cloud, user, broker, request_id), range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    first_only = ("starsGranted", "firstWinDiamond")
    battles = [{k: v for k, v in answer.json["data"].items() if k not in first_only} for answer in answers]
    assert all(battle == battles[0] for battle in battles)
    database = cloud.database()
    assert database.battles.count_documents({"requestId": request_id}) == 1
    assert balances(database, [str(user)]) == {str(user): battles[0]["rewardAiba"]}


def test_fifty_kills_of_the_apis_environment_leave_no_half_battle(cloud: Cloud) -> None:
    """Environments are killed with -9 while clients fight; what was answered is there, nothing is half there."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    first = moments.randrange(10**9, 2**40)
    stop = threading.Event()
    answered: dict[str, dict[str, Any]] = {}
    users: list[str] = []

    def fight_on(user: int) -> None:
        while not stop.is_set():
            broker = send("POST", f"{cloud.api()}/api/brokers/starter", {}, cloud.sign_in(user))
            if broker.status != 201:
                continue
            answer = fight(cloud, user, broker.json["data"]["_id"], way=send)
            if answer.status == 200:
                answered[answer.json["data"]["requestId"]] = answer.json["data"]
            user += 4  # a new player each time: a killed transaction keeps the old one locked for a while
            users.append(str(user))

    kills, pause = 0, 0.25
    users += [str(first + number) for number in range(4)]
    with ThreadPoolExecutor(4) as pool, set_at_the_end(stop):
        fighters = [pool.submit(fight_on, first + number) for number in range(4)]
        while kills < 50 or (len(answered) <= 10 and pause < LONGEST_LIFE_SECONDS):
            stop.wait(moments.uniform(0.05, pause))
            # On a busy machine environments hardly live long enough to fight: then they get longer and longer.
            pause *= 1.0 if kills < 50 else 1.1
            victims = cloud.environments("us-east-1")
            if victims:
                try:
                    moments.choice(victims)[0].kill()
                    kills += 1
                except psutil.NoSuchProcess:
                    continue
    assert all(fighter.exception() is None for fighter in fighters)
    database = cloud.database()
    # At one moment: a battle whose client no longer waits may still be fought.
    with database.client.start_session(snapshot=True) as moment:
        battles = database.battles.find({"ownerTelegramId": {"$in": users}}, session=moment)
        fought = {battle["requestId"]: battle for battle in battles}
        rows = database.ledgerentries.find({"telegramId": {"$in": users}, "currency": "AIBA"}, session=moment)
        rewards = {row["requestId"] for row in rows}
        sums, held = ledger_sums(database, users, moment), balances(database, users, moment)
    assert set(answered) <= set(fought)
    assert rewards == {request_id for request_id, battle in fought.items() if battle["rewardAiba"]}
    assert {user: amount for user, amount in sums.items() if amount} == {u: a for u, a in held.items() if a}
    assert len(answered) > 10, "hardly a battle was fought: the test proved little"
