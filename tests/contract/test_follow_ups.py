"""What battles leave to be done: the referrer's share and the boss's damage; on both stores."""

from typing import Any

import pytest

from chalicelib.arena.follow_up_service import RunReport
from chalicelib.arena.ports import Document, Update
from tests.consistency import assert_consistent
from tests.worlds import NOON, World


def refer(world: World, referee: str, referrer: str, *, uses: int = 0) -> None:
    code = f"code-of-{referrer}"
    if not world.all("referrals", code=code):
        world.add("referrals", code=code, ownerTelegramId=referrer, uses=uses, active=True)
    world.add("referraluses", code=code, referrerTelegramId=referrer, refereeTelegramId=referee)


def boss(world: World, hp: int, **fields: Any) -> Document:
    return world.add("globalbosses", **{"name": "Bear", "maxHp": hp, "currentHp": hp, "status": "active", **fields})


def fight(world: World, who: str = "777", request_id: str = "r", **mode: Any) -> Document:
    """A battle of a fresh broker of one who may be new, without chance: score 50."""
    if not world.all("users", telegramId=who):
        world.add_player(who)
    if not world.all("gamemodes", key="fixed"):
        standard = {"enabled": True, "arena": "f", "league": "rookie", "rules": {"varianceBase": 0}}
        world.add("gamemodes", key="fixed", **standard)
    broker = world.add_broker(who, energy=100)
    return world.battles().run(world.command(broker, request_id, telegram_id=who, mode_key="fixed")).battle


