"""Measures shard keys on a database's documents. Reads only."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pymongo.database import Database
from pymongo.errors import OperationFailure

from chalicelib.arena.ports import Document
from chalicelib.data.sharding import Sharded, ShardKey, document, uniqueness_conflicts
from infra.sharding.analysis import WINDOW, Counted, Figures, Row, spread
from infra.sharding.shapes import recorded, routed

SAMPLE_MAX: Final = 200_000
"""Documents whose order and place are looked at: every n-th. Values are counted over all."""
_ABSENT: Final = 59
Progress = Callable[[str, int, int], None]


class NothingToMeasure(Exception):
    """A collection with no documents, or too few to tell how a key spreads them."""


def measured(
    database: Database[Document],
    one: Sharded,
    keys: Sequence[ShardKey],
    *,
    boards: Sequence[str],
    sample: int = SAMPLE_MAX,
    progress: Progress = lambda _what, _done, _of: None,
) -> list[Figures]:
    """Figures of each of ``keys``. Raises ``NothingToMeasure`` and the driver's errors."""
    rows = _rows(database, one.collection, keys, sample, progress)
    found = []
    for key in keys:
        monotonicity, document_skew, insert_skew, hot = spread(key, rows, one.shards, boards)
        found.append(
            Figures(
                collection=one.collection,
                key=key,
                shards=one.shards,
                counted=_counted(database, one.collection, key),
                monotonicity=monotonicity,
                document_skew=document_skew,
                insert_skew=insert_skew,
                hot_inserts=hot,
                routed=routed(key, one.collection, recorded()),
                conflicts=uniqueness_conflicts(one.collection, key),
            )
        )
    return found


def _rows(
    database: Database[Document], collection: str, keys: Sequence[ShardKey], sample: int, progress: Progress
) -> list[Row]:
    total = database[collection].estimated_document_count()
    if total < WINDOW:
        raise NothingToMeasure(
            f"{database.name}.{collection} has {total or 'no'} documents, and a key is judged on {WINDOW} at least "
            "(python -m bench.sharding makes some)"
        )
    every = -(-total // sample)
    fields = {"_id": 0, **{name: 1 for key in keys for name, _ in key}}
    if any(name == "_id" for key in keys for name, _ in key):
        fields["_id"] = 1
    # A shard set apart keeps documents in the order they came; a mongos merges shards by _id, which begins with time.
    order = "_id" if _is_router(database) else "$natural"
    rows: list[Row] = []
    for number, row in enumerate(database[collection].find({}, fields, sort=[(order, 1)], batch_size=5000)):
        if number % every == 0:
            rows.append(row)
        if number % 50_000 == 0:
            progress(collection, number, total)
    progress(collection, total, total)
    return rows


def _counted(database: Database[Document], collection: str, key: ShardKey) -> Counted:
    value = {f"f{number}": {"$ifNull": [f"${name}", None]} for number, (name, _) in enumerate(key)}
    most: Document = {"$max": {"n": "$n", "value": "$_id"}}
    pipeline: list[Document] = [
        {"$group": {"_id": value, "n": {"$sum": 1}}},
        {"$group": {"_id": None, "distinct": {"$sum": 1}, "documents": {"$sum": "$n"}, "most": most}},
    ]
    (found,) = database[collection].aggregate(pipeline, allowDiskUse=True)
    return Counted(
        documents=int(found["documents"]),
        distinct=int(found["distinct"]),
        most=int(found["most"]["n"]),
        most_frequent=list(found["most"]["value"].values()),
    )


def server_figures(database: Database[Document], collection: str, key: ShardKey) -> Any:
    """What analyzeShardKey (7.0 and newer) says of a key; None where there is no such command."""
    command = {
        "analyzeShardKey": f"{database.name}.{collection}",
        "key": document(key),
        "keyCharacteristics": True,
        "readWriteDistribution": False,
    }
    try:
        return database.client.admin.command(command)["keyCharacteristics"]
    except OperationFailure as error:
        if error.code == _ABSENT:
            return None
        # Without an index that begins with the key, for one.
        return {"error": str((error.details or {}).get("errmsg"))}


def _is_router(database: Database[Document]) -> bool:
    return database.client.admin.command("hello").get("msg") == "isdbgrid"
