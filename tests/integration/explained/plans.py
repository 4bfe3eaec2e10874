"""Explains a recorded command and says what is wrong with how the server carries it out.

Wrong is: a collection scan, anywhere; a sort in memory of more than ``SORTED_MAX`` documents; reading far more
documents or keys than are returned; a plan over a collection too empty to prove anything.

The server explains a ``$lookup`` by totals only: scans, documents, keys, but no plan and no sort. So every lookup's
own pipeline is explained as well, as a query on its collection, for the first document that reaches it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bson import json_util
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.database import Database

from chalicelib.arena.ports import Document

SORTED_MAX = 100
"""Documents that may be sorted in memory: a player's guilds or the operators' modes, never a whole collection."""

READ_ON_MAX = 200
READ_PER_RESULT_MAX = 5
"""A query may read this much beside and per document it returns (or changes)."""

POPULATED_MIN = 1000
"""Documents a collection must have, unless it is small by nature."""

WRITES = {"update", "findAndModify"}
READS = {"find", "aggregate"}
UNEXPLAINED = {
    "insert": "finds nothing",
    "getMore": "goes on with a query that is explained",
    "commitTransaction": "no query",
    "abortTransaction": "no query",
    "ping": "no query",
}
_NOT_OF_THE_QUERY = {
    *("lsid", "txnNumber", "startTransaction", "autocommit", "$clusterTime", "$db", "$readPreference"),
    *("readConcern", "writeConcern", "maxTimeMS", "ordered", "cursor"),
}


_ANY_MOMENT: CodecOptions[Document] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)
"""The bounds of an index without an upper end are beyond what Python calls a year."""


class Kind(Enum):
    """Of fault. A scenario may permit the latter two, with a reason."""

    SCAN = "scan"
    SORT = "sort"
    READ = "read"


class Unexplainable(Exception):
    """The test does not know how to explain this: teach it."""


Wrong = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and with which query."""

    kind: Kind
    what: str
    collection: str
    query: Any

    def __str__(self) -> str:
        return f"{self.what}\n    {self.collection}: {json_util.dumps(self.query)[:600]}"


class Explainer:
    """Explains commands on one database. ``small`` names the collections that hold few documents by nature."""

    def __init__(self, database: Database[Document], small: frozenset[str]) -> None:
        self._database = database
        self._small = small

    def faults(self, command: Document) -> list[Fault]:
        """What is wrong with ``command``."""
        found: list[Fault] = []
        for single in _singles(command):
            self._judge(single, found)
        return found

    def explained(self, command: Document) -> bool:
        """Whether ``faults`` looks at this kind of command."""
        name = next(iter(command))
        if name not in WRITES | READS | UNEXPLAINED.keys():
            raise Unexplainable(f"{name}: {command}")
        return name not in UNEXPLAINED

    def _judge(self, command: Document, found: list[Fault]) -> None:
        name = next(iter(command))
        collection = str(command[name])
        query = command.get("pipeline") or command.get("updates") or command.get("filter") or command.get("query")
        plan = self._database.command("explain", command, verbosity="executionStats", codec_options=_ANY_MOMENT)
        if isinstance(command[name], str):
            self._require_documents(collection)
        found += [Fault(kind, what, collection, query) for kind, what in _wrong_in(plan)]
        if name == "aggregate":
            pipeline: Sequence[Document] = command["pipeline"]
            self._judge_lookups(command[name], pipeline, command.get("let", {}), found)

    def _judge_lookups(
        self, collection: str | int, pipeline: Sequence[Document], let: Document, found: list[Fault]
    ) -> None:
        for number, stage in enumerate(pipeline):
            (kind,) = stage
            if kind in ("$unionWith", "$graphLookup", "$facet", "$merge", "$out"):
                raise Unexplainable(f"{kind} on {collection}")
            if kind == "$lookup":
                outer = self._first(collection, pipeline[:number], let)
                self._judge(_inner(stage["$lookup"], outer), found)

    def _first(self, collection: str | int, pipeline: Sequence[Document], let: Document) -> Document:
        """The first document that comes out of ``pipeline``."""
        command = {"aggregate": collection, "pipeline": [*pipeline, {"$limit": 1}], "let": let, "cursor": {}}
        batch = self._database.command(command)["cursor"]["firstBatch"]
        if not batch:
            raise Unexplainable(f"nothing reaches the lookup after {pipeline} on {collection}: give the scenario data")
        first: Document = batch[0]
        return first

    def _require_documents(self, collection: str) -> None:
        count = self._database[collection].estimated_document_count()
        if count < (1 if collection in self._small else POPULATED_MIN):
            raise Unexplainable(f"{collection} has {count} documents: let the town have more of them")


