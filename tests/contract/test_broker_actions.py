"""Starter brokers and the four paid actions; on both stores."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from bson import ObjectId

from chalicelib.arena.broker_service import ActionRequest
from chalicelib.arena.ports import Document
from chalicelib.errors import ArenaError
from tests.worlds import NOON, World

REQUEST = ActionRequest(telegram_id="777", request_id="action-1")


def act(world: World, action: str, broker: Document, request: ActionRequest = REQUEST) -> Document:
    """Runs train, repair or upgrade (of speed)."""
    service, broker_id = world.brokers(), str(broker["_id"])
    if action == "repair":
        return service.repair(request, broker_id).body
    return (service.train if action == "train" else service.upgrade)(request, broker_id, "speed").body


def refusal(world: World, action: str, broker: Document) -> ArenaError:
    """The error an action ends in; nothing may have changed."""
    before = world.everything()
    with pytest.raises(ArenaError) as caught:
        act(world, action, broker)
    assert world.everything() == before
    return caught.value


def test_a_starter_broker_has_the_games_defaults_and_its_metadata_address(world: World) -> None:
    """What is answered is what is stored."""
    broker = world.brokers().starter("777")
    assert broker == world.one("brokers")
    assert (broker["energy"], broker["level"], broker["specialty"]) == (10, 1, "crypto")
    assert broker["metadataUri"] == f"https://arena.example/api/metadata/brokers/{broker['_id']}"


def test_mine_are_the_living_ones_newest_first(world: World) -> None:
    """Not other players', not those given up."""
    old = world.brokers().starter("777")
    world.clock.advance(1)
    new = world.brokers().starter("777")
    world.add_broker("888")
    world.add_broker("777", deletedAt=NOON)
    assert [broker["_id"] for broker in world.brokers().mine("777")] == [new["_id"], old["_id"]]


@pytest.mark.parametrize(
    ("action", "currency", "cost", "changes"),
    [
        ("train", "NEUR", 25, {"speed": 51, "xp": 5}),
        ("repair", "NEUR", 15, {"energy": 100, "cooldowns": {}}),
        ("upgrade", "AIBA", 50, {"speed": 52, "xp": 10, "level": 2}),
    ],
)
def test_an_action_takes_its_price_and_has_its_effect(
    world: World, action: str, currency: str, cost: int, changes: Document
) -> None:
    """Answer, broker, balance, ledger, day counter and event agree."""
    balance = f"{currency.lower()}Balance"
    world.add_player(**{balance: cost + 7})
    broker = world.add_broker(cooldowns={"prediction": NOON})
    world.clock.advance(5)
    body = act(world, action, broker)
    stored = world.one("brokers")
    assert body == {"ok": True, "broker": stored, balance: 7, "requestId": "action-1"}
    assert stored == {**broker, **changes, "updatedAt": NOON + timedelta(seconds=5)}
    assert world.one("users")[balance] == 7
    row = world.one("ledgerentries")
    assert (row["direction"], row["amount"], row["reason"], row["sourceType"], row["sourceId"], row["league"]) == (
        *("debit", cost, action, f"broker_{action}", "action-1"),
        "global",
    )
    day = world.one("economydays")
    assert day["spentNeurByReason" if currency == "NEUR" else "burnedAibaByReason"] == {action: cost}
    event = world.one("outbox")
    assert (event["entity"], event["payload"]["ledger"]) == (f"broker_{action}", [row])
    assert world.one("actionrunkeys")["expiresAt"] == NOON + timedelta(days=7, seconds=5)


@pytest.mark.parametrize("action", ["train", "repair", "upgrade"])
def test_refusals_of_an_action(world: World, action: str) -> None:
    """Missing, foreign, not affordable; and afterwards the same id may be used."""
    currency = "AIBA" if action == "upgrade" else "NEUR"
    world.add_player(**{f"{currency.lower()}Balance": 3})
    mine = world.add_broker()
    error = refusal(world, action, {"_id": ObjectId()})
    assert (error.status, error.code) == (404, "broker not found")
    error = refusal(world, action, world.add_broker("888"))
    assert (error.status, error.code) == (403, "not your broker")
    error = refusal(world, action, mine)
    assert (error.status, error.code, error.details["have"]) == (403, f"insufficient {currency}", 3)
    world.credit("777", f"{currency.lower()}Balance", 1000)
    assert act(world, action, mine)["ok"]


def test_a_player_without_a_document_can_afford_nothing(world: World) -> None:
    """And gets no document with a debt."""
    assert refusal(world, "train", world.add_broker()).code == "insufficient NEUR"
    assert world.read("users") == []


@pytest.mark.parametrize("stat", [None, "luck", ""])
def test_only_the_three_stats_can_be_improved(world: World, stat: str | None) -> None:
    """Before anything is read."""
    for action in (world.brokers().train, world.brokers().upgrade):
        with pytest.raises(ArenaError, match="invalid stat") as caught:
            action(REQUEST, str(ObjectId()), stat)
        assert caught.value.status == 400


