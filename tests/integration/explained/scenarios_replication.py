"""What the other regions wait for, and what they tell."""

from collections.abc import Callable
from typing import Any

from chalicelib.arena.ports import Document
from chalicelib.data.outbox import MongoOutbox
from chalicelib.data.replica import MongoReplica, MongoReplicaSnapshot
from chalicelib.data.store import MongoReads
from chalicelib.replication.applying import decide
from chalicelib.replication.ports import APPLIED, Event, Wanted
from chalicelib.replication.rules import DOCUMENTS, FACTS
from tests.integration.explained.registry import covers
from tests.integration.explained.scenarios_follow_ups import WAITING
from tests.integration.explained.town import FAR, MAIN, Town, document_of, inhabits, oid, player_id
from tests.worlds import NOON

EVENTS = [oid("outbox", number) for number in range(1001, 1021)]


@covers(MongoOutbox.claim)
def _(town: Town, claim: Callable[..., Any]) -> None:
    first, second = claim(WAITING[0], NOON, 100), claim(WAITING[0], NOON, 100)
    assert len(first) == len(second) == 100


@covers(MongoOutbox.sent)
def _(town: Town, sent: Callable[..., Any]) -> None:
    sent(WAITING[0], EVENTS, NOON)


@covers(MongoOutbox.set_aside)
def _(town: Town, set_aside: Callable[..., Any]) -> None:
    set_aside(WAITING[1], dict.fromkeys(EVENTS, "too_large"), NOON)


@covers(MongoOutbox.waiting, reads_on="counts what waits, up to a bound")
def _(town: Town, waiting: Callable[..., Any]) -> None:
    found = waiting(WAITING[0])
    assert found.events > 1000
    assert found.set_aside >= 100


@inhabits(APPLIED, 1500)
def _applied(number: int) -> Document:
    return {"region": "eu-west-1", "occurredAt": NOON, "appliedAt": NOON, "expiresAt": FAR}


@covers(MongoReads.lookup)
def _(town: Town, lookup: Callable[..., Any]) -> None:
    """By each name a document has."""
    assert lookup("users", {"telegramId": MAIN, "neurBalance": {"$gte": 1}})
    assert lookup("brokers", {"_id": oid("brokers", 7), "energy": 100})
    assert lookup("gamemodes", {"key": "mode-3"})


@covers(MongoReplicaSnapshot.economy_config)
def _(town: Town, economy_config: Callable[..., Any]) -> None:
    assert economy_config()


@covers(MongoReplicaSnapshot.find_all)
def _(town: Town, find_all: Callable[..., Any]) -> None:
    """Documents by their keys and unique names, facts by what names them."""
    wanted: list[Wanted] = [(APPLIED, {"_id": [oid(APPLIED, number) for number in range(10)]})]
    for collection, rule in DOCUMENTS.items():
        for field in {rule.key, rule.unique} - {None}:
            some = town.database[collection].find_one({field: {"$gt": ""}}) or town.database[collection].find_one()
            assert some is not None
            wanted.append((collection, {str(field): [some[str(field)]]}))
    for collection, facts in FACTS.items():
        known = town.database[collection].find_one({field: {"$exists": True} for field in facts.identity})
        assert known is not None
        wanted.append((collection, {field: [known[field]] for field in facts.identity}))
    applied, *others = find_all(wanted)
    assert len(applied) == 10
    assert all(others)


@covers(MongoReplica.transact)
def _(town: Town, transact: Callable[..., Any]) -> None:
    """What changes, and what begins, of every kind."""
    battle = document_of(town, "battles", requestId="battle-9")
    stored = {name: document_of(town, name, _id=oid(name, 6)) for name in ("brokers", "guilds", "globalbosses")}
    new = oid("events", 1)
    changes: list[Document] = [
        {"collection": "users", "key": player_id(5), "set": {"bio": "told"}, "entries": {}, "base": {}},
        *(
            {"collection": name, "key": row["_id"], "set": {"name": "told"}, "entries": {}, "base": {}}
            for name, row in stored.items()
        ),
        {"collection": "battles", "facts": [{**battle, "_id": new, "requestId": "told"}]},
        {"collection": "guilds", "key": new, "id": new, "set": {"name": "x"}, "entries": {}, "base": {}, "new": True},
    ]
    version = f"{int(NOON.timestamp() * 1000):012x}0000e"
    event = Event(event_id=new, source_region="eu-west-1", version=version, occurred_at=NOON, changes=changes)
    assert [one.fate for one in transact(lambda snapshot: decide([event], snapshot, NOON))] == ["applied"]
    assert [one.fate for one in transact(lambda snapshot: decide([event], snapshot, NOON))] == ["duplicate"]
