"""Backups and restorations that die in the middle: nothing looks whole, and the next one goes through."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.backup.restoring import RestoreRefused
from chalicelib.data.indexes import INDEXES
from chalicelib.data.restores import MongoRestoreTarget
from infra.object_directory import DirectoryObjects
from tests.backup_worlds import BackedUp, whole
from tests.children import fork_server
from tests.integration.backup_child import restore_until_killed, take_until_killed


class Dying(MongoRestoreTarget):
    """Dies when so many collections have no name yet."""

    left = 3

    def publish(self, collection: str) -> None:
        if sum(name.startswith("restoring.") for name in self.leftovers()) == self.left:
            raise KilledError
        super().publish(collection)


class KilledError(Exception):
    """Stands for the process's death."""


def test_dead_while_giving_names_it_is_finished_by_the_next_one(
    backed_up: BackedUp, elsewhere: Database[Document], database: Database[Document]
) -> None:
    """All was proved whole by then: nothing is loaded again, and another backup has to wait."""
    manifest, other = backed_up.take(), backed_up.take()
    backed_up.target = Dying
    backed_up.indexes = [index for index in INDEXES if index.collection == "outbox"]
    with pytest.raises(KilledError):
        backed_up.restore(manifest, elsewhere.name)
    assert len([name for name in elsewhere.list_collection_names() if name.startswith("restoring.")]) == Dying.left
    expiring = [one for one in elsewhere["restoring.outbox"].list_indexes() if "expireAfterSeconds" in one]
    assert (elsewhere["restoring.outbox"].count_documents({}) > 0, expiring) == (True, [])
    backed_up.target = MongoRestoreTarget
    with pytest.raises(RestoreRefused, match="is verified"):
        backed_up.restore(manifest, elsewhere.name)
    with pytest.raises(RestoreRefused, match=f"finish the restoration of {manifest.name.id} there first"):
        backed_up.restore(other, elsewhere.name, again=True)
    told: list[str] = []
    report = backed_up.restore(manifest, elsewhere.name, again=True, told=lambda what, _more: told.append(what))
    assert (told, report.documents) == ([], manifest.documents)
    assert whole(elsewhere) == whole(database)


def _killed(work: Callable[..., None], *arguments: Any, after: int) -> None:
    """Runs ``work`` until it has gone on ``after`` times, then kills it with -9."""
    context = fork_server()
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(*arguments, after, sender), daemon=True)
    child.start()
    sender.close()
    assert receiver.recv() == after
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL


def test_killed_in_the_middle_nothing_looks_whole_and_the_next_one_goes_through(
    backed_up: BackedUp, elsewhere: Database[Document], database: Database[Document], tmp_path: Path
) -> None:
    """The backup after some parts; the restoration while loading, while verifying, and when all is verified."""
    uri, store = backed_up.uri, DirectoryObjects(tmp_path)
    _killed(take_until_killed, uri, database.name, str(tmp_path), after=4)
    assert len(list(store.list("data/"))) >= 4
    on_disk = BackedUp(uri, database.name, store)
    assert on_disk.shelf.names() == []
    manifest = on_disk.take()
    assert on_disk.shelf.names() == [manifest.name]
    expected = whole(database)
    parts, collections = len(manifest.keys), sum(1 for one in manifest.collections if one.documents)
    for after in (parts + 2, 2 * parts + collections // 2, 2 * parts + collections):
        _killed(
            restore_until_killed,
            uri,
            database.name,
            str(tmp_path),
            elsewhere.name,
            after > parts + 2,
            after=after,
        )
        assert whole(elsewhere) == {}, f"killed after {after}"
        with pytest.raises(RestoreRefused, match="began there"):
            on_disk.restore(manifest, elsewhere.name)
    on_disk.restore(manifest, elsewhere.name, again=True)
    assert whole(elsewhere) == expected
    on_disk.close()
