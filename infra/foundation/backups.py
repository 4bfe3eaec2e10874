"""Where the region's backups go: encrypted with its key, kept for a while, deleted by nobody before that."""

from typing import Final

from infra.foundation.keys import KEY
from infra.foundation.sizes import FoundationSize
from infra.private_bucket import NOT_PUBLIC, only_encrypted_connections
from infra.template.document import Json

BUCKET: Final = "BackupBucket"
UNFINISHED_DAYS: Final = 2
LOCKED_DAYS_MAX: Final = 7
"""A backup can't be deleted or overwritten for so long, not even by who may delete everything else."""


def backups(size: FoundationSize) -> dict[str, Json]:
    """Resources by logical id."""
    locked = min(LOCKED_DAYS_MAX, size.backup_days)
    return {
        BUCKET: {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": [KEY, "Arn"]},
                            },
                        }
                    ]
                },
                "PublicAccessBlockConfiguration": NOT_PUBLIC,
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "VersioningConfiguration": {"Status": "Enabled"},
                "ObjectLockEnabled": True,
                "ObjectLockConfiguration": {
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": locked}},
                },
                "LifecycleConfiguration": {
                    "Rules": [
                        {
                            "Id": "Old",
                            "Status": "Enabled",
                            "ExpirationInDays": size.backup_days,
                            "NoncurrentVersionExpiration": {"NoncurrentDays": locked},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
                        }
                    ]
                },
            },
        },
        "BackupBucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": BUCKET},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [only_encrypted_connections(BUCKET)],
                },
            },
        },
    }
