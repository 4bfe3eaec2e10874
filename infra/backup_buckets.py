"""Stores of backups as people name them, and the bucket of the local cloud.

Against AWS a region's bucket is its foundation's; locally, where nothing lives longer than LocalStack, it is made here.
"""

from pathlib import Path
from urllib.parse import urlsplit

import click
from botocore.exceptions import ClientError

from chalicelib.aws.objects import S3Objects
from chalicelib.backup.ports import ObjectStore
from infra.cloud import Cloud, error_code
from infra.object_directory import DirectoryObjects
from infra.template.stage import APP_NAME

LOCAL_ACCOUNT = "000000000000"


def local_bucket(region: str) -> str:
    """The name of a region's bucket in the local cloud."""
    return f"{APP_NAME}-backups-{LOCAL_ACCOUNT}-{region}"


def make_local_bucket(cloud: Cloud) -> str:
    """Makes it if it is not there; its name."""
    bucket, location = local_bucket(cloud.region), {"LocationConstraint": cloud.region}
    arguments = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": location}
    try:
        cloud.client("s3").create_bucket(Bucket=bucket, **arguments)
    except ClientError as error:
        if error_code(error) not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
            raise
    return bucket


def store_of(text: str, cloud: Cloud) -> ObjectStore:
    """``s3://bucket[/prefix]`` in ``cloud``, or a directory. Raises ``click.BadParameter``."""
    if "://" not in text:
        return DirectoryObjects(Path(text))
    parts = urlsplit(text)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise click.BadParameter(f"{text!r}: write s3://BUCKET[/PREFIX], or a directory")
    prefix = parts.path.strip("/")
    return S3Objects(lambda: cloud.client("s3"), parts.netloc, f"{prefix}/" if prefix else "")