@pytest.mark.parametrize(("uses", "bps"), [(0, 200), (100, 300), (1000, 500), (10_000, 700)])
def test_the_referrer_earns_a_share_of_both_currencies(world: World, uses: int, bps: int) -> None:
    """By the number of uses of the code, floored, as ledger rows of the battle; the battle itself pays nothing more."""
    world.configure(baseRewardAibaPerScore=7, baseRewardNeurPerScore=3)
    refer(world, "777", "boss-of-777", uses=uses)
    battle = fight(world)
    assert [event["followUpsDueAt"] for event in world.read("outbox")] == [NOON]
    assert world.all("users", telegramId="boss-of-777") == []
    report = world.follow_ups().run()
    want = {currency: battle[f"reward{currency.capitalize()}"] * bps // 10_000 for currency in ("AIBA", "NEUR")}
    assert min(want.values()) > 0
    assert report == RunReport(batches=1, events=1, earnings=2, complete=True)
    referrer = world.one("users", telegramId="boss-of-777")
    assert (referrer["aibaBalance"], referrer["neurBalance"]) == (want["AIBA"], want["NEUR"])
    rows = world.all("ledgerentries", reason="creator_earnings")
    assert {row["currency"]: row["amount"] for row in rows} == want
    for row in rows:
        assert (row["sourceType"], row["sourceId"], row["battleId"]) == ("creator_referee_battle", "r", battle["_id"])
        assert (row["telegramId"], row["direction"], row["arena"]) == ("boss-of-777", "credit", "f")
        assert row["league"] == "rookie"
    assert_consistent(world)


def test_a_second_run_finds_nothing_to_do(world: World) -> None:
    """Settled is settled; an empty run writes nothing."""
    refer(world, "777", "8")
    boss(world, 1000)
    fight(world)
    assert world.follow_ups().run().events == 1
    before = world.everything()
    assert world.follow_ups().run() == RunReport(batches=1, complete=True)
    assert world.everything() == before


def test_an_event_that_is_due_again_pays_nothing_twice(world: World) -> None:
    """A restored event: what was paid and struck is left out, and the event settles."""
    refer(world, "777", "8")
    bear = boss(world, 1000)
    fight(world)
    world.follow_ups().run()
    (event,) = (event for event in world.read("outbox") if event["entity"] == "battle")
    world.write(Update("outbox", {"_id": event["_id"]}, {"$set": {"followUpsDueAt": NOON}}))
    assert world.follow_ups().run() == RunReport(batches=1, events=1, complete=True)
    assert len(world.read("bossdamages")) == 1
    assert world.one("globalbosses", _id=bear["_id"])["currentHp"] == 950
    assert_consistent(world)


def test_an_event_twice_in_one_batch_pays_once(world: World) -> None:
    """Both settle, and what comes after them goes on."""
    refer(world, "777", "8")
    bear = boss(world, 1000)
    fight(world)
    (event,) = world.read("outbox")
    world.insert("outbox", {**event, "_id": world.store.new_id()})
    assert world.follow_ups().run() == RunReport(batches=1, events=2, earnings=1, strikes=1, complete=True)
    assert world.one("globalbosses", _id=bear["_id"])["currentHp"] == 950
    assert world.one("users", telegramId="8")["aibaBalance"] == 2


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"$unset": {"requestId": ""}}, "requestId"),
        ({"$unset": {"payload": ""}}, "payload"),
        ({"$set": {"payload.battle": None}}, "payload.battle"),
        ({"$unset": {"payload.battle.arena": ""}}, "payload.battle.arena"),
        ({"$unset": {"payload.battle._id": ""}}, "payload.battle._id"),
        ({"$set": {"followUps": "all"}}, "followUps"),
        ({"$set": {"followUps": [{}]}}, "followUps.0.kind"),
        ({"$set": {"followUps": [{"kind": "unheard of"}]}}, "followUps.0.kind"),
        (
            {"$set": {"followUps": [{"kind": "creator_earnings", "aiba": 1, "neur": 0}]}},
            "followUps.0.referrerTelegramId",
        ),
        ({"$set": {"followUps": [{"kind": "boss_damage", "bossId": {}, "damage": 1}]}}, "followUps.0.bossId"),
        ({"$set": {"followUps": [{"kind": "boss_damage", "bossId": 1, "damage": "1"}]}}, "followUps.0.damage"),
    ],
)
def test_a_malformed_event_is_set_aside(world: World, change: Document, fault: str) -> None:
    """The others settle; it stays, saying what is wrong with it, and settles once it is mended and due again."""
    boss(world, 1000)
    fight(world, "1", "broken")
    fight(world, "2", "sound")
    broken, _ = whole = world.read("outbox")
    world.write(Update("outbox", {"_id": broken["_id"]}, change))
    assert world.follow_ups().run() == RunReport(batches=1, events=2, strikes=1, set_aside=1, complete=True)
    kept = world.one("outbox", _id=broken["_id"])
    assert (kept["followUpsFault"], "followUpsDueAt" in kept, "followUpsSettledAt" in kept) == (fault, False, False)
    assert world.follow_ups().run().events == 0

    mended = {name: broken[name] for name in ("requestId", "payload", "followUps", "followUpsDueAt")}
    world.write(Update("outbox", {"_id": broken["_id"]}, {"$set": mended}))
    assert world.follow_ups().run() == RunReport(batches=1, events=1, strikes=1, complete=True)
    assert not any("followUpsFault" in event for event in world.read("outbox"))
    assert len(world.read("bossdamages")) == len(whole)


def test_old_blows_that_name_no_battle_stay(world: World) -> None:
    """Several of one boss, as the running game wrote them."""
    bear = boss(world, 1000)
    for _ in range(2):
        world.add("bossdamages", bossId=bear["_id"], telegramId="777", damage=1)
    fight(world)
    assert world.follow_ups().run().strikes == 1
    assert len(world.read("bossdamages")) == 3


def test_who_refers_themselves_earns_nothing(world: World) -> None:
    """Nor do the unreferred, nor does a share that floors to nothing: no work is noted."""
    refer(world, "777", "777")
    fight(world)
    fight(world, "9", "unreferred")
    world.configure(baseRewardAibaPerScore=0.5)
    refer(world, "10", "11")
    fight(world, "10", "small")
    events = world.read("outbox")
    assert len(events) == 3
    assert not any("followUps" in event or "followUpsDueAt" in event for event in events)
    assert world.follow_ups().run().events == 0


def test_a_code_that_is_gone_still_earns_the_least(world: World) -> None:
    """Who brought whom in is known without it."""
    world.configure(baseRewardAibaPerScore=10)
    world.add("referraluses", code="gone", referrerTelegramId="8", refereeTelegramId="777")
    fight(world)
    world.follow_ups().run()
    assert world.one("users", telegramId="8")["aibaBalance"] == 500 * 200 // 10_000


