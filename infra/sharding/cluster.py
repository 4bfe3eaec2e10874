"""A cluster as its mongos tells it: what it has (``present``), and one step after the other (``apply``)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from chalicelib.arena.ports import Document
from chalicelib.data.sharding import HASHED, MADE_BEFOREHAND, Range, Sharded, ShardKey, boards_of, default_boards
from infra.sharding.steps import Plan, Present, Step, Wanted, plan

Client = MongoClient[Document]
DRAINED: Final = "draining"
_NO_COLLECTION: Final = 26


@dataclass(kw_only=True)
class Applied:
    """What became of a plan."""

    done: list[Step] = field(default_factory=list)
    left: Sequence[Step] = ()
    blockers: Sequence[str] = ()
    failure: str = ""

    @property
    def complete(self) -> bool:
        return not (self.left or self.blockers or self.failure)


def present(client: Client, wanted: Wanted) -> Present:
    """What the cluster has of what is ``wanted``. Raises the driver's errors."""
    hello = client.admin.command("hello")
    if hello.get("msg") != "isdbgrid":
        return Present(is_router=False)
    config, database = client["config"], client[wanted.database]
    namespaces = {f"{wanted.database}.{one.collection}": one.collection for one in wanted.collections}
    named = {"$in": list(namespaces)}
    zones: defaultdict[str, list[tuple[Range, str]]] = defaultdict(list)
    for tag in config["tags"].find({"ns": named}):
        zones[namespaces[tag["ns"]]].append(((tag["min"], tag["max"]), tag["tag"]))
    keys = {namespaces[found["_id"]]: as_key(found["key"]) for found in sharded_in(client, list(namespaces))}
    whole = [one for one in wanted.collections if one.collection not in keys]
    filled = frozenset(one.collection for one in whole if database[one.collection].find_one({}, {"_id": 1}))
    return Present(
        version=server_version(client),
        has_database=config["databases"].find_one({"_id": wanted.database}) is not None,
        shards={
            shard["_id"]: frozenset(shard.get("tags", ()))
            for shard in config["shards"].find({})
            if not shard.get(DRAINED)
        },
        zones=zones,
        keys=keys,
        indexes={one.collection: indexes(client, wanted.database, one.collection) for one in whole},
        filled=filled,
        unfit=dict(_unfit(client, wanted.database, [one for one in whole if one.collection in filled])),
        made=frozenset(database.list_collection_names(filter={"name": {"$in": list(MADE_BEFOREHAND)}})),
        boards=boards(client, wanted.database),
    )


def server_version(client: Client) -> tuple[int, ...]:
    return tuple(client.admin.command("buildInfo")["versionArray"][:3])


def sharded_in(client: Client, namespaces: Sequence[str]) -> list[Document]:
    """Rows of config.collections. Before 5.0 there were some of dropped ones, too."""
    return list(client["config"]["collections"].find({"_id": {"$in": namespaces}, "dropped": {"$ne": True}}))


def as_key(stored: Mapping[str, Any]) -> ShardKey:
    """Numbers come back as doubles where the shell wrote them."""
    return tuple((name, HASHED if kind == HASHED else 1) for name, kind in stored.items())


def indexes(client: Client, database: str, collection: str) -> list[Document]:
    """None of a collection that does not exist."""
    try:
        return [dict(index) for index in client[database][collection].list_indexes()]
    except OperationFailure as error:
        if error.code != _NO_COLLECTION:
            raise
        return []


def apply(
    client: Client, wanted: Wanted, *, before: Callable[[Step, int], None] = lambda _step, _left: None
) -> Applied:
    """Takes step after step, each planned on what the cluster has by then.

    So a run may end anywhere, and the next one goes on; two at once do no harm. ``before`` hears of each step and of
    how many are left. Failures are told, not raised.
    """
    result = Applied()
    try:
        while True:
            planned = plan(wanted, present(client, wanted))
            result.left, result.blockers = planned.steps, planned.blockers
            if not planned.steps or planned.blockers:
                return result
            step = planned.steps[0]
            if step in result.done:
                result.failure = f"{step.name} was accepted and has changed nothing: {step.shell}"
                return result
            before(step, len(planned.steps))
            client[step.database].command(step.command)
            result.done.append(step)
    except OperationFailure as error:
        result.failure = f"{_at(result)}: {error.details.get('errmsg') if error.details else error} (code {error.code})"
    except PyMongoError as error:
        # Not its text, which goes on about the topology.
        result.failure = f"{_at(result)}: the cluster did not answer ({type(error).__name__}); run it again"
    return result


def _at(result: Applied) -> str:
    return result.left[0].shell if result.left else "looking at the cluster"


def planned(client: Client, wanted: Wanted) -> Plan:
    return plan(wanted, present(client, wanted))


def _unfit(client: Client, database: str, collections: Sequence[Sharded]) -> Iterator[tuple[str, Any]]:
    for one in collections:
        wrong = [{name: condition} for name in dict(one.key) for condition in ({"$exists": False}, {"$type": "array"})]
        found = client[database][one.collection].find_one({"$or": wrong}, {"_id": 1})
        if found is not None:
            yield one.collection, found["_id"]


def boards(client: Client, database: str) -> list[str]:
    """Of the modes' leagues and the realms; the default ones where there are none yet."""
    leagues = {mode.get("league") for mode in client[database]["gamemodes"].find({}, {"league": 1})}
    realms = {realm.get("key") for realm in client[database]["realms"].find({}, {"key": 1})}
    named = boards_of(*({name for name in names if isinstance(name, str)} for names in (leagues, realms)))
    return sorted({*default_boards(), *named})
