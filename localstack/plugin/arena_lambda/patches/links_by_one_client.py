"""Fault: each answer about a function holds a link to its archive, and for each link a client is made, which takes far
longer than to sign the link. Deploying three regions asks for some two hundred.

Now: one client signs them all.
"""

import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import boto3
from localstack import config
from localstack.constants import AWS_REGION_US_EAST_1, INTERNAL_AWS_SECRET_ACCESS_KEY
from localstack.services.lambda_.invocation.lambda_models import S3Code

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Sign as before, with a client that stays."""
    replace(S3Code, "generate_presigned_url", _build)


def _build(_: Callable[..., str]) -> Callable[..., str]:
    def generate_presigned_url(code: S3Code, endpoint_url: str) -> str:
        wanted = {"Bucket": code.s3_bucket, "Key": code.s3_key}
        if code.s3_object_version:
            wanted["VersionId"] = code.s3_object_version
        # Clients are shared between threads; making one is not to be.
        with _making:
            client = _client(endpoint_url)
        return str(client.generate_presigned_url("get_object", Params=wanted))

    return generate_presigned_url


_making = threading.Lock()


@lru_cache
def _client(endpoint_url: str) -> Any:
    return boto3.client(
        "s3",
        region_name=AWS_REGION_US_EAST_1,
        aws_access_key_id=config.INTERNAL_RESOURCE_ACCOUNT,
        aws_secret_access_key=INTERNAL_AWS_SECRET_ACCESS_KEY,
        endpoint_url=endpoint_url,
    )
