"""Reading templates, and cfn-lint's word about them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import botocore.session
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

Json = dict[str, Any]

ATLAS_TYPES = Path(__file__).parent / "vectors" / "atlas-types"
"""Schemas of Atlas's resource types, which cfn-lint does not have."""


def statements_of(role: Json) -> list[Json]:
    """Every statement of a role's policies, those that depend on a condition too."""
    policies = [policy["Fn::If"][1] if "Fn::If" in policy else policy for policy in role["Properties"]["Policies"]]
    return [row for policy in policies for row in policy["PolicyDocument"]["Statement"]]


def of_type(template: Json, kind: str) -> dict[str, Json]:
    return {name: resource for name, resource in template["Resources"].items() if resource["Type"] == kind}


def findings(template: Json, regions: Sequence[str]) -> list[str]:
    """cfn-lint's errors, warnings and informational findings in these regions."""
    config = ManualArgs(regions=list(regions), registry_schemas=[str(ATLAS_TYPES)], include_checks=["I"])
    found = lint(json.dumps(template), config=config)
    # Wants a description of the architecture for machines in every resource.
    return [f"{match.rule.id} {match.message} {match.path}" for match in found if match.rule.id != "I4010"]


def errors_anywhere(template: Json) -> list[str]:
    """cfn-lint's errors and warnings, as the command reports them, experimental ones too, in every region there is.

    Of regions with equal schemas in one partition one stands for all. It tries each ``${AWS::Region}`` with each
    ``${AWS::Partition}``, and gives up after 512: of all regions it would take four times as long and try fewer.
    """
    regions = list(_unlike_regions({row["Type"] for row in template["Resources"].values()}))
    config = ManualArgs(regions=regions, include_checks=["I"], include_experimental=True)
    found = lint(json.dumps(template), config=config)
    return [f"{match.rule.id} {match.message}" for match in found if match.rule.id[0] in "EW"]


def _unlike_regions(types: set[str]) -> Iterator[str]:
    """One region of each partition for each combination of schemas these types have there, or of having none."""
    schemas: dict[str, list[str]] = {region: [] for region in REGIONS}
    for kind in sorted(types):
        for number, (alike, _) in enumerate(PROVIDER_SCHEMA_MANAGER.get_resource_schemas_by_regions(kind, REGIONS)):
            for region in alike:
                schemas[region].append(f"{kind} {number}")
    session, seen = botocore.session.Session(), set()
    for region, found in schemas.items():
        key = (session.get_partition_for_region(region), *found)
        if key not in seen:
            seen.add(key)
            yield region


def without_types(template: Json, prefixes: Sequence[str]) -> tuple[Json, set[str]]:
    """``template`` without resources of these types, and without what refers to them; and which those are."""
    resources = dict(template["Resources"])
    gone = {name for name, row in resources.items() if row["Type"].startswith(tuple(prefixes))}
    while True:
        more = {name for name, row in resources.items() if name not in gone and refers(row, gone)}
        if not more:
            break
        gone |= more
    outputs = {name: row for name, row in template["Outputs"].items() if not refers(row, gone)}
    kept = {name: row for name, row in resources.items() if name not in gone}
    return {**template, "Resources": kept, "Outputs": outputs}, gone


def refers(value: Any, names: set[str]) -> bool:
    """Whether ``value``, a template or a part of one, says any of these logical ids."""
    text = json.dumps(value)
    return any(f'"{name}"' in text or f"${{{name}}}" in text or f"${{{name}." in text for name in names)
