"""Guilds without a store: their bounds, and documents older than some fields."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from chalicelib.arena import guilds
from chalicelib.entrypoints import wire
from chalicelib.entrypoints.guilds import LISTED_MAX
from chalicelib.errors import BadRequest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANSWER_MAX_BYTES = 6 * 1024 * 1024
"""What a Lambda function may answer, as JSON within JSON."""


def test_the_longest_list_of_the_largest_guilds_fits_into_one_answer() -> None:
    """Every name, text and count at its limit, and Telegram ids longer than any today."""
    people = [f"{10**11 + number}" for number in range(guilds.MEMBERS_MAX)]
    guild: dict[str, Any] = guilds.new_guild(people[0], "n" * 24, "\U0001f43a" * 250, NOW, guild_id=ObjectId())
    for who in people[1:]:
        guild["members"] = guilds.members_with(guild, who, NOW)
    pool: list[dict[str, Any]] = []
    for who in people[: guilds.POOLED_MAX]:
        broker = {"_id": ObjectId()}
        guild["pooledBrokers"] = guilds.pooled_with(guild, pool, broker, who, NOW)
        pool.append(broker)
    assert len(guild["pooledBrokers"]) == guilds.POOLED_MAX
    text = wire.dumps(wire.success([guild] * LISTED_MAX, "r"))
    assert len(wire.dumps({"body": text}).encode()) < ANSWER_MAX_BYTES


def test_guilds_do_not_share_their_lists() -> None:
    """A new guild's empty lists are its own, and so are those an old one is completed with."""
    first, second = (guilds.new_guild(str(number), "abc", "", NOW, guild_id=number) for number in range(2))
    assert first["boostTxHashes"] is not second["boostTxHashes"]
    assert guilds.complete({})["members"] is not guilds.complete({})["members"]
    assert guilds.complete({"vaultNeur": 5, "members": [1]})["vaultNeur"] == 5


@pytest.mark.parametrize(
    ("setting", "rank", "free"),
    [(None, 50, True), (None, 51, False), (2.9, 2, True), (2.9, 3, False), (0, 1, False), ("x", 1, False)],
)
def test_the_last_free_rank_is_configured(setting: object, rank: int, free: bool) -> None:
    """50 unless it is said otherwise; a setting that is no number frees nobody."""
    config = {} if setting is None else {"leaderboardTopFreeCreate": setting}
    if free:
        guilds.refuse_unpaid(rank, config, "")
        return
    with pytest.raises(BadRequest, match="creating a guild is free"):
        guilds.refuse_unpaid(rank, config, "")
