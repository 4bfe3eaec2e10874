"""Where backups go: checked at start-up."""

import pytest

from chalicelib.settings import SettingsError, load
from tests.unit.test_settings import DEVELOPMENT


@pytest.mark.parametrize(
    ("said", "bucket"), [("", None), ("  ", None), (" aiba-arena.backups-1 ", "aiba-arena.backups-1")]
)
def test_a_bucket_or_none(said: str, bucket: str | None) -> None:
    assert load({**DEVELOPMENT, "ARENA_BACKUP_BUCKET": said}).backup.bucket == bucket


@pytest.mark.parametrize("said", ["s3://bucket", "Bucket", "ab", "bucket/prefix", "-bucket"])
def test_what_is_no_bucket_is_refused(said: str) -> None:
    with pytest.raises(SettingsError, match=r"ARENA_BACKUP_BUCKET: '.*'; the name of an S3 bucket"):
        load({**DEVELOPMENT, "ARENA_BACKUP_BUCKET": said})