def test_a_win_wounds_the_newest_active_boss(world: World) -> None:
    """Damage is the score, recorded once per battle; other bosses stay as they are."""
    old = boss(world, 500)
    world.clock.advance(1)
    bear = boss(world, 1000)
    world.clock.advance(1)
    done = boss(world, 0, status="defeated")
    battle = fight(world)
    world.follow_ups().run()
    assert battle["score"] == 50
    damage = world.one("bossdamages")
    assert (damage["bossId"], damage["battleId"], damage["telegramId"]) == (bear["_id"], battle["_id"], "777")
    assert damage["damage"] == 50
    left = {one["_id"]: (one["currentHp"], one["status"]) for one in world.read("globalbosses")}
    assert left == {old["_id"]: (500, "active"), bear["_id"]: (950, "active"), done["_id"]: (0, "defeated")}


def test_a_boss_falls_once_and_never_below_nothing(world: World) -> None:
    """Three blows of 50 on 120: two leave it standing, the third fells it; later ones are recorded all the same."""
    boss(world, 120)
    for number in range(4):
        fight(world, str(number), f"r{number}")
    report = world.follow_ups(batch_events=1).run()
    assert (report.events, report.strikes, report.defeated, report.complete) == (4, 4, 1, True)
    fallen = world.one("globalbosses")
    assert (fallen["currentHp"], fallen["status"], fallen["defeatedAt"]) == (0, "defeated", world.clock())
    assert sum(damage["damage"] for damage in world.read("bossdamages")) == 200
    fight(world, "later", "later")
    assert world.follow_ups().run().events == 0


def test_a_boss_that_vanished_does_not_hold_up_the_rest(world: World) -> None:
    """The event settles, the referrer is paid, nothing is recorded for a boss that is not there."""
    refer(world, "777", "8")
    boss(world, 1000)
    fight(world)
    (event,) = world.read("outbox")
    gone = {"kind": "boss_damage", "bossId": world.store.new_id(), "damage": 5}
    world.write(Update("outbox", {"_id": event["_id"]}, {"$set": {"followUps": [event["followUps"][0], gone]}}))
    report = world.follow_ups().run()
    assert (report.events, report.earnings, report.strikes) == (1, 1, 0)


def test_many_battles_are_settled_in_batches(world: World) -> None:
    """Seven events by threes; one referrer's balance is the sum of all shares."""
    world.configure(baseRewardAibaPerScore=10)
    boss(world, 10_000)
    for number in range(7):
        refer(world, str(number), "popular")
        fight(world, str(number), f"r{number}")
    report = world.follow_ups(batch_events=3).run()
    assert report == RunReport(batches=3, events=7, earnings=7, strikes=7, complete=True)
    assert world.one("users", telegramId="popular")["aibaBalance"] == 7 * 10
    assert world.one("globalbosses")["currentHp"] == 10_000 - 7 * 50
    assert_consistent(world)


def test_a_run_stops_when_told(world: World) -> None:
    """What is left is the next run's."""
    boss(world, 1000)
    for number in range(3):
        fight(world, str(number), f"r{number}")
    answers = iter((True, True, False))
    report = world.follow_ups(batch_events=1).run(lambda: next(answers))
    assert (report.batches, report.events, report.complete) == (2, 2, False)
    assert world.follow_ups().run().events == 1


def test_follow_ups_wait_for_their_time(world: World) -> None:
    """What is due later stays."""
    refer(world, "777", "8")
    fight(world)
    world.clock.advance(-1)
    assert world.follow_ups().run().events == 0
    world.clock.advance(1)
    assert world.follow_ups().run().events == 1


def test_a_settled_batch_tells_the_other_regions(world: World) -> None:
    """One event with the rows, balances, damages and bosses, in the batch's own transaction."""
    refer(world, "777", "8")
    boss(world, 60)
    fight(world)
    world.follow_ups().run()
    (event,) = (event for event in world.read("outbox") if event["entity"] == "follow_ups")
    payload = event["payload"]
    assert payload["ledger"] == world.all("ledgerentries", reason="creator_earnings")
    assert payload["balances"] == [{"telegramId": "8", "changes": {"aibaBalance": 2}}]
    assert payload["bossDamages"] == world.read("bossdamages")
    assert [changed["changes"] for changed in payload["bosses"]] == [{"currentHp": 10}]
