"""The artefact bucket: private, encrypted, versioned, one for each account, region and stage."""

import json
from typing import Any

from botocore.exceptions import ClientError

from infra.cloud import Cloud, error_code
from infra.package import Package
from infra.private_bucket import NOT_PUBLIC
from infra.template.stage import APP_NAME


class Artifacts:
    """Uploads packages and templates; what is there already is not sent again, because keys are digests."""

    def __init__(self, cloud: Cloud, stage: str, account: str) -> None:
        self._s3 = cloud.client("s3")
        self._region = cloud.region
        self._account = account
        self.bucket = f"{APP_NAME}-{stage}-{account}-{cloud.region}"

    def ensure_bucket(self) -> bool:
        """Creates the bucket if absent and makes sure of its settings; true when it was created."""
        created = self._create_if_absent()
        owned = {"Bucket": self.bucket, "ExpectedBucketOwner": self._account}
        self._s3.put_public_access_block(
            **owned,
            PublicAccessBlockConfiguration=NOT_PUBLIC,
        )
        self._s3.put_bucket_encryption(
            **owned,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        self._s3.put_bucket_versioning(**owned, VersioningConfiguration={"Status": "Enabled"})
        return created

    def upload_package(self, package: Package) -> tuple[str, bool]:
        """Sends the archive if absent; returns its key and whether it was sent."""
        key = f"packages/{package.content_hash}.zip"
        if self._exists(key):
            return key, False
        with package.zip_path.open("rb") as body:
            self._put(key, body)
        return key, True

    def upload_template(self, template: dict[str, Any], digest: str) -> str:
        """Sends the template if absent; returns the URL to give CloudFormation.

        Always by URL: a template in a request's body is limited to 51,200 bytes, which routes soon exceed.
        """
        key = f"templates/{digest}.json"
        if not self._exists(key):
            self._put(key, json.dumps(template, separators=(",", ":"), sort_keys=True).encode())
        return f"{self._s3.meta.endpoint_url}/{self.bucket}/{key}"

    def _create_if_absent(self) -> bool:
        try:
            self._s3.head_bucket(Bucket=self.bucket, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if error_code(error) not in ("404", "NoSuchBucket"):
                raise
        else:
            return False
        location = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        arguments: dict[str, Any] = {"CreateBucketConfiguration": location} if location else {}
        self._s3.create_bucket(Bucket=self.bucket, ObjectOwnership="BucketOwnerEnforced", **arguments)
        return True

    def _exists(self, key: str) -> bool:
        try:
            self._s3.head_object(Bucket=self.bucket, Key=key, ExpectedBucketOwner=self._account)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchKey"):
                return False
            raise
        return True

    def _put(self, key: str, body: Any) -> None:
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=body, ExpectedBucketOwner=self._account)
