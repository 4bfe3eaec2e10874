"""Clients for one region of AWS, or of what stands in for it, and the words for what goes wrong with them."""

import os
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

CONNECT_TIMEOUT_SECONDS: Final = 5
READ_TIMEOUT_SECONDS: Final = 60
MAX_ATTEMPTS: Final = 5

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost", "localhost.localstack.cloud"})
_CREDENTIAL_CODES: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
    | {"SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure"}
)
_PERMISSION_CODES: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})


def is_local(endpoint_url: str | None) -> bool:
    """Whether an endpoint is on this machine; None is AWS itself."""
    return endpoint_url is not None and urlsplit(endpoint_url).hostname in _LOOPBACK


@dataclass(frozen=True)
class Cloud:
    """One region. ``endpoint_url`` None means AWS, unless the environment configures another."""

    region: str
    endpoint_url: str | None = None
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS
    attempts: int = MAX_ATTEMPTS

    def client(self, service: str) -> Any:
        """A client for ``service``.

        A local endpoint gets dummy credentials, even where real ones are configured: those are for AWS alone.
        """
        credentials: dict[str, str] = {}
        if is_local(self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL")):
            credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=self.read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            s3={"addressing_style": "path" if credentials else "auto"},
        )
        # A session for each client: sessions are not safe to share between threads.
        session = boto3.Session(region_name=self.region, **credentials)
        return session.client(service, endpoint_url=self.endpoint_url, config=config)


def explain(error: BotoCoreError | ClientError) -> str:
    """What happened, and a hint where there is one."""
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
        return (
            f"no usable AWS credentials: {error}\n"
            "hint: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
            "for the local cloud pass --endpoint-url"
        )
    if isinstance(error, EndpointConnectionError):
        return f"{error}\nhint: check --endpoint-url and --region; is the local cloud up (./arena status)?"
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if code in _CREDENTIAL_CODES:
            return f"AWS refused the credentials: {error}\nhint: sign in again (aws sso login, or new access keys)"
        if code in _PERMISSION_CODES:
            return (
                f"the credentials may not do this: {error}\n"
                "hint: deploying needs cloudformation, s3, iam, lambda, apigateway, logs, "
                "and secretsmanager:DescribeSecret"
            )
    return str(error)


def error_code(error: ClientError) -> str:
    """The service's code for an error, such as ``NoSuchBucket`` or ``404``."""
    return str(error.response.get("Error", {}).get("Code", ""))
