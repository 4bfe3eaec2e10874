"""Founding, joining, leaving and listing guilds; on both stores."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.arena.guilds import MEMBERS_MAX
from chalicelib.arena.ports import Update
from chalicelib.errors import BadRequest, Conflict, Forbidden, NotFound
from tests.consistency import assert_guilds_consistent
from tests.guilds import NOWHERE, by, found_guild, pooled, refused
from tests.worlds import NOON, World


def test_a_new_guild_has_the_games_fields_and_its_owner_as_a_member(world: World) -> None:
    """What is answered is what is stored, and the other regions hear of it; vaults are the battles' to tell."""
    guild = world.guilds().create(by("777"), "Wolves", "we howl")
    assert guild == world.one("guilds")
    stamps = {"_id": guild["_id"], "createdAt": NOON, "updatedAt": NOON, "__v": 0}
    assert guild == stamps | {
        "name": "Wolves",
        "ownerTelegramId": "777",
        "members": [{"telegramId": "777", "role": "owner", "joinedAt": NOON}],
        "bio": "we howl",
        "active": True,
        "pooledBrokers": [],
        "vaultNeur": 0,
        "vaultAiba": 0,
        "paidCreateTxHash": "",
        "boostCount": 0,
        "boostedUntil": None,
        "boostTxHashes": [],
    }
    event = world.one("outbox")
    assert (event["entity"], event["op"], event["key"]) == ("guild", "insert", str(guild["_id"]))
    assert event["requestId"] == "request of 777"
    assert set(guild) - set(event["payload"]["guild"]) == {"vaultNeur", "vaultAiba"}


def test_a_name_is_taken_once_for_all(world: World) -> None:
    """By one's own guild too, and by one that is closed; another spelling is another name."""
    found_guild(world)
    world.add_guild("888", name="Closed", active=False)
    for name, who in (("Wolves", "888"), ("Wolves", "777"), ("Closed", "777")):
        error = refused(world, world.guilds().create, by(who), name)
        assert (type(error), error.code, error.details) == (Conflict, "name already taken", {"name": name})
    assert world.guilds().create(by("888"), "wolves")["name"] == "wolves"


def test_eight_players_who_want_one_name_found_one_guild(world: World) -> None:
    """The unique name decides; the others are told it is taken."""

    def create(number: int) -> str:
        try:
            return str(world.guilds().create(by(str(number)), "Wolves")["ownerTelegramId"])
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(create, range(8)))
    owner = world.one("guilds")["ownerTelegramId"]
    assert sorted(answers) == sorted([owner, *["name already taken"] * 7])
    assert len(world.read("outbox")) == 1


def test_creation_is_free_for_the_best_by_score_and_otherwise_to_be_paid(world: World) -> None:
    """The rank counts strictly better players: who ties with the last free rank is free as well."""
    world.configure(leaderboardTopFreeCreate=2, createGroupCostTonNano=5)
    for who, score in (("1", 30), ("2", 20), ("3", 20), ("4", 10)):
        world.add_player(who, totals={"all": {"score": score, "aiba": 0, "neur": 0, "battles": 1}})
    for who in ("1", "2", "3"):
        assert world.guilds().create(by(who), f"guild of {who}")["ownerTelegramId"] == who
    facts = {"freeUpToRank": 2, "costTonNano": 5}
    unpaid = refused(world, world.guilds().create, by("4"), "guild of 4")
    assert (type(unpaid), unpaid.code, unpaid.details) == (BadRequest, "payment required", {"rank": 4, **facts})
    stranger = refused(world, world.guilds().create, by("5"), "guild of 5", "", "ab" * 32)
    assert (type(stranger), stranger.code) == (BadRequest, "payment not verifiable")
    assert stranger.details == {"rank": 5, **facts}
    # A name that is taken is said before anybody pays.
    assert refused(world, world.guilds().create, by("4"), "guild of 1").code == "name already taken"
    world.configure(leaderboardTopFreeCreate=0)
    assert refused(world, world.guilds().create, by("1"), "second").code == "payment required"


def test_joining_twice_is_joining_once(world: World) -> None:
    """The second time answers the same and writes nothing."""
    guild = found_guild(world)
    world.clock.advance(5)
    joined = world.guilds().join(by("888"), str(guild["_id"]))
    later = NOON + timedelta(seconds=5)
    member = {"telegramId": "888", "role": "member", "joinedAt": later}
    assert joined == {**guild, "members": [*guild["members"], member], "updatedAt": later} == world.one("guilds")
    assert_guilds_consistent(world)
    before = world.everything()
    world.clock.advance(5)
    assert world.guilds().join(by("888"), str(guild["_id"]).upper()) == joined
    assert world.everything() == before


