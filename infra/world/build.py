"""Puts the global stack's template together. It is deployed once, in us-east-1: CloudFront takes certificates from
there alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from infra.template.document import Json
from infra.template.stage import API_STAGE, APP_NAME, StageSpec
from infra.world.edge import BUCKET, DISTRIBUTION, edge
from infra.world.names import DOMAIN, ZONE, end_parameters, health_checks, records, region_id

WORLD_REGION: Final = "us-east-1"
_OUTPUTS: Final = ("ApiTarget", "ApiTargetZone", "WebSocketTarget", "WebSocketTargetZone")


class NotNamed(Exception):
    """A region's stack has no domain yet; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RegionEnd:
    """Where a region's stack is reached, by its outputs."""

    region: str
    outputs: Mapping[str, str]

    def parameters(self) -> dict[str, str]:
        """Values for this region's parameters of the global stack. Raises NotNamed."""
        missing = [name for name in ("ApiUrl", *_OUTPUTS) if not self.outputs.get(name)]
        if missing:
            raise NotNamed(
                f"the stack in {self.region} has no {', '.join(missing)}\n"
                "hint: deploy its foundation with DomainName and HostedZoneId, then the stage, then this again"
            )
        name = region_id(self.region)
        found = {f"{name}{output}": self.outputs[output] for output in _OUTPUTS}
        return {**found, f"{name}ApiHost": str(urlsplit(self.outputs["ApiUrl"]).hostname)}


def world_stack_name(stage: StageSpec) -> str:
    return f"{APP_NAME}-{stage.name}-world"


def build_world(stage: StageSpec, regions: Sequence[str]) -> Json:
    """The template for ``regions``, at least one. Pure."""
    names = {
        DOMAIN: {
            "Type": "String",
            "AllowedPattern": r"^([a-z0-9-]+\.)+[a-z]+$",
            "Description": "The arena's domain; the names below it are api, ws, www and nearest.",
        },
        ZONE: {"Type": "AWS::Route53::HostedZone::Id", "Description": "Hosted zone of the domain."},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"AIBA Arena, stage {stage.name}, names and edge of {len(regions)} regions.",
        "Parameters": {**names, **end_parameters(regions)},
        "Resources": {**health_checks(regions, API_STAGE), **records(regions, DISTRIBUTION), **edge()},
        "Outputs": {
            "ApiUrl": {"Value": {"Fn::Sub": f"https://api.${{{DOMAIN}}}"}},
            "StaticUrl": {"Value": {"Fn::Sub": f"https://www.${{{DOMAIN}}}"}},
            "StaticBucket": {"Value": {"Ref": BUCKET}},
            "DistributionId": {"Value": {"Ref": DISTRIBUTION}},
        },
    }