@pytest.mark.parametrize("action", ["train", "repair", "upgrade"])
@pytest.mark.parametrize("cost", [0, -5])
def test_a_price_of_nothing_is_a_fault_of_the_configuration(world: World, action: str, cost: int) -> None:
    """500, and nothing happens."""
    world.add_player(neurBalance=1000, aibaBalance=1000)
    world.configure(trainNeurCost=cost, repairNeurCost=cost, upgradeAibaCost=cost)
    assert refusal(world, action, world.add_broker()).status == 500


def test_the_same_action_again_is_answered_as_before(world: World) -> None:
    """Whatever its parameters; another player's or another action's same id is something else."""
    world.add_player(neurBalance=100)
    world.add_player("888", neurBalance=100)
    broker = world.add_broker()
    first = act(world, "train", broker)
    before = world.everything()
    again = world.brokers().train(REQUEST, str(ObjectId()), "risk")
    assert (again.body, again.replayed, again.amount) == (first, True, 0)
    assert world.everything() == before
    act(world, "repair", broker)
    other = ActionRequest(telegram_id="888", request_id="action-1")
    act(world, "train", world.add_broker("888"), other)
    assert len(world.read("ledgerentries")) == 3


def test_eight_at_once_act_once_and_answer_alike(world: World) -> None:
    """The unique id decides, not luck."""
    world.add_player(neurBalance=1000)
    broker = world.add_broker()
    with ThreadPoolExecutor(8) as threads:
        bodies = list(threads.map(lambda _: act(world, "train", broker), range(8)))
    assert all(body == bodies[0] for body in bodies)
    assert world.one("users")["neurBalance"] == 975
    assert (world.one("brokers")["speed"], len(world.read("ledgerentries"))) == (51, 1)


def test_a_balance_for_one_action_pays_for_one(world: World) -> None:
    """Eight different requests at once."""
    world.add_player(neurBalance=30)
    broker = world.add_broker()

    def try_once(number: int) -> str:
        try:
            act(world, "train", broker, ActionRequest(telegram_id="777", request_id=f"a{number}"))
        except ArenaError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(8) as threads:
        answers = sorted(threads.map(try_once, range(8)))
    assert answers == ["insufficient NEUR"] * 7 + ["ok"]
    assert world.one("users")["neurBalance"] == 5


def test_combining_merges_the_sacrifice_into_the_base(world: World) -> None:
    """Means rounded half up, experience summed; the sacrifice stays as a tombstone nobody sees."""
    world.add_player(neurBalance=50)
    base = world.add_broker(speed=10, intelligence=3, risk=100, xp=7, level=4)
    sacrifice = world.add_broker(speed=11, intelligence=4, risk=100, xp=8, level=9)
    service, ids = world.brokers(), (str(base["_id"]), str(sacrifice["_id"]))
    body = service.combine(REQUEST, *ids).body
    merged = body["broker"]
    assert (merged["speed"], merged["intelligence"], merged["risk"]) == (11, 4, 100)
    assert (merged["xp"], merged["level"]) == (35, 4)
    assert body["neurBalance"] == 0
    assert service.mine("777") == [merged]
    assert world.one("brokers", _id=sacrifice["_id"])["deletedAt"] == NOON
    assert world.one("outbox")["payload"]["deleted"][0]["_id"] == sacrifice["_id"]
    assert service.combine(REQUEST, *ids).body == body
    with pytest.raises(ArenaError, match="broker not found"):
        world.battles().run(world.command(sacrifice))
    with pytest.raises(ArenaError, match="sacrifice broker not found"):
        service.combine(ActionRequest(telegram_id="777", request_id="action-2"), *ids)


def test_refusals_of_combining(world: World) -> None:
    """Each broker has its own; the price comes last."""
    world.add_player(neurBalance=49)
    mine, other, foreign = world.add_broker(), world.add_broker(), world.add_broker("888")
    gone = {"_id": ObjectId()}
    cases = [
        (mine, mine, 400, "base and sacrifice must be different brokers"),
        (gone, mine, 404, "base broker not found"),
        (mine, gone, 404, "sacrifice broker not found"),
        (foreign, mine, 403, "not your broker"),
        (mine, foreign, 403, "not your broker"),
        (mine, other, 403, "insufficient NEUR"),
    ]
    before = world.everything()
    for base, sacrifice, status, code in cases:
        with pytest.raises(ArenaError) as caught:
            world.brokers().combine(REQUEST, str(base["_id"]), str(sacrifice["_id"]))
        assert (caught.value.status, caught.value.code) == (status, code)
    with pytest.raises(ArenaError, match="different"):
        world.brokers().combine(REQUEST, "AB" * 12, "ab" * 12)
    assert world.everything() == before


def test_broker_ids_are_read_in_either_case_of_hex(world: World) -> None:
    """As the database reads them."""
    world.add_player(neurBalance=100)
    broker = world.add_broker(_id=ObjectId("ab" * 12))
    assert world.brokers().train(REQUEST, "AB" * 12, "risk").body["broker"]["risk"] == 51
    assert broker["risk"] == 50
