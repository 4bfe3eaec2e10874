"""What every bucket of ours has: nobody's but ours, and reached by encrypted connections alone."""

from typing import Final

from infra.template.document import Json

NOT_PUBLIC: Final[Json] = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)
"""The block on public access, as CloudFormation and S3 itself take it."""


def only_encrypted_connections(bucket: str) -> Json:
    """The statement of a policy, for the bucket of this logical id."""
    return {
        "Sid": "OnlyEncryptedConnections",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
