"""Guild modes: the opponent, the pools' bonus and the guild's share of NEUR; on both stores."""

from datetime import timedelta

import pytest

from chalicelib.arena import engine
from chalicelib.arena.ports import Document
from tests.worlds import NOON, SECRET, World


@pytest.fixture
def broker(world: World) -> Document:
    """A strong broker of player 777."""
    world.add_player("777")
    return world.add_broker(energy=100, intelligence=90)


def expected_score(broker: Document, opponent_id: str, own_pool: int, opponent_pool: int) -> int:
    seed = engine.battle_seed(
        SECRET,
        telegram_id="777",
        broker_id=str(broker["_id"]),
        mode_key="guildWars",
        arena="guildWars",
        league="rookie",
        request_id="request-1",
        opponent_id=opponent_id,
    )
    score = engine.simulate_battle(broker, seed.value, "guildWars", "rookie")
    return engine.guild_adjusted_score(score, own_pool, opponent_pool) if opponent_id else score


@pytest.mark.parametrize("hinted", [True, False])
def test_the_newest_other_active_guild_is_fought_with_both_pools_counted(
    world: World, broker: Document, hinted: bool
) -> None:
    """Read together with the battle where a guild mode was to be expected, else on its own: the same answer."""
    mine = world.add_guild("boss", ("777",))
    world.add_guild("b", createdAt=NOON + timedelta(minutes=1))
    rival = world.add_guild("c", createdAt=NOON + timedelta(minutes=2))
    world.add_guild("d", createdAt=NOON + timedelta(minutes=3), active=False)
    for _ in range(3):
        world.add_broker("x", guildId=mine["_id"])
    world.add_broker("x", guildId=mine["_id"], deletedAt=NOON)
    world.add_broker("y", guildId=rival["_id"])
    if hinted:
        battle = world.battles().run(world.command(broker, arena="guildWars")).battle
        assert battle["score"] == expected_score(broker, str(rival["_id"]), 3, 1)
    else:
        world.add("gamemodes", key="a-raid", enabled=True, arena="raid", league="rookie", rules={"requiresGuild": True})
        battle = world.battles().run(world.command(broker, arena="raid")).battle
    assert (battle["guildId"], battle["opponentGuildId"]) == (mine["_id"], rival["_id"])


def test_without_another_guild_there_is_no_opponent_and_no_bonus(world: World, broker: Document) -> None:
    """The seed then ends in an empty field."""
    mine = world.add_guild("777")
    world.add_broker("x", guildId=mine["_id"])
    battle = world.battles().run(world.command(broker, arena="guildWars")).battle
    assert (battle["guildId"], battle["opponentGuildId"]) == (mine["_id"], None)
    assert battle["score"] == expected_score(broker, "", 0, 0)


@pytest.mark.parametrize("owner", ["boss", "777"])
def test_a_fifth_of_the_neur_goes_to_the_guild_and_a_part_of_that_to_its_owner(
    world: World, broker: Document, owner: str
) -> None:
    """All NEUR emitted ends up with the player, the owner or the vault; an owner may be unknown, or the player."""
    world.add_guild(owner, ("777",))
    key = {"enabled": True, "arena": "guildWars", "league": "rookie"}
    world.add("gamemodes", key="guildWars-a", rewardMultiplierNeur=1000, **key)
    world.configure(baseRewardNeurPerScore=1, guildCreatorShareBps=1000)

    battle = world.battles().run(world.command(broker, mode_key="guildWars-a")).battle
    neur = battle["score"] * 1000
    share = neur // 5
    assert (battle["rewardNeur"], battle["guildShareNeur"]) == (neur, share)
    assert world.one("guilds")["vaultNeur"] == share - share // 10
    balances = {user["telegramId"]: user["neurBalance"] for user in world.read("users")}
    if owner == "777":
        assert balances == {"777": neur - share + share // 10}
    else:
        assert balances == {"777": neur - share, "boss": share // 10}
    rows = {(r["telegramId"], r["reason"]): r["amount"] for r in world.all("ledgerentries", currency="NEUR")}
    assert rows == {("777", "battle_reward"): neur - share, (owner, "guild_creator_earnings"): share // 10}
    assert world.one("ledgerentries", reason="guild_creator_earnings")["sourceType"] == "guild_war_member_earnings"


def test_a_guild_member_keeps_all_outside_guild_modes(world: World, broker: Document) -> None:
    """And the battle does not name the guild."""
    world.add_guild("boss", ("777",))
    world.configure(baseRewardNeurPerScore=5)
    battle = world.battles().run(world.command(broker)).battle
    assert (battle["guildId"], battle["guildShareNeur"]) == (None, 0)
    assert world.one("users")["neurBalance"] == battle["rewardNeur"] > 0
