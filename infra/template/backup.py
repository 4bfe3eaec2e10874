"""Lets the backup function, and no other, write and tidy the region's backups.

The bucket is not the stack's: it must outlive it. Without its name there are no backups.
"""

from typing import Any, Final

from infra.template.document import Json, add_resource, given

BACKUP_BUCKET: Final = "BackupBucket"
FUNCTION: Final = "Backup"
"""Chalice's logical id of the scheduled function."""
POLICY: Final = "BackupPolicy"
BACKED_UP: Final = "BackupBucketIsGiven"

_BUCKET_ARN: Final = {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{{BACKUP_BUCKET}}}"}
_OBJECTS: Final = [
    {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::${{{BACKUP_BUCKET}}}/{folder}/*"} for folder in ("manifests", "data")
]
_STATEMENTS: Final[list[Json]] = [
    {
        "Sid": "Objects",
        "Effect": "Allow",
        # Without DeleteObjectVersion: what it deletes the bucket keeps as an older version for a while.
        "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
        "Resource": _OBJECTS,
    },
    # Without it a missing object would be a forbidden one.
    {"Sid": "List", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": _BUCKET_ARN},
    {
        "Sid": "Key",
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"},
        # Whichever key the bucket has, and only as S3 uses it for that bucket (with an S3 bucket key).
        "Condition": {
            "StringEquals": {
                "kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.${AWS::URLSuffix}"},
                "kms:EncryptionContext:aws:s3:arn": _BUCKET_ARN,
            }
        },
    },
]
_PARAMETER: Final[dict[str, Any]] = {
    "Type": "String",
    "Default": "",
    "AllowedPattern": "^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$",
    "ConstraintDescription": "must be the name of a bucket, or empty",
    "Description": "Bucket of the region's backups. Empty: none are taken.",
}


def complete_backup(template: Json) -> None:
    """Completes the backup function of ``template`` in place, if there is one."""
    if FUNCTION not in template["Resources"]:
        return
    template["Parameters"][BACKUP_BUCKET] = dict(_PARAMETER)
    template.setdefault("Conditions", {})[BACKED_UP] = given({"Ref": BACKUP_BUCKET})
    properties = template["Resources"][FUNCTION]["Properties"]
    properties.setdefault("Environment", {}).setdefault("Variables", {})["ARENA_BACKUP_BUCKET"] = {"Ref": BACKUP_BUCKET}
    # A resource of its own: one of a role's own policies could not be left out.
    policy = {
        "Type": "AWS::IAM::Policy",
        "Condition": BACKED_UP,
        "Properties": {
            "PolicyName": POLICY,
            "PolicyDocument": {"Version": "2012-10-17", "Statement": _STATEMENTS},
            "Roles": [{"Ref": properties["Role"]["Fn::GetAtt"][0]}],
        },
    }
    add_resource(template, POLICY, policy)