def test_a_guild_that_is_closed_or_never_was_is_not_found(world: World) -> None:
    """For joining, depositing and looking into the pool."""
    closed = str(world.add_guild("777", active=False)["_id"])
    broker = str(world.add_broker()["_id"])
    for guild_id in (NOWHERE, closed):
        for error in (
            refused(world, world.guilds().join, by("888"), guild_id),
            refused(world, world.guilds().deposit, by("777"), guild_id, broker),
            refused(world, world.guilds().pool, "777", guild_id),
        ):
            assert (type(error), error.code) == (NotFound, "not found")
    assert refused(world, world.guilds().leave, by("777"), NOWHERE).code == "not found"
    assert refused(world, world.guilds().withdraw, by("777"), NOWHERE, broker).code == "not found"


def test_nobody_is_kept_in_a_closed_guild_and_no_broker_either(world: World) -> None:
    """Leaving and withdrawing still work."""
    guild = found_guild(world, "777", "888")
    broker, _ = pooled(world, guild), pooled(world, guild, "888")
    world.write(Update("guilds", {"_id": guild["_id"]}, {"$set": {"active": False}}))
    world.guilds().withdraw(by("777"), str(guild["_id"]), str(broker["_id"]))
    world.guilds().leave(by("888"), str(guild["_id"]))
    assert [broker["guildId"] for broker in world.read("brokers")] == [None, None]
    assert_guilds_consistent(world)


def test_a_guild_is_full_at_its_bound(world: World) -> None:
    """Members are not refused their own guild; who leaves makes room."""
    people = tuple(str(number) for number in range(1, MEMBERS_MAX))
    guild_id = str(world.add_guild("0", people)["_id"])
    error = refused(world, world.guilds().join, by("late"), guild_id)
    assert (type(error), error.code, error.details) == (Conflict, "guild full", {"membersMax": MEMBERS_MAX})
    assert len(world.guilds().join(by("5"), guild_id)["members"]) == MEMBERS_MAX
    world.guilds().leave(by("5"), guild_id)
    assert world.guilds().join(by("late"), guild_id)["members"][-1]["telegramId"] == "late"


def test_leaving_takes_ones_brokers_along(world: World) -> None:
    """Only one's own, and only those of this guild; leaving twice is leaving once."""
    guild, other = found_guild(world, "777", "888"), found_guild(world, "888", name="Bears")
    stays, elsewhere = pooled(world, guild), pooled(world, other, "888")
    gone = [pooled(world, guild, "888") for _ in range(2)]
    world.guilds().leave(by("888"), str(guild["_id"]))
    stored = world.one("guilds", _id=guild["_id"])
    assert [member["telegramId"] for member in stored["members"]] == ["777"]
    assert [entry["brokerId"] for entry in stored["pooledBrokers"]] == [stays["_id"]]
    places = {broker["_id"]: broker["guildId"] for broker in world.read("brokers")}
    assert places == {
        stays["_id"]: guild["_id"],
        elsewhere["_id"]: other["_id"],
        **dict.fromkeys([broker["_id"] for broker in gone]),
    }
    assert_guilds_consistent(world)
    moved = world.read("outbox")[-1]["payload"]["brokers"]
    assert [(broker["_id"], broker["guildId"]) for broker in moved] == [(broker["_id"], None) for broker in gone]
    before = world.everything()
    world.guilds().leave(by("888"), str(guild["_id"]))
    assert world.everything() == before


def test_an_owner_who_leaves_stays_the_owner_and_comes_back_as_one(world: World) -> None:
    """The guild and what it earns are the owner's; a successor would have taken both by a slip of the finger."""
    guild = found_guild(world, "777", "888")
    guild_id = str(guild["_id"])
    world.guilds().leave(by("777"), guild_id)
    left = world.one("guilds")
    assert (left["ownerTelegramId"], left["active"]) == ("777", True)
    assert [member["telegramId"] for member in left["members"]] == ["888"]
    assert world.guilds().mine("777") == []
    with pytest.raises(Forbidden, match="not a member"):
        world.guilds().pool("777", guild_id)
    back = world.guilds().join(by("777"), guild_id)["members"]
    assert [(member["telegramId"], member["role"]) for member in back] == [("888", "member"), ("777", "owner")]


def test_lists_are_by_boosts_then_newest_and_leave_closed_guilds_out(world: World) -> None:
    """A player may be in several guilds; documents older than a field are completed."""
    names = {}
    for minute, (name, boosts) in enumerate([("a", 0), ("b", 3), ("c", 0), ("d", 3), ("e", 1)]):
        created = NOON + timedelta(minutes=minute)
        names[world.add_guild(name, ("777",), boostCount=boosts, createdAt=created)["_id"]] = name
    world.add_guild("x", ("777",), boostCount=9, active=False)
    assert [names[guild["_id"]] for guild in world.guilds().ranked(300)] == ["d", "b", "e", "c", "a"]
    assert [names[guild["_id"]] for guild in world.guilds().ranked(2)] == ["d", "b"]
    assert [names[guild["_id"]] for guild in world.guilds().mine("777")] == ["e", "d", "c", "b", "a"]
    assert [names[guild["_id"]] for guild in world.guilds().mine("c")] == ["c"]
    assert world.guilds().mine("nobody") == []
    old = world.guilds().ranked(1)[0]
    assert (old["vaultAiba"], old["pooledBrokers"], old["boostTxHashes"]) == (0, [], [])
