"""A backup by way of LocalStack's S3, as in the local cloud: taken, listed, verified, restored, tidied."""

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database

from chalicelib.arena.ports import Document
from chalicelib.aws.objects import S3Objects
from chalicelib.backup.keeping import BackupPlan, Keep
from chalicelib.backup.shelf import DamagedBackup
from chalicelib.backup.taking import Backups
from chalicelib.data.snapshots import MongoSnapshotSource
from infra.backup_buckets import local_bucket, make_local_bucket
from infra.cloud import Cloud
from tests.backup_worlds import REGION, BackedUp, token, whole
from tests.localstack.running import RunningLocalStack

NOTHING_KEPT = BackupPlan(every=timedelta(hours=1), keep=Keep(hourly=0, daily=0, weekly=0))


def test_round_trip(
    localstack: RunningLocalStack, database: Database[Document], mongo_client: MongoClient[Any], mongo_uri: str
) -> None:
    cloud = Cloud(REGION, localstack.url)
    assert make_local_bucket(cloud) == make_local_bucket(cloud) == local_bucket(REGION)
    objects = S3Objects(lambda: cloud.client("s3"), local_bucket(REGION))
    database["users"].insert_many(
        [{"_id": number, "telegramId": str(number), "bio": "x" * 500} for number in range(100)]
    )
    site = BackedUp(mongo_uri, database.name, objects)
    first, second = site.take(), site.take()
    assert len(first.keys) > 1
    assert set(site.shelf.names(REGION, database.name)) == {first.name, second.name}
    site.shelf.check(second)

    into = f"test_restored_{ObjectId()}"
    site.restore(second, into)
    restored = whole(mongo_client[into])
    assert restored == whole(database)
    mongo_client.drop_database(into)

    source = MongoSnapshotSource(site.pools, database.name)
    backups = Backups(source, objects, site.clock, token, region=REGION, database=database.name)
    assert backups.tidy(NOTHING_KEPT) == (1, 1)
    older = min(first.name, second.name)
    with pytest.raises(DamagedBackup, match=older.manifest_key):
        site.shelf.manifest(older)
    assert not list(objects.list(older.data_prefix))
    site.close()
