"""The table of keys: names, tags, and how they spread over a cluster's masters."""

import random
import re
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from chalicelib.arena.rate_limits import LIMITS_BY_TIER
from chalicelib.arena.seasons import season_at
from chalicelib.arena.standings import METRICS
from chalicelib.cache.keys import KEYS, KeyPattern, slot_of, tag
from chalicelib.cache.leaderboard import BoardKeys
from tests.worlds import NOON

SEED = 20261123
KEY_COUNT = 100_000
SHARE_MAX = 1.2
"""Of the fullest master's keys to the emptiest one's."""
MASTERS = ((0, 5460), (5461, 10922), (10923, 16383))
"""How three masters share 16384 slots."""

BOARDS = ("all", *(f"league:{league}" for league in ("rookie", "pro", "elite")), *(f"realm:r{n}" for n in range(32)))
SEASONS = ("all-time", *(season_at(NOON.replace(month=month), "month").id for month in range(1, 12)))
LIMITS = tuple(dict.fromkeys(limit.name for limits in LIMITS_BY_TIER.values() for limit in limits))
LOCKS = ("scaling", "leaderboard-upkeep", "season-archive", "follow-ups", "battle-queue", "cache-warming")
INSTANCES = tuple(uuid.uuid5(uuid.NAMESPACE_OID, str(number)).hex for number in range(2000))
"""Environments a busy region starts in a day, which is how long they are remembered."""
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")

PARTS: dict[str, Callable[[random.Random], str]] = {
    "season": lambda draw: draw.choice(SEASONS),
    "board": lambda draw: draw.choice(BOARDS),
    "metric": lambda draw: draw.choice(METRICS),
    "name": lambda draw: f"{draw.choice(LOCKS)}:{draw.choice(REGIONS)}",
    "limit": lambda draw: draw.choice(LIMITS),
    "client": lambda draw: draw.choice([address(draw), telegram_id(draw)]),
    "instance": lambda draw: draw.choice(INSTANCES),
    "player": lambda draw: telegram_id(draw),
    "cache": lambda draw: draw.choice(("modes", "config", "realms", "board-page", "profile")),
    "part": lambda draw: draw.choice([telegram_id(draw), draw.choice(BOARDS)]),
}
"""What may stand for each part of a pattern."""


def telegram_id(draw: random.Random) -> str:
    return str(draw.randrange(10**8, 8 * 10**9))


def address(draw: random.Random) -> str:
    return ".".join(str(draw.randrange(256)) for _ in range(4))


def sample(pattern: KeyPattern, draw: random.Random) -> str:
    return pattern.key("aiba_arena", **{part: PARTS[part](draw) for part in re.findall("<(.*?)>", pattern.pattern)})


def test_a_hundred_thousand_keys_spread_evenly() -> None:
    """Distinct keys of every pattern, as many of each as it can have: few of boards, many of players and clients.

    The region's metrics are in one slot on purpose, and are the largest part of what is uneven.
    """
    print("seed", SEED)
    draw = random.Random(SEED)
    keys: dict[str, KeyPattern] = {}
    unspent = list(KEYS)
    while len(keys) < KEY_COUNT:
        for pattern in list(unspent):
            before = len(keys)
            keys.update((sample(pattern, draw), pattern) for _ in range(100))
            if len(keys) == before:
                unspent.remove(pattern)
    chosen = list(keys)[:KEY_COUNT]
    slots = [slot_of(key) for key in chosen]
    counts = [sum(first <= slot <= last for slot in slots) for first, last in MASTERS]
    by_name = Counter(keys[key].name for key in chosen)
    print("by pattern:", dict(by_name.most_common()))
    print("by master:", counts, f"max/min {max(counts) / min(counts):.3f}")
    assert by_name.keys() == {pattern.name for pattern in KEYS}
    assert max(counts) / min(counts) <= SHARE_MAX


def test_keys_that_must_be_together_are() -> None:
    draw = random.Random(SEED)
    keys = BoardKeys("aiba_arena")
    for season in (None, "2026-11"):
        for board in BOARDS:
            together = [keys.ranking(season, board, metric) for metric in METRICS] + [keys.paused(season, board)]
            assert len(set(map(slot_of, together))) == 1
    for board in BOARDS:
        assert slot_of(keys.pushed(board)) == slot_of(keys.followed(board))
    by_owner = {pattern.name: pattern for pattern in KEYS}
    for _ in range(100):
        client = PARTS["client"](draw)
        buckets = [by_owner["rate bucket"].key("db", client=client, limit=limit) for limit in LIMITS]
        assert len(set(map(slot_of, buckets))) == 1
        page = {"cache": PARTS["cache"](draw), "part": PARTS["part"](draw)}
        assert len({slot_of(by_owner[f"cache {kind}"].key("db", **page)) for kind in ("values", "epoch")}) == 1


def test_boards_do_not_share_a_slot_for_no_reason() -> None:
    """One tag for all of them would put every leaderboard on one node."""
    keys = BoardKeys("aiba_arena")
    slots = {slot_of(keys.ranking(season, board, "score")) for season in (None, "2026-11") for board in BOARDS}
    assert len(slots) > 0.95 * 2 * len(BOARDS)


def test_patterns_have_names_and_texts_of_their_own() -> None:
    for column in ("name", "pattern"):
        assert max(Counter(getattr(pattern, column) for pattern in KEYS).values()) == 1


def test_different_parts_give_different_keys() -> None:
    """Whatever characters they are made of; and none of them moves the tag."""
    nasty = ["a", "a|b", "a}", "{a", "{a}", "a:b", "a%7Db", "a}b", "", "%", "é"]
    by_name = {pattern.name: pattern for pattern in KEYS}
    board_set = by_name["board set"]
    made = [board_set.key("db", season=s, board=b, metric=m) for s in nasty for b in nasty for m in nasty]
    assert len(set(made)) == len(made)
    assert len({slot_of(board_set.key("db", season="a}", board="{b", metric=metric)) for metric in nasty}) == 1
    bucket = by_name["rate bucket"]
    for client in nasty:
        assert len({slot_of(bucket.key("db", client=client, limit=limit)) for limit in LIMITS}) == 1


def test_tags_are_escaped() -> None:
    assert tag("a", "b") == "{a|b}"
    assert tag("a}", "b") == "{a%7D|b}"
    assert slot_of(f"x:{tag('a}', 1)}:y") == slot_of(f"other:{tag('a}', 1)}")


def test_databases_do_not_mix_and_parts_must_fit() -> None:
    pattern = KEYS[0]
    draw = random.Random(SEED)
    assert sample(pattern, draw).startswith("aiba_arena:")
    with pytest.raises(TypeError, match="needs"):
        pattern.key("db", nonsense="x")
