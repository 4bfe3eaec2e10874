"""What a transaction writes and reads as plain commands, and where it leaves that to the driver."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, WriteError

from chalicelib.arena.ports import Document
from chalicelib.arena.ports import Update as Change
from chalicelib.data.operations import Aggregate, Create, Operations, Update
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.transactions import Transactions
from chalicelib.errors import Conflict, Unavailable
from tests.recorder import Recorder

COLLECTION = "things"
TRIES = 5


class Door:
    """Operations in transactions of their own, and the commands they took."""

    def __init__(self, pools: Pools, database: str, recorder: Recorder) -> None:
        self._operations = Operations(pools, database)
        self._transactions = Transactions(pools, budget_seconds=60)
        self._recorder = recorder

    def run(self, operation: Any) -> Any:
        return self._transactions.run(lambda session: self._operations.execute(operation, session=session))

    def commands_of(self, operation: Any) -> list[str]:
        self._recorder.taken()
        self.run(operation)
        return [next(iter(command)) for command in self._recorder.taken()]


@pytest.fixture
def door(mongo_uri: str, database: Database[Document]) -> Iterator[Door]:
    recorder = Recorder()
    pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS), listeners=[recorder])
    yield Door(pools, database.name, recorder)
    pools.close()


def things(*numbers: int, **others: Any) -> list[Document]:
    return [{"_id": number, **others} for number in numbers]


def test_few_writes_are_one_command_and_many_are_all_written(door: Door, database: Database[Document]) -> None:
    """As many as the driver would take apart are left to it."""
    assert door.commands_of(Create(COLLECTION, things(*range(4)))) == ["insert", "commitTransaction"]
    assert door.run(Create(COLLECTION, things(*range(4, 300)))) == 296
    assert database[COLLECTION].count_documents({}) == 300
    changes = [Change(COLLECTION, {"_id": number}, {"$set": {"seen": True}}) for number in range(300)]
    assert door.commands_of(Update(changes[:4])) == ["update", "commitTransaction"]
    assert door.run(Update(changes)) == 300
    assert database[COLLECTION].count_documents({"seen": True}) == 300


def test_documents_too_large_for_one_command_are_all_written(door: Door, database: Database[Document]) -> None:
    """One by one each may be sent."""
    assert door.run(Create(COLLECTION, things(*range(3), text="x" * 6_000_000))) == 3
    assert database[COLLECTION].count_documents({}) == 3


def test_updates_tell_how_many_found_or_created_their_document(door: Door) -> None:
    """Whether by themselves or together."""
    missing = Change(COLLECTION, {"_id": 1}, {"$inc": {"n": 1}})
    created = Change(COLLECTION, {"_id": 2}, {"$inc": {"n": 1}}, upsert=True)
    assert door.run(Update([missing])) == 0
    assert door.run(Update([created])) == 1
    assert door.run(Update([missing, created])) == 1
    unchanged = Change(COLLECTION, {"_id": 2}, {"$set": {"n": 2}})
    assert door.run(Update([unchanged])) == 1


def test_a_refused_write_is_raised_as_the_driver_raises_it(door: Door, database: Database[Document]) -> None:
    """By its code; nothing of its transaction stays."""
    database[COLLECTION].insert_one({"_id": 7, "text": "no number"})
    with pytest.raises(Conflict) as taken:
        door.run(Create(COLLECTION, things(6, 7)))
    assert isinstance(taken.value.__cause__, DuplicateKeyError)
    with pytest.raises(WriteError) as wrong:
        door.run(Update([Change(COLLECTION, {"_id": 7}, {"$inc": {"text": 1}})]))
    assert wrong.value.code == 14
    assert database[COLLECTION].count_documents({}) == 1


def test_a_pipeline_gives_everything_however_much_it_is(door: Door, database: Database[Document]) -> None:
    """The server's first answer holds a hundred documents."""
    database[COLLECTION].insert_many(things(*range(250)))
    pipeline = [{"$sort": {"_id": 1}}]
    assert [row["_id"] for row in door.run(Aggregate(COLLECTION, pipeline))] == list(range(250))
    assert door.commands_of(Aggregate(COLLECTION, [*pipeline, {"$limit": 100}])) == ["aggregate", "commitTransaction"]


def test_what_runs_out_of_time_is_aborted(mongo_uri: str, database: Database[Document]) -> None:
    """Else the database keeps its locks until it gives up the transaction by itself."""

    def sent() -> list[str]:
        return [next(iter(command)) for command in recorder.commands]

    recorder = Recorder()
    pools = Pools(mongo_uri, without_secondaries(ENVIRONMENT_POOLS), listeners=[recorder])
    operations = Operations(pools, database.name)
    database[COLLECTION].insert_many(things(*range(TRIES)))

    def for_ever(number: int, session: ClientSession) -> None:
        change = Update([Change(COLLECTION, {"_id": number}, {"$inc": {"n": 1}})])
        while True:
            operations.execute(change, session=session)

    # A busy machine may take all of its time before anything is sent, or the second there is for the end. Each try has
    # a document of its own: what meets the lock of an earlier one is aborted by the driver.
    for number in range(TRIES):
        with pytest.raises(Unavailable):
            Transactions(pools, budget_seconds=0.5).run(partial(for_ever, number))
        if sent()[-1:] == ["abortTransaction"]:
            break
    assert sent()[-1:] == ["abortTransaction"]
    pools.close()
