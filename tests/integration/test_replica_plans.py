"""Facts of other regions are looked up by the index that names them, however many there are of their kind."""

from collections.abc import Sequence
from typing import Any

from bson import ObjectId
from pymongo.database import Database

from chalicelib.arena.ports import Document, Outcome
from chalicelib.data.pools import GUIDE_POOLS, Pools, without_secondaries
from chalicelib.data.replica import MongoReplica
from chalicelib.data.store import MongoStore
from chalicelib.replication.rules import FACTS
from tests.recorder import Recorder
from tests.worlds import NOON, mongo_world

MANY = 1000


def test_of_a_thousand_alike_only_those_asked_for_are_read(database: Database[Document], mongo_uri: str) -> None:
    """All of one boss, one player, one scope: an index on less than the whole name would read them all."""
    recorder = Recorder()
    pools = Pools(mongo_uri, without_secondaries(GUIDE_POOLS), listeners=[recorder])
    world, _ = mongo_world(database, mongo_uri, pools=pools)
    assert isinstance(world.store, MongoStore)
    boss = ObjectId()
    alike: dict[str, Document] = {
        "battles": {"ownerTelegramId": "7", "createdAt": NOON},
        "ledgerentries": {
            **{"telegramId": "7", "currency": "NEUR", "direction": "credit", "reason": "battle_reward"},
            **{"sourceType": "battle", "createdAt": NOON},
        },
        "actionrunkeys": {"scope": "broker_train", "ownerTelegramId": "7"},
        "bossdamages": {"bossId": boss, "telegramId": "7", "damage": 5},
        "operatoractions": {"createdAt": NOON},
    }
    own = {"ledgerentries": "sourceId", "bossdamages": "battleId", "operatoractions": "_id"}
    assert alike.keys() == FACTS.keys()
    replica = MongoReplica(world.store)
    for collection, fields in alike.items():
        name = own.get(collection, "requestId")
        keys: Sequence[Any] = [ObjectId() if name in ("battleId", "_id") else f"r{n}" for n in range(MANY)]
        facts = [{**fields, name: key} for key in keys]
        database[collection].insert_many([dict(fact) for fact in facts])
        where = {field: list({fact[field] for fact in facts[:3]}) for field in FACTS[collection].identity}
        recorder.taken()
        wanted = [(collection, where)]
        (found,) = replica.transact(lambda snapshot, wanted=wanted: Outcome(snapshot.find_all(wanted)))  # type: ignore[misc]
        assert len(found) == 3, collection
        (asked,) = [command["pipeline"][1]["$lookup"] for command in recorder.taken() if "aggregate" in command]
        (looked_up,) = asked["pipeline"]
        query = {"find": asked["from"], "filter": looked_up["$match"]}
        plan = database.command("explain", query, verbosity="executionStats")
        assert plan["executionStats"]["totalKeysExamined"] <= 10, (collection, plan["queryPlanner"]["winningPlan"])
    pools.close()
