"""The scheduled backup as it is deployed: a real database, S3 as moto plays it, and what the region says of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.aws.objects import S3Objects
from chalicelib.backup.naming import BackupName
from chalicelib.backup.shelf import Shelf
from chalicelib.clock import ManualClock
from chalicelib.entrypoints import backups
from chalicelib.entrypoints.invocations import InvocationFailed
from chalicelib.entrypoints.scheduled import STOPPED
from chalicelib.monitoring.families import BACKUP_LAST_SUCCESS
from chalicelib.wiring.backup import gauges
from tests.installed import SEVERAL_REGIONS, QueueingArena, installed_arena
from tests.integration.test_scheduled_verification import EVENT
from tests.worlds import NOON

BUCKET = "arena-backups"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def arena(database: Database[Document], mongo_uri: str, s3: Any) -> Iterator[QueueingArena]:
    clock = ManualClock(NOON)
    with installed_arena(mongo_uri, database, clock, ARENA_BACKUP_BUCKET=BUCKET, **SEVERAL_REGIONS) as arena:
        yield arena


def _names(s3: Any) -> list[BackupName]:
    return Shelf(S3Objects(lambda: s3, BUCKET)).names()


def test_it_takes_one_an_hour_and_the_region_says_so(arena: QueueingArena, s3: Any) -> None:
    report = backups.backup(EVENT, None)
    (name,) = _names(s3)
    assert (name.id, name.region, name.database) == (report["backup"], "us-east-1", arena.settings.mongo_database)
    shelf = Shelf(S3Objects(lambda: s3, BUCKET))
    manifest = shelf.manifest(name)
    shelf.check(manifest)
    assert manifest.regions == ("us-east-1", "eu-west-1", "ap-southeast-1")
    assert gauges(arena)(NOON)[BACKUP_LAST_SUCCESS] == manifest.point.at.timestamp()
    assert backups.backup(EVENT, None)["backup"] == ""
    arena.clock.advance(3600)  # type: ignore[attr-defined]  # a manual one
    assert backups.backup(EVENT, None)["kept"] == 2
    assert len(_names(s3)) == 2


def test_of_two_at_once_a_whole_one_is_left(arena: QueueingArena, s3: Any) -> None:
    """Without Redis nothing keeps them apart. Whoever is overtaken says so, even with its backup stored; of two that
    are stored the hour keeps one, whoever noted its own."""
    with ThreadPoolExecutor(2) as threads:
        reports = [one.result() for one in [threads.submit(backups.backup, EVENT, None) for _ in range(2)]]
    shelf = Shelf(S3Objects(lambda: s3, BUCKET))
    names = shelf.names()
    assert names
    for name in names:
        shelf.check(shelf.manifest(name))
    assert any("backup" in report for report in reports)
    assert all("backup" in report or report == STOPPED for report in reports)
    assert BACKUP_LAST_SUCCESS in gauges(arena)(NOON)


def test_one_that_fails_is_an_error_and_leaves_the_last_success(arena: QueueingArena, s3: Any, logged: Any) -> None:
    backups.backup(EVENT, None)
    before = gauges(arena)(NOON)
    for name in ("manifests", "data"):
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/")["Contents"]
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": found["Key"]} for found in listed]})
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(InvocationFailed):
        backups.backup(EVENT, None)
    (told,) = logged.saying("no backup was taken")
    assert (told["level"], told["fault"], told["why"][-12:]) == ("ERROR", "StoreUnavailable", "NoSuchBucket")
    assert gauges(arena)(NOON) == before


def test_without_a_bucket_nothing_is_done(database: Database[Document], mongo_uri: str) -> None:
    with installed_arena(mongo_uri, database, ManualClock(NOON)) as arena:
        assert backups.backup(EVENT, None) == backups.OFF
        assert BACKUP_LAST_SUCCESS not in gauges(arena)(NOON)
