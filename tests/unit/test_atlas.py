"""The databases' template: cfn-lint with the schemas of Atlas's types, and what the arena needs of a cluster."""

import json
from typing import Any

import pytest
from jsonschema import Draft7Validator

from infra.atlas import build_atlas
from infra.atlas.sizes import SIZES
from infra.planning.prices import ATLAS_TIERS
from infra.template import STAGES
from infra.template.document import NO_VALUE
from infra.template.stage import database_of
from tests.templates import ATLAS_TYPES, findings, of_type

Json = dict[str, Any]
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")


@pytest.fixture(scope="module", params=list(STAGES))
def atlas(request: pytest.FixtureRequest) -> Json:
    return build_atlas(STAGES[request.param], REGIONS)


def test_cfn_lint_finds_nothing(atlas: Json) -> None:
    assert findings(atlas, ["us-east-1"]) == []


def plain(value: Any) -> Any:
    """``value`` with text in place of what CloudFormation looks up."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if any(name == "Ref" or name.startswith("Fn::") for name in value):
        return "looked up"
    return {name: plain(item) for name, item in value.items() if item != NO_VALUE}


def objections(template: Json) -> list[str]:
    """What Atlas's types have against properties: cfn-lint knows these types and does not look into them."""
    found = []
    for name, row in template["Resources"].items():
        kind = row["Type"].removeprefix("MongoDB::Atlas::")
        if kind != row["Type"]:
            schema = json.loads((ATLAS_TYPES / f"{kind}.json").read_text())
            errors = Draft7Validator(schema).iter_errors(plain(row["Properties"]))
            found += [f"{name} {error.json_path}: {error.message}" for error in errors]
    return found


def test_every_property_is_one_atlas_knows(atlas: Json) -> None:
    assert objections(atlas) == []


def test_the_schemas_refuse_what_atlas_would() -> None:
    template = build_atlas(STAGES["prod"], ["us-east-1"])
    properties = template["Resources"]["UsEast1Cluster"]["Properties"]
    properties["ReplicationSpecs"][0]["NumberOfShards"] = properties["ReplicationSpecs"][0].pop("NumShards")
    del properties["Name"]
    unknown, missing = sorted(objections(template))
    assert "'Name' is a required property" in missing
    assert "NumberOfShards" in unknown


def test_a_cluster_of_three_nodes_for_each_region_sharded_as_the_guide_has_it() -> None:
    clusters = of_type(build_atlas(STAGES["prod"], REGIONS), "MongoDB::Atlas::Cluster")
    assert len(clusters) == len(REGIONS)
    for row, region in zip(clusters.values(), REGIONS, strict=True):
        (spec,) = row["Properties"]["ReplicationSpecs"]
        (part,) = spec["AdvancedRegionConfigs"]
        assert (spec["ZoneName"], part["RegionName"]) == (region, region.upper().replace("-", "_"))
        assert (spec["NumShards"], part["ElectableSpecs"]["NodeCount"]) == (4, 3)
        assert row["Properties"]["ClusterType"] == "SHARDED"
        assert row["Properties"]["TerminationProtectionEnabled"] is True
        assert row["DeletionPolicy"] == "Retain"


def test_the_arenas_user_reaches_its_regions_database_on_its_cluster_alone(atlas: Json) -> None:
    users = of_type(atlas, "MongoDB::Atlas::DatabaseUser")
    assert len(users) == 2 * len(REGIONS)
    for name, row in users.items():
        properties = row["Properties"]
        region = properties["Username"].rpartition("_")[2]
        databases = {role["DatabaseName"]: role["RoleName"] for role in properties["Roles"]}
        expected = (
            {database_of(region): "read"}
            if "Reader" in name
            else {database_of(region): "readWrite", "admin": "clusterMonitor"}
        )
        assert databases == expected
        assert properties["Scopes"] == [{"Name": f"aiba-arena-{region}", "Type": "CLUSTER"}]
        assert "resolve:secretsmanager" in properties["Password"]["Fn::Sub"]


def test_sizes_are_of_the_price_list_and_backups_of_serving_tiers_reach_any_second() -> None:
    names = [tier.name for tier in ATLAS_TIERS]
    for tier, size in SIZES.items():
        assert names.index(size.instance) <= names.index(size.largest)
        assert size.backups
        assert (size.continuous_days > 0) == (tier != "development")
