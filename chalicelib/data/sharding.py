"""Which collections are spread over how many shards, and by which keys, as data.

A region has a database of its own, so it has a cluster of its own when it is sharded. In a cluster each collection
has a zone, ``<region>.<collection>``: as many shards as stand here, and the whole range of its key. A shard may be in
several zones. What stands in no row here stays whole, on the database's primary shard.

MongoDB holds an index unique over shards only if the shard key's fields are the index's first ones. That decides most
of the keys (docs/sharding.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from bson import MaxKey, MinKey

from chalicelib.arena.cache_epochs import COLLECTION as EPOCHS
from chalicelib.arena.modes import DEFAULT_MODES
from chalicelib.arena.standings import ALL, league_board, realm_board
from chalicelib.data.indexes import INDEXES, Index

HASHED: Final = "hashed"
ShardKey = tuple[tuple[str, Literal[1, "hashed"]], ...]
Bound = Mapping[str, Any]
Range = tuple[Bound, Bound]
"""From, up to but not including."""

CHUNKS_PER_SHARD: Final = 2
"""Of an empty collection: what MongoDB before 7.2 makes by itself of a hashed key."""

SERVER_MIN: Final = (8, 0)
"""A battle is decided on documents read with $lookup inside its transaction. Of sharded collections MongoDB does not
do that before 8.0 ("Cannot run $lookup with a sharded foreign collection in a transaction")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharded:
    """One collection over shards."""

    collection: str
    key: ShardKey
    shards: int
    """How many, at least. The guide's figure."""
    guide: str
    """What the guide calls the collection."""
    guide_key: ShardKey
    """The guide's key, by our fields' names."""
    why: str
    considered: tuple[ShardKey, ...] = ()
    """Keys that look as good, to be judged beside it."""


def key(*fields: str, hashed: str) -> ShardKey:
    """``fields`` in order, of which ``hashed`` is."""
    return tuple((name, HASHED if name == hashed else 1) for name in fields)


SHARDED: Final[Sequence[Sharded]] = (
    Sharded(
        collection="users",
        key=key("telegramId", hashed="telegramId"),
        shards=3,
        guide="users",
        guide_key=(("telegramId", 1),),
        why="Every read and write of a player names it, telegramId is unique, and hashed it can be split beforehand.",
    ),
    Sharded(
        collection="battles",
        key=key("requestId", hashed="requestId"),
        shards=4,
        guide="battles",
        guide_key=(("ownerTelegramId", 1),),
        why="requestId is unique in the whole game, so no other key is allowed. Each battle asks for it first; a "
        "history asks all four shards.",
        considered=((("ownerTelegramId", HASHED),),),
    ),
    Sharded(
        collection="ledgerentries",
        key=key("telegramId", "sourceId", hashed="telegramId"),
        shards=2,
        guide="transactions",
        guide_key=(("createdAt", 1),),
        why="A player's rows are read and summed together. sourceId lets a very busy player's rows be split.",
        considered=((("createdAt", HASHED),),),
    ),
    Sharded(
        collection="seasonstandings",
        key=key("board", "telegramId", hashed="telegramId"),
        shards=2,
        guide="leaderboards",
        guide_key=(("board", 1),),
        why="A board's rows are read together; hashed behind it, a board can be larger than a shard.",
        considered=((("telegramId", HASHED),),),
    ),
)
"""The guide's four. Leaderboards that still move are on the players themselves; what fills a collection is the archive
of seasons."""

MADE_BEFOREHAND: Final = (EPOCHS,)
"""Collections that have no index to be made with, and are first written in a transaction. In one that writes to several
shards MongoDB makes no collection."""


def uniqueness_conflicts(collection: str, key: ShardKey, indexes: Iterable[Index] = INDEXES) -> list[str]:
    """The unique indexes that could not stay with ``collection`` spread by ``key``, by their fields."""
    return [
        ", ".join(name for name, _ in index.keys)
        for index in indexes
        if index.collection == collection
        and index.options.get("unique")
        and not keeps_unique(key, [name for name, _ in index.keys])
    ]


def keeps_unique(key: ShardKey, fields: Sequence[str]) -> bool:
    """Whether an index of ``fields`` can be unique. Names count, not directions: hashed ones do, too."""
    return [name for name, _ in key] == list(fields[: len(key)]) or fields[0] == "_id"


def document(key: ShardKey) -> dict[str, Literal[1, "hashed"]]:
    """As commands have it."""
    return dict(key)


def default_boards() -> list[str]:
    """Boards there are before anybody has played. Sorted."""
    return sorted({ALL, *(league_board(str(mode["league"])) for mode in DEFAULT_MODES)})


def boards_of(leagues: Iterable[str], realms: Iterable[str]) -> list[str]:
    """Boards there are with these leagues and realms. Sorted."""
    return sorted({ALL, *map(league_board, leagues), *map(realm_board, realms)})


def zone_of(region: str, collection: str) -> str:
    return f"{region}.{collection}"


def zone_ranges(key: ShardKey, boards: Sequence[str]) -> list[Range]:
    """The ranges of a collection's zone. Together they hold every value an arena writes.

    Of a key that begins hashed: one. Of one that begins with a board: one for each board, for an empty collection is
    split within ranges only, and MongoDB wants them to begin with a value (MinKey is none).
    """
    names = [name for name, _ in key]
    if key[0][1] == HASHED:
        return [(dict.fromkeys(names, MinKey()), dict.fromkeys(names, MaxKey()))]
    first, rest = names[0], dict.fromkeys(names[1:], MinKey())
    edges: list[Any] = ["", *boards, MaxKey()]
    return [({first: low, **rest}, {first: high, **rest}) for low, high in pairwise(edges)]
