"""The artefact bucket against moto."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from moto import mock_aws

from infra.artifacts import Artifacts
from infra.cloud import Cloud, explain, is_local
from infra.package import Package

ACCOUNT = "123456789012"


@pytest.fixture(params=["us-east-1", "eu-west-1"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        yield Cloud(request.param)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    archive = tmp_path / "deployment.zip"
    archive.write_bytes(b"zip")
    return Package("dev", archive, {}, "c0de")


def test_the_bucket_is_private_encrypted_and_versioned(cloud: Cloud) -> None:
    artifacts = Artifacts(cloud, "dev", ACCOUNT)
    assert artifacts.bucket == f"aiba-arena-dev-{ACCOUNT}-{cloud.region}"
    assert artifacts.ensure_bucket()
    assert not artifacts.ensure_bucket()
    s3: Any = boto3.client("s3", region_name=cloud.region)
    assert all(s3.get_public_access_block(Bucket=artifacts.bucket)["PublicAccessBlockConfiguration"].values())
    (rule,) = s3.get_bucket_encryption(Bucket=artifacts.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=artifacts.bucket)["Status"] == "Enabled"
    assert s3.get_bucket_location(Bucket=artifacts.bucket)["LocationConstraint"] in (cloud.region, None)


def test_equal_contents_are_sent_once(cloud: Cloud, package: Package) -> None:
    artifacts = Artifacts(cloud, "dev", ACCOUNT)
    artifacts.ensure_bucket()
    assert artifacts.upload_package(package) == ("packages/c0de.zip", True)
    assert artifacts.upload_package(package) == ("packages/c0de.zip", False)


def test_the_templates_address_leads_to_it(cloud: Cloud) -> None:
    artifacts = Artifacts(cloud, "dev", ACCOUNT)
    artifacts.ensure_bucket()
    url = artifacts.upload_template({"Resources": {}}, "d1gest")
    assert url.endswith(f"/{artifacts.bucket}/templates/d1gest.json")
    assert url.startswith("https://s3.")
    stored = boto3.client("s3", region_name=cloud.region).get_object(Bucket=artifacts.bucket, Key=url.split("/", 4)[4])
    assert stored["Body"].read() == b'{"Resources":{}}'


@pytest.mark.parametrize(
    ("url", "local"),
    [
        (None, False),
        ("https://s3.eu-west-1.amazonaws.com", False),
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_what_is_local(url: str | None, local: bool) -> None:
    assert is_local(url) is local


def test_real_credentials_never_go_to_a_local_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    client = Cloud("us-east-1", "http://127.0.0.1:4566").client("sts")
    assert client._request_signer._credentials.access_key == "test"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoCredentialsError(), "AWS_PROFILE"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "X"), "sign in again"),
        (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "X"), "may not do this"),
    ],
)
def test_credential_errors_are_explained(error: BotoCoreError | ClientError, words: str) -> None:
    assert words in explain(error)
