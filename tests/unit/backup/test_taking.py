"""A backup is whole or does not exist."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chalicelib.backup.keeping import BackupPlan, Keep
from chalicelib.backup.manifest import Manifest
from chalicelib.backup.naming import of_part
from chalicelib.backup.ports import BackupError, StoreUnavailable
from chalicelib.backup.shelf import DamagedBackup, Shelf
from chalicelib.backup.taking import Backups, OutOfTime
from chalicelib.clock import ManualClock
from chalicelib.locks import FencedOut, Guard
from tests.backup_worlds import NOON, REGION, PaperSnapshot, token
from tests.fakes.memory_objects import MemoryObjects

EMPTY = b"\x05\0\0\0\0"
PLAN = BackupPlan(every=timedelta(hours=1), keep=Keep(hourly=2, daily=1, weekly=1))
GUARD = Guard("schedule:backup", 7)


class Log:
    """Notes what succeeded; refuses guards that are not the newest."""

    def __init__(self, newest: int = 7) -> None:
        self.newest = newest
        self.found: list[Manifest] = []

    def succeeded(self, manifest: Manifest, guard: Guard | None, _now: object) -> None:
        if guard is not None and guard.fence < self.newest:
            raise FencedOut(guard)
        self.found.append(manifest)

    def noted(self) -> str | None:
        return self.found[-1].name.id if self.found else None

    def last_success(self) -> None:
        return None


class Setting:
    """One made-up database, and its backups."""

    def __init__(self, **documents: list[bytes]) -> None:
        self.clock = ManualClock(NOON)
        self.objects = MemoryObjects()
        self.snapshot = PaperSnapshot(documents or {"users": [EMPTY * 3, EMPTY], "fences": [EMPTY]})
        self.log = Log()

    @property
    def backups(self) -> Backups:
        return Backups(self.snapshot, self.objects, self.clock, token, region=REGION, database="arena", part_bytes=12)

    def run(self, go_on: Callable[[], bool] = lambda: True) -> str:
        return self.backups.run(PLAN, self.log, go_on, GUARD).backup

    @property
    def names(self) -> list[str]:
        return [name.id for name in Shelf(self.objects).names()]


def test_it_holds_everything_but_what_a_restored_region_must_not_have() -> None:
    setting = Setting()
    whole = setting.backups.take(lambda: True)
    (users,) = whole.collections
    assert (users.name, users.documents, [part.documents for part in users.parts]) == ("users", 4, [3, 1])
    assert whole.left_out == ("fences",)
    shelf = Shelf(setting.objects)
    assert shelf.manifest(shelf.names()[0]) == whole
    shelf.check(whole)
    assert b"".join(shelf.parts(whole, "users")) == EMPTY * 4


def test_an_empty_collection_is_a_collection() -> None:
    setting = Setting(users=[])
    whole = setting.backups.take(lambda: True)
    assert [(one.name, one.documents, one.parts) for one in whole.collections] == [("users", 0, ())]
    Shelf(setting.objects).check(whole)


def test_one_that_runs_out_of_time_says_how_far_it_came_and_leaves_nothing() -> None:
    setting = Setting()
    turns = iter([True, False])
    with pytest.raises(OutOfTime, match="after 3 documents, in users"):
        setting.backups.take(lambda: next(turns))
    assert setting.objects.objects == {}


def test_one_that_fails_leaves_nothing() -> None:
    setting = Setting(brokers=[EMPTY * 9], users=[EMPTY])

    def lost(collection: str) -> None:
        if collection == "users":
            assert setting.objects.objects
            raise BackupError("the snapshot is lost")

    setting.snapshot.during = lost
    with pytest.raises(BackupError, match="is lost"):
        setting.backups.take(lambda: True)
    assert setting.objects.objects == {}


def test_parts_that_somebody_else_took_away_make_no_backup() -> None:
    """By a clock that is hours ahead they are a dead run's."""
    setting = Setting(brokers=[EMPTY * 9], users=[EMPTY])
    setting.snapshot.during = lambda collection: setting.objects.objects.clear() if collection == "users" else None
    with pytest.raises(BackupError, match="parts were taken away meanwhile"):
        setting.backups.take(lambda: True)
    assert setting.objects.objects == {}


class Unanswering(MemoryObjects):
    """Stores manifests and does not say so."""

    def put(self, key: str, body: bytes) -> None:
        super().put(key, body)
        if key.startswith("manifests/"):
            raise StoreUnavailable("no answer")


