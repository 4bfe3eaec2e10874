"""The static bucket's own files."""

from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.cloud import Cloud, explain
from infra.release import DeployError

PAGES: Final = Path(__file__).parent / "pages"
_TYPES: Final = {".html": "text/html; charset=utf-8", ".json": "application/json"}
_CHECK_OFTEN: Final = "public, max-age=60"
"""Their names stay when their contents change; other static files are kept for a year."""


def upload_static(cloud: Cloud, bucket: str) -> list[str]:
    """Puts the files there, again if they are there; their names. Raises DeployError."""
    storage = cloud.client("s3")
    names = []
    for path in sorted(PAGES.iterdir()):
        try:
            storage.put_object(
                Bucket=bucket,
                Key=path.name,
                Body=path.read_bytes(),
                ContentType=_TYPES[path.suffix],
                CacheControl=_CHECK_OFTEN,
            )
        except (BotoCoreError, ClientError) as error:
            raise DeployError(explain(error)) from error
        names.append(path.name)
    return names
