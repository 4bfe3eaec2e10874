"""Objects in S3: where backups lie. The bucket encrypts and keeps versions (docs/backup.md)."""

import base64
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.backup.ports import NoSuchObject, Stored, StoreUnavailable

CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 20
ATTEMPTS: Final = 3
PAGE: Final = 1000
"""Objects S3 lists, or deletes, in one call."""
_MISSING: Final = ("NoSuchKey", "404")


def s3_client(region: str) -> Any:
    """For functions: endpoint and credentials come from the environment."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    return boto3.client("s3", region_name=region, config=config)


class S3Objects:
    """``ObjectStore``. ``connect`` builds the client when it is first needed."""

    def __init__(self, connect: Callable[[], Any], bucket: str, prefix: str = "", *, page: int = PAGE) -> None:
        """``prefix`` ends with a slash, or is empty."""
        self._page = page
        self._connect = connect
        self._bucket = bucket
        self._prefix = prefix

    @property
    def where(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def put(self, key: str, body: bytes) -> None:
        # S3 refuses what does not arrive as it was sent.
        digest = base64.b64encode(sha256(body).digest()).decode()
        self._asked("put_object", Key=self._prefix + key, Body=body, ChecksumSHA256=digest)

    def get(self, key: str) -> bytes:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
            return bytes(answer["Body"].read())
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _MISSING:
                raise NoSuchObject(key) from error
            raise self._unavailable(error) from error
        except BotoCoreError as error:
            raise self._unavailable(error) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        more: dict[str, Any] = {"MaxKeys": self._page}
        while True:
            page = self._asked("list_objects_v2", Prefix=self._prefix + prefix, **more)
            for found in page.get("Contents", ()):
                yield Stored(found["Key"].removeprefix(self._prefix), int(found["Size"]))
            if not page.get("IsTruncated"):
                return
            more |= {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), self._page):
            named = [{"Key": self._prefix + key} for key in keys[start : start + self._page]]
            answer = self._asked("delete_objects", Delete={"Objects": named, "Quiet": True})
            for refused in answer.get("Errors", ()):
                raise StoreUnavailable(f"{self.where}: {refused['Key']} was not deleted: {refused.get('Code')}")

    def _asked(self, call: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, call)(Bucket=self._bucket, **arguments)
        except (BotoCoreError, ClientError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
        return StoreUnavailable(f"{self.where} did not do it: {code or type(error).__name__}")

    @cached_property
    def _client(self) -> Any:
        return self._connect()
