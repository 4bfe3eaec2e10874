"""What the SAM transform makes of the built template: everything that can scale invokes the alias."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.release import with_code_location
from infra.template import STAGES, build_template

GOLDEN = Path(__file__).parent / "golden"
TRANSFORM = Path(__file__).parent / "sam_transform.py"
PYTHON = Path(__file__).resolve().parents[2] / ".arena" / "envs" / "localstack" / "bin" / "python"

Json = dict[str, Any]


def transformed(folder: Path, release: str, **parameters: str) -> dict[str, Json]:
    template = build_template(json.loads((GOLDEN / "chalice-sample.json").read_text()), STAGES["dev"])
    path = folder / "template.json"
    path.write_text(json.dumps(with_code_location(template, "bucket", "key")))
    values = {"MongoDatabase": "aiba_test", "ReleaseHash": release * 64, **parameters}
    done = subprocess.run(
        [PYTHON, "-P", TRANSFORM, path, json.dumps(values)], check=True, capture_output=True, text=True, cwd=folder
    )
    resources: dict[str, Json] = json.loads(done.stdout)["Resources"]
    return resources


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Json]:
    return transformed(tmp_path_factory.mktemp("transform"), "a")


def properties_of(resources: dict[str, Json], kind: str) -> list[Json]:
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def test_the_schedule_invokes_the_alias(resources: dict[str, Json]) -> None:
    (rule,) = properties_of(resources, "AWS::Events::Rule")
    assert [target["Arn"] for target in rule["Targets"]] == [{"Ref": "SweepAliaslive"}]


def test_the_queue_invokes_the_alias_and_hears_of_partial_batches(resources: dict[str, Json]) -> None:
    (mapping,) = properties_of(resources, "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionName"] == {"Ref": "BattlesAliaslive"}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_no_permission_is_on_a_bare_function(resources: dict[str, Json]) -> None:
    named = [row["FunctionName"] for row in properties_of(resources, "AWS::Lambda::Permission")]
    assert sorted(map(json.dumps, named)) == ['{"Fn::Sub": "${APIHandler}:live"}', '{"Ref": "SweepAliaslive"}']


def test_only_the_apis_alias_has_provisioned_concurrency(resources: dict[str, Json]) -> None:
    warm = {
        name: "ProvisionedConcurrencyConfig" in row["Properties"] for name, row in resources.items() if "Alias" in name
    }
    assert warm == {"APIHandlerAliaslive": True, "BattlesAliaslive": False, "SweepAliaslive": False}


def test_the_api_waits_for_the_alias(resources: dict[str, Json]) -> None:
    assert resources["RestAPI"]["DependsOn"] == ["APIHandlerAliaslive"]


def versions(resources: dict[str, Json]) -> set[str]:
    return {name for name, row in resources.items() if row["Type"] == "AWS::Lambda::Version"}


def test_a_new_release_publishes_new_versions_of_every_function(resources: dict[str, Json], tmp_path: Path) -> None:
    again = transformed(tmp_path, "b")
    assert len(versions(resources)) == len(versions(again)) == 3
    assert not versions(resources) & versions(again)


def test_another_number_of_instances_is_no_release(resources: dict[str, Json], tmp_path: Path) -> None:
    assert versions(transformed(tmp_path, "a", ProvisionedConcurrency="9")) == versions(resources)


def test_tracing_passes_the_transform(tmp_path: Path) -> None:
    found = transformed(tmp_path, "a", Tracing="on")
    mode = {"Fn::If": ["TracingIsOn", "Active", "PassThrough"]}
    assert [row["TracingConfig"]["Mode"] for row in properties_of(found, "AWS::Lambda::Function")] == [mode] * 3
    stages = properties_of(found, "AWS::ApiGateway::Stage")
    assert [row["TracingEnabled"] for row in stages] == [{"Fn::If": ["TracingIsOn", True, False]}]