def test_a_manifest_that_may_be_stored_keeps_its_parts() -> None:
    """Else there were a backup that looks whole."""
    setting = Setting()
    setting.objects = Unanswering()
    with pytest.raises(StoreUnavailable):
        setting.backups.take(lambda: True)
    shelf = Shelf(setting.objects)
    shelf.check(shelf.manifest(shelf.names()[0]))


def test_without_its_manifest_it_does_not_exist() -> None:
    setting = Setting()
    setting.snapshot.during = lambda _collection: None
    whole = setting.backups.take(lambda: True)
    assert list(setting.objects.objects)[-1] == whole.name.manifest_key
    del setting.objects.objects[whole.name.manifest_key]
    assert setting.names == []


def test_the_schedule_takes_one_when_it_is_due_and_no_second_one() -> None:
    """A schedule may fire twice."""
    setting = Setting()
    first = setting.run()
    assert (first, setting.run()) == (setting.names[0], "")
    setting.clock.advance(3600)
    assert setting.run() == setting.names[1]
    assert [manifest.name.id for manifest in setting.log.found] == setting.names


def test_one_that_lies_there_without_being_noted_is_noted_by_the_next_run() -> None:
    """Who took it died before that, or was overtaken by a run that found it there."""
    setting = Setting()
    setting.log.newest = GUARD.fence + 1
    with pytest.raises(FencedOut):
        setting.run()
    setting.log.newest = GUARD.fence
    assert setting.log.found == []
    assert (setting.run(), setting.run()) == ("", "")
    assert [manifest.name.id for manifest in setting.log.found] == setting.names


def test_two_runs_at_once_do_each_other_no_harm() -> None:
    setting = Setting()
    inner: list[str] = []

    def another(_collection: str) -> None:
        if not inner:
            inner.append("")
            inner[0] = setting.run()

    setting.snapshot.during = another
    taken = {setting.run(), *inner}
    # No rule keeps more than one of an hour.
    assert len(taken) == 2
    assert set(setting.names) == {max(taken)}
    for name in Shelf(setting.objects).names():
        shelf = Shelf(setting.objects)
        shelf.check(shelf.manifest(name))


def test_old_ones_go_with_all_that_is_theirs() -> None:
    setting = Setting()
    taken = []
    for _ in range(4):
        taken.append(setting.run())
        setting.clock.advance(3600)
    assert setting.names == taken[2:]
    owners = {owner.id for key in setting.objects.objects if (owner := of_part(key)) is not None}
    assert owners == set(taken[2:])


def test_a_run_that_fails_deletes_no_backup() -> None:
    setting = Setting()
    taken = setting.run()
    for _ in range(50):
        setting.clock.advance(24 * 3600)
        with pytest.raises(OutOfTime):
            setting.run(lambda: False)
    assert setting.names == [taken]


def test_what_a_killed_run_left_goes_once_nobody_can_be_at_it() -> None:
    setting = Setting()
    dead = setting.backups.take(lambda: True)
    del setting.objects.objects[dead.name.manifest_key]
    setting.run()
    assert any(key in setting.objects.objects for key in dead.keys)
    setting.clock.advance(3601)
    setting.run()
    assert not any(key in setting.objects.objects for key in dead.keys)
    assert len(setting.names) == 2


def test_a_run_that_was_overtaken_has_made_a_backup_and_says_nothing_of_it() -> None:
    setting = Setting()
    setting.log.newest = 8
    with pytest.raises(FencedOut):
        setting.run()
    assert len(setting.names) == 1
    assert setting.log.found == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda body: body[:-1] + bytes([body[-1] ^ 1]), "its digest is not the manifest's"),
        (lambda body: body[:-1], "bytes; it had"),
        (lambda body: body + b"x", "bytes; it had"),
        (None, "is missing"),
    ],
)
def test_a_damaged_object_is_named(damage: Callable[[bytes], bytes] | None, words: str) -> None:
    setting = Setting()
    whole = setting.backups.take(lambda: True)
    key = whole.keys[1]
    body = setting.objects.objects.pop(key)
    if damage is not None:
        setting.objects.objects[key] = damage(body)
    with pytest.raises(DamagedBackup, match=words) as error:
        Shelf(setting.objects).check(whole)
    assert str(error.value).startswith(key)


def test_parts_that_changed_places_are_noticed() -> None:
    setting = Setting()
    whole = setting.backups.take(lambda: True)
    first, second = whole.keys
    stored = setting.objects.objects
    stored[first], stored[second] = stored[second], stored[first]
    with pytest.raises(DamagedBackup, match=first):
        Shelf(setting.objects).check(whole)
