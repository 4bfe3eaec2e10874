"""What a tier's databases consist of, as data; ``./arena plan`` counts with the same figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from infra.planning.capacity import GUIDE_SHARDS
from infra.planning.prices import ATLAS_SHARD_TIER, ATLAS_TIERS

NODES: Final = 3
"""The guide's replica set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupItem:
    """Snapshots every ``every`` units of ``frequency``, kept ``kept`` ``unit``."""

    frequency: str
    every: int
    kept: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasSize:
    """One region's cluster."""

    instance: str
    largest: str
    """Up to which it may grow by itself."""
    shards: int
    """1 = a replica set."""
    continuous_days: int
    """How far back any second can be restored; 0 = snapshots alone."""
    backups: tuple[BackupItem, ...]


_OFTEN: Final = BackupItem(frequency="hourly", every=6, kept=7, unit="days")
_DAILY: Final = BackupItem(frequency="daily", every=1, kept=35, unit="days")
_WEEKLY: Final = BackupItem(frequency="weekly", every=6, kept=8, unit="weeks")
_MONTHLY: Final = BackupItem(frequency="monthly", every=40, kept=12, unit="months")
"""Atlas's 40 is a month's last day, its 6 of a week Saturday."""

SIZES: Final[Mapping[str, AtlasSize]] = MappingProxyType(
    {
        "development": AtlasSize(
            instance=ATLAS_TIERS[0].name, largest=ATLAS_TIERS[0].name, shards=1, continuous_days=0, backups=(_DAILY,)
        ),
        "staging": AtlasSize(
            instance=ATLAS_TIERS[0].name, largest=ATLAS_TIERS[1].name, shards=1, continuous_days=2, backups=(_DAILY,)
        ),
        "production": AtlasSize(
            instance=ATLAS_SHARD_TIER,
            largest=ATLAS_TIERS[4].name,
            shards=max(GUIDE_SHARDS.values()),
            continuous_days=7,
            backups=(_OFTEN, _DAILY, _WEEKLY),
        ),
        "enterprise": AtlasSize(
            instance=ATLAS_TIERS[3].name,
            largest=ATLAS_TIERS[5].name,
            shards=max(GUIDE_SHARDS.values()),
            continuous_days=7,
            backups=(_OFTEN, _DAILY, _WEEKLY, _MONTHLY),
        ),
    }
)
"""By tier."""
