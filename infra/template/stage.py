"""Stages: the deployable forms of the tiers, with the names that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from chalicelib.scaling.tiers import DEVELOPMENT, ENTERPRISE, PRODUCTION, STAGING, Tier

APP_NAME: Final = "aiba-arena"
API_STAGE: Final = "api"
"""API Gateway's stage in the URL; Chalice's configuration says the same and a test compares them."""

ALIAS: Final = "live"
"""The alias every caller invokes and provisioned concurrency is attached to."""


def database_of(region: str) -> str:
    """The region's database where nobody names another, e.g. ``aiba_us_east_1``."""
    return "aiba_" + region.replace("-", "_")


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One Chalice stage: its name (``dev``, ``staging``, ``prod``, ``enterprise``) and its tier."""

    name: str
    tier: Tier

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name, the same in every region."""
        return f"{APP_NAME}-{self.name}"

    @property
    def secret_id(self) -> str:
        """The default name of the Secrets Manager secret, one in each region."""
        return f"{APP_NAME}/{self.name}"

    @property
    def production_rules(self) -> bool:
        """Whether the functions start under production's rules, so that some parameters have no default."""
        return self.tier.app_env == "prod"


STAGES: Final[Mapping[str, StageSpec]] = MappingProxyType(
    {
        stage.name: stage
        for stage in (
            StageSpec("dev", DEVELOPMENT),
            StageSpec("staging", STAGING),
            StageSpec("prod", PRODUCTION),
            StageSpec("enterprise", ENTERPRISE),
        )
    }
)