def _singles(command: Document) -> Iterator[Document]:
    """``command`` without what belongs to its transaction, one statement at a time."""
    name = next(iter(command))
    bare = {key: value for key, value in command.items() if key not in _NOT_OF_THE_QUERY}
    if name == "update":
        for statement in command["updates"]:
            yield {**bare, "updates": [statement]}
    elif name == "aggregate":
        yield {**bare, "cursor": {}}
    else:
        yield bare


def _inner(lookup: Document, outer: Document) -> Document:
    """A lookup's own query, for the document ``outer`` that reaches it."""
    let = {name: _value(path, outer) for name, path in lookup.get("let", {}).items()}
    pipeline = list(lookup.get("pipeline", ()))
    if "localField" in lookup:
        pipeline = [{"$match": {lookup["foreignField"]: _value(f"${lookup['localField']}", outer)}}, *pipeline]
    return {"aggregate": lookup["from"], "pipeline": pipeline, "let": let, "cursor": {}}


def _value(path: Any, document: Document) -> Any:
    if not isinstance(path, str) or not path.startswith("$") or path.startswith("$$") or "." in path:
        raise Unexplainable(f"a lookup by {path!r}")
    return document[path[1:]]


def _wrong_in(plan: Document) -> Iterator[Wrong]:
    stages: Sequence[Document] = plan.get("stages", [])
    for stage in stages:
        if stage.get("collectionScans"):
            yield Kind.SCAN, "COLLSCAN in a $lookup"
        if "$sort" in stage and _returned_before(stage, stages) > SORTED_MAX:
            yield Kind.SORT, f"SORT in memory of {_returned_before(stage, stages)} documents"
    for cursor in [plan, *(stage["$cursor"] for stage in stages if "$cursor" in stage)]:
        yield from _wrong_in_query(cursor)


def _wrong_in_query(cursor: Document) -> Iterator[Wrong]:
    winning = cursor.get("queryPlanner", {}).get("winningPlan")
    if winning is None:
        return
    names = {stage["stage"] for stage in _stages(winning)}
    if "COLLSCAN" in names:
        yield Kind.SCAN, "COLLSCAN"
    if "EOF" in names:
        yield Kind.SCAN, "EOF: no such collection, so nothing is proven"
    loops = [stage for stage in _stages(winning) if stage["stage"] == "EQ_LOOKUP"]
    if any(stage["strategy"] != "IndexedLoopJoin" for stage in loops):
        yield Kind.SCAN, "COLLSCAN in a $lookup"
    figures = cursor["executionStats"]
    for stage in _stages(figures["executionStages"]):
        if stage["stage"].upper() == "SORT":
            sorted_documents = max((child["nReturned"] for child in _children(stage)), default=0)
            if sorted_documents > SORTED_MAX:
                yield Kind.SORT, f"SORT in memory of {sorted_documents} documents"
    returned = max(figures["nReturned"], _changed(figures["executionStages"]))
    most = READ_ON_MAX + READ_PER_RESULT_MAX * returned
    for kind in ("totalKeysExamined", "totalDocsExamined"):
        if figures[kind] > most:
            yield Kind.READ, f"{kind} {figures[kind]} for {returned} result(s)"


def _returned_before(stage: Document, stages: Sequence[Document]) -> int:
    place = stages.index(stage)
    return int(stages[place - 1].get("nReturned", 0)) if place else 0


def _changed(stage: Document) -> int:
    return max((int(part.get("nWouldModify", 0)) for part in _stages(stage)), default=0)


def _children(stage: Document) -> list[Document]:
    inputs = [stage["inputStage"]] if "inputStage" in stage else []
    return [*inputs, *stage.get("inputStages", ())]


def _stages(plan: Any) -> Iterator[Document]:
    """Every stage of a plan, rejected ones left out."""
    if isinstance(plan, Mapping):
        if "stage" in plan:
            yield dict(plan)
        for name, value in plan.items():
            if name != "rejectedPlans":
                yield from _stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _stages(value)
