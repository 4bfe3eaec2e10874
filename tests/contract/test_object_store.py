"""Where backups lie: in memory, in a directory, in S3. One suite for all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.aws.objects import S3Objects, s3_client
from chalicelib.backup.ports import NoSuchObject, ObjectStore, Stored, StoreUnavailable
from infra.object_directory import DirectoryObjects
from tests.fakes.memory_objects import MemoryObjects

BUCKET = "backups"
PAGE = 3
"""Of S3, where it is 1000."""


@pytest.fixture(params=["memory", "directory", "s3", "s3 below a prefix"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjects()
    elif request.param == "directory":
        yield DirectoryObjects(tmp_path / "not yet there")
    else:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        with mock_aws():
            client: Any = boto3.client("s3", region_name="us-east-1")
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="somebody/else", Body=b"s")
            prefix = "arena/" if "prefix" in request.param else "own/"
            yield S3Objects(lambda: s3_client("us-east-1"), BUCKET, prefix, page=PAGE)


def test_what_was_put_is_there(objects: ObjectStore) -> None:
    objects.put("data/a/users-00000.bson.gz", b"\0\1")
    assert objects.get("data/a/users-00000.bson.gz") == b"\0\1"


def test_the_last_one_of_a_key_counts(objects: ObjectStore) -> None:
    objects.put("a", b"1")
    objects.put("a", b"22")
    assert (objects.get("a"), list(objects.list(""))) == (b"22", [Stored("a", 2)])


def test_an_empty_object_is_one(objects: ObjectStore) -> None:
    objects.put("a", b"")
    assert objects.get("a") == b""


def test_a_missing_one_is_named(objects: ObjectStore) -> None:
    with pytest.raises(NoSuchObject, match="data/a/b"):
        objects.get("data/a/b")


def test_a_prefix_is_listed_in_order(objects: ObjectStore) -> None:
    for key in ("m/b/2", "m/a/1", "m/a/10", "ma", "d/a/1"):
        objects.put(key, b"x" * len(key))
    assert list(objects.list("m/")) == [Stored("m/a/1", 5), Stored("m/a/10", 6), Stored("m/b/2", 5)]
    assert [stored.key for stored in objects.list("m/a/1")] == ["m/a/1", "m/a/10"]
    assert list(objects.list("nothing/")) == []


def test_what_is_deleted_is_gone_and_what_is_gone_may_be_deleted(objects: ObjectStore) -> None:
    objects.put("a", b"1")
    objects.put("b", b"1")
    objects.delete(["a", "never there"])
    objects.delete([])
    assert [stored.key for stored in objects.list("")] == ["b"]


def test_more_than_a_page(objects: ObjectStore) -> None:
    keys = [f"k/{number:05}" for number in range(2 * PAGE + 1)]
    for key in keys:
        objects.put(key, b"")
    assert [stored.key for stored in objects.list("k/")] == keys
    objects.delete(keys)
    assert list(objects.list("")) == []


def test_a_bucket_that_is_not_there_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        objects = S3Objects(lambda: s3_client("us-east-1"), "nowhere")
        for call in (lambda: objects.get("a"), lambda: objects.put("a", b""), lambda: list(objects.list(""))):
            with pytest.raises(StoreUnavailable, match="s3://nowhere did not do it: NoSuchBucket"):
                call()


def test_what_is_half_written_is_no_object(tmp_path: Path) -> None:
    """Of one that was killed."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".unfinished-00").write_bytes(b"half")
    assert list(DirectoryObjects(tmp_path).list("")) == []


def test_a_directory_s_keys_do_not_lead_out_of_it(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no key"):
        DirectoryObjects(tmp_path / "store").get("../secret")
