"""Backups of a real database under load, restored elsewhere, damaged, and killed in the middle."""

import threading
from typing import Any

import pytest
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.backup.ports import BackupError
from chalicelib.backup.restoring import RestoreFailed, RestoreRefused
from chalicelib.backup.scope import RESTORATIONS
from chalicelib.backup.shelf import DamagedBackup
from chalicelib.data.indexes import INDEXES
from chalicelib.data.snapshots import SnapshotLost
from tests.backup_fixtures import THREADS, fight
from tests.backup_worlds import BackedUp, whole
from tests.consistency import assert_consistent
from tests.ending import set_at_the_end
from tests.fakes.memory_objects import MemoryObjects
from tests.worlds import World, mongo_world

BATTLES = 12
"""Of each thread, at least, while the backup is taken."""


def _restored(database: Database[Document], mongo_uri: str) -> World:
    world, pools = mongo_world(database, mongo_uri)
    pools.close()
    return world


def test_taken_under_load_it_shows_one_point_and_is_restored_as_it_was(
    world: World, backed_up: BackedUp, elsewhere: Database[Document], mongo_uri: str
) -> None:
    """Battles go on between any two reads; ledger, balances, counters and events tell one story all the same."""
    taken = threading.Event()
    writers = threading.Thread(target=fight, args=(world, "during", BATTLES, lambda: not taken.is_set()))
    writers.start()
    fought = [len(world.read("battles"))]

    def let_them_fight(_collection: str, _documents: int) -> None:
        so_far = len(world.read("battles"))
        while writers.is_alive() and len(world.read("battles")) < so_far + 2:
            pass
        fought.append(so_far)

    with set_at_the_end(taken):
        manifest = backed_up.take(let_them_fight)
    writers.join()
    assert fought[-1] > fought[0], "nobody fought while it was taken"
    assert manifest.documents < sum(map(len, whole(world_database(backed_up)).values()))

    backed_up.indexes = INDEXES
    report = backed_up.restore(manifest, elsewhere.name)
    assert (report.documents, report.replayed, report.fenced) == (manifest.documents, None, False)
    assert {name: len(found) for name, found in whole(elsewhere).items()} == {
        record.name: record.documents for record in manifest.collections if record.documents
    }
    restored = _restored(elsewhere, mongo_uri)
    assert_consistent(restored)
    assert 0 < len(restored.read("battles")) < len(world.read("battles"))
    expected = {f"{index.collection}.{index.name}" for index in INDEXES}
    found = {
        f"{name}.{index}" for name in elsewhere.list_collection_names() for index in elsewhere[name].index_information()
    }
    assert expected <= found
    assert not [name for name in elsewhere.list_collection_names() if name.startswith("restoring.")]


def world_database(backed_up: BackedUp) -> Database[Document]:
    return backed_up.pools.client("primary")[backed_up.database]


def test_everything_is_stored_byte_for_byte_as_it_was(
    backed_up: BackedUp, elsewhere: Database[Document], database: Database[Document]
) -> None:
    """Kinds of numbers, order of fields, what is not of this release: nothing passes through anybody's hands."""
    database["ofanotherrelease"].insert_one({"_id": 1, "b": 1, "a": 1.0, "n": None, "x": b"\0", "l": [1, {"k": 2**40}]})
    before = whole(database)
    manifest = backed_up.take()
    backed_up.restore(manifest, elsewhere.name)
    after = whole(elsewhere)
    assert after == before
    mark = elsewhere[RESTORATIONS].find_one({}) or {}
    assert (mark["state"], mark["backup"]) == ("done", manifest.name.id)
    database.drop_collection("ofanotherrelease")


def test_a_database_that_is_not_empty_is_refused_and_left_alone(
    backed_up: BackedUp, elsewhere: Database[Document]
) -> None:
    elsewhere["users"].insert_one({"_id": 1})
    # A region writes these by itself.
    elsewhere["fences"].insert_one({"_id": "schedule:seasons", "fence": 7})
    with pytest.raises(RestoreRefused, match=r"is not empty: users \(1\)\."):
        backed_up.restore(backed_up.take(), elsewhere.name)
    assert sorted(elsewhere.list_collection_names()) == ["fences", "users"]


