"""Backups in the template: who may write them, and that nobody can without a bucket."""

import json
from typing import Any

import pytest

from chalicelib.backup.naming import new_name
from chalicelib.entrypoints.backups import BACKUP_SECONDS
from infra.package import PROJECT_ROOT, build_package
from infra.template.backup import BACKED_UP, BACKUP_BUCKET, FUNCTION, POLICY
from infra.template.decided import decided
from tests.worlds import NOON

Json = dict[str, Any]
SNAPSHOT_SECONDS = 300
"""For which a server shows a snapshot, and a function runs here."""


@pytest.fixture(scope="module")
def template() -> Json:
    return build_package("staging", PROJECT_ROOT / ".arena" / "build", lambda _: None).template


def test_without_a_bucket_there_are_no_backups_and_no_rights(template: Json) -> None:
    assert template["Parameters"][BACKUP_BUCKET]["Default"] == ""
    assert template["Conditions"][BACKED_UP] == {"Fn::Not": [{"Fn::Equals": [{"Ref": BACKUP_BUCKET}, ""]}]}
    assert template["Resources"][POLICY]["Condition"] == BACKED_UP


def test_a_stack_without_a_bucket_has_nothing_of_it(template: Json) -> None:
    left = decided(template, {})
    assert POLICY not in left["Resources"]
    assert BACKED_UP not in json.dumps(left)
    assert POLICY in decided(template, {BACKUP_BUCKET: "b" * 3})["Resources"]


def test_only_the_backup_function_may_and_it_may_delete_no_version(template: Json) -> None:
    policy = template["Resources"][POLICY]["Properties"]
    role = template["Resources"][FUNCTION]["Properties"]["Role"]["Fn::GetAtt"][0]
    assert policy["Roles"] == [{"Ref": role}]
    users = [name for name, one in template["Resources"].items() if f'"{role}"' in json.dumps(one)]
    assert users == [FUNCTION, POLICY]
    actions = {action for row in policy["PolicyDocument"]["Statement"] for action in row["Action"]}
    assert actions == {
        *("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"),
        *("kms:GenerateDataKey", "kms:Decrypt"),
    }
    told = [
        name
        for name, one in template["Resources"].items()
        if "ARENA_BACKUP_BUCKET" in json.dumps(one.get("Properties", {}))
    ]
    assert told == [FUNCTION]


def test_its_rights_are_for_what_it_writes(template: Json) -> None:
    objects, listing, key = template["Resources"][POLICY]["Properties"]["PolicyDocument"]["Statement"]
    name = new_name("us-east-1", "arena", NOON, "00000000")
    folders = {one["Fn::Sub"].split("/")[1] for one in objects["Resource"]}
    assert folders == {name.manifest_key.split("/")[0], name.part_key("users", 0).split("/")[0]}
    assert listing["Resource"]["Fn::Sub"].endswith(":::${BackupBucket}")
    assert key["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"] == listing["Resource"]


def test_a_run_ends_before_its_function_and_its_snapshot_do(template: Json) -> None:
    timeout = template["Resources"][FUNCTION]["Properties"]["Timeout"]
    assert BACKUP_SECONDS + 30 < timeout <= SNAPSHOT_SECONDS
    (schedule,) = template["Resources"][FUNCTION]["Properties"]["Events"].values()
    assert schedule["Properties"]["Schedule"] == "cron(37 * * * ? *)"