def test_one_with_empty_collections_is_empty(backed_up: BackedUp, elsewhere: Database[Document]) -> None:
    """Somebody has made the indexes already; what the region writes by itself stays."""
    elsewhere["users"].create_index("telegramId", unique=True)
    elsewhere["fences"].insert_one({"_id": "schedule:seasons", "fence": 7})
    manifest = backed_up.take()
    backed_up.restore(manifest, elsewhere.name)
    assert elsewhere["users"].count_documents({}) == THREADS
    assert elsewhere["fences"].find_one({})["fence"] == 7  # type: ignore[index]  # it is there


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing", "manifest flipped", "manifest of another"])
def test_damage_is_refused_naming_the_object_before_anything_is_written(
    damage: str, backed_up: BackedUp, elsewhere: Database[Document]
) -> None:
    manifest, other = backed_up.take(), backed_up.take()
    objects = backed_up.objects
    assert isinstance(objects, MemoryObjects)
    key = manifest.name.manifest_key if "manifest" in damage else manifest.keys[len(manifest.keys) // 2]
    body = bytearray(objects.objects.pop(key))
    if "flipped" in damage:
        body[len(body) // 2] ^= 1
    elif damage == "truncated":
        del body[-1]
    if damage == "manifest of another":
        body = bytearray(objects.get(other.name.manifest_key))
    if damage != "missing":
        objects.put(key, bytes(body))
    with pytest.raises(DamagedBackup) as error:
        backed_up.restore(backed_up.shelf.manifest(manifest.name), elsewhere.name)
    assert str(error.value).startswith(key)
    assert elsewhere.list_collection_names() == []


def test_an_object_that_is_damaged_after_it_was_checked_leaves_nothing_that_looks_whole(
    backed_up: BackedUp, elsewhere: Database[Document]
) -> None:
    manifest = backed_up.take()
    objects = backed_up.objects
    assert isinstance(objects, MemoryObjects)
    kept = dict(objects.objects)

    def gone(what: str, _more: int) -> None:
        if what.startswith("loaded"):
            objects.objects.pop(manifest.keys[-1], None)

    with pytest.raises(DamagedBackup, match=manifest.keys[-1]):
        backed_up.restore(manifest, elsewhere.name, told=gone)
    assert whole(elsewhere) == {}
    objects.objects = kept
    with pytest.raises(RestoreRefused, match=f"a restoration of {manifest.name.id} began there"):
        backed_up.restore(manifest, elsewhere.name)
    backed_up.restore(manifest, elsewhere.name, again=True)
    assert elsewhere["users"].count_documents({}) == THREADS


def test_what_somebody_else_writes_meanwhile_is_noticed(backed_up: BackedUp, elsewhere: Database[Document]) -> None:
    """Into what is being loaded; and into the database, whose collections are then theirs."""
    manifest = backed_up.take()

    def meddle(what: str, _more: int) -> None:
        if what == "loaded users":
            elsewhere["restoring.users"].update_one({}, {"$set": {"username": "by hand"}})

    with pytest.raises(RestoreFailed, match="users has 4 documents that are not the backup's 4"):
        backed_up.restore(manifest, elsewhere.name, told=meddle)
    assert whole(elsewhere) == {}

    def write(what: str, _more: int) -> None:
        if what == "verified users":
            elsewhere["users"].insert_one({"_id": 1})

    with pytest.raises(BackupError, match="somebody has written into users"):
        backed_up.restore(manifest, elsewhere.name, told=write, again=True)
    assert elsewhere["users"].count_documents({}) == 1
    elsewhere["users"].delete_many({})
    backed_up.restore(manifest, elsewhere.name, again=True)
    assert elsewhere["users"].count_documents({}) == THREADS


def test_of_two_restorations_into_one_database_one_goes_through(
    backed_up: BackedUp, elsewhere: Database[Document]
) -> None:
    manifest = backed_up.take()
    inner: list[Any] = []

    def other(what: str, _more: int) -> None:
        if what.startswith("checked") and not inner:
            inner.append(None)
            inner.append(backed_up.restore(manifest, elsewhere.name))

    with pytest.raises(RestoreRefused, match="has just begun"):
        backed_up.restore(manifest, elsewhere.name, told=other)
    assert elsewhere["users"].count_documents({}) == THREADS


def test_a_collection_dropped_while_it_is_read_makes_no_backup(
    backed_up: BackedUp, database: Database[Document]
) -> None:
    """Reading it would just end early."""
    for name in ("zebras", "zoos"):
        database[name].insert_many([{"_id": number} for number in range(10)])

    def drop(collection: str, _documents: int) -> None:
        if collection == "zebras":
            database.drop_collection("zoos")

    with pytest.raises(BackupError, match="zoos"):
        backed_up.take(drop)
    assert backed_up.objects.objects == {}  # type: ignore[attr-defined]  # in memory
    database.drop_collection("zebras")


def test_a_point_the_server_does_not_keep_makes_no_backup(backed_up: BackedUp, database: Database[Document]) -> None:
    """Reading took longer than its window; it never shows another point instead."""
    admin, window = database.client.admin, "minSnapshotHistoryWindowInSeconds"
    before = admin.command({"getParameter": 1, window: 1})[window]
    admin.command({"setParameter": 1, window: 0})

    def go_on_writing(_collection: str, _documents: int) -> None:
        for _ in range(20):
            database["zoo"].insert_one({})

    try:
        with pytest.raises(SnapshotLost, match="does not keep the snapshot's point any more"):
            backed_up.take(go_on_writing)
    finally:
        admin.command({"setParameter": 1, window: before})
    assert backed_up.objects.objects == {}  # type: ignore[attr-defined]  # in memory
