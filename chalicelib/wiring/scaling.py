"""Builds the scaling controller of the region."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Final, Literal

from chalicelib.errors import Unavailable
from chalicelib.observability import logger
from chalicelib.scaling_settings import CONTROLLER
from chalicelib.settings import SettingsError

if TYPE_CHECKING:
    from chalicelib.data.operations import Operations
    from chalicelib.data.pools import Pools
    from chalicelib.monitoring.meters import Meters
    from chalicelib.monitoring.ports import ScalingFigures
    from chalicelib.monitoring.reports import InstanceReport, SharedMetrics
    from chalicelib.scaling.connections import ConnectionBudget
    from chalicelib.scaling.controller import Controller
    from chalicelib.scaling.model import Ceiling
    from chalicelib.scaling.provisioning import Provisioner
    from chalicelib.scaling.tiers import Tier
    from chalicelib.settings import Settings
    from chalicelib.wiring.services import Arena

ALIAS: Final = "live"
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
ATTEMPTS: Final = 2
RESERVED_CONNECTIONS: Final = 10
"""To each server: its provider's, monitoring's, and people's."""
SCHEDULED_ENVIRONMENTS: Final = 8
"""Scheduled functions that may run at the same moment."""
ON_DEMAND_SHARE: Final = 0.5
"""On-demand environments that may run beside the provisioned ones: spilled requests, a version being replaced."""


def controller(arena: "Arena") -> "Controller":
    """Raises ``Unavailable`` in functions that are not told whom to scale."""
    from chalicelib.aws.cloudwatch import CloudWatchMeasurements
    from chalicelib.aws.provisioned import LambdaProvisioner
    from chalicelib.data.scaling import MongoScaling
    from chalicelib.scaling.controller import Controller
    from chalicelib.scaling.model import ScalingLimits
    from chalicelib.scaling.policies import policy_for

    settings = arena.settings
    function = settings.scaling.api_function
    if function is None:
        raise Unavailable("scaling_unavailable", "ARENA_API_FUNCTION is not set: nothing to scale here")
    tier = bounded_tier(settings)
    provisioner = LambdaProvisioner(_client("lambda", settings.region), function, ALIAS)
    return Controller(
        function=function,
        policy=policy_for(settings.scaling.policy, tier),
        limits=ScalingLimits(min=tier.min_instances, max=tier.max_instances),
        store=MongoScaling(arena.operations),
        provisioner=provisioner,
        reports=_Reports(arena.meters, arena.shared_metrics),
        queued=lambda: sum(arena.battle_queue.lengths().values()),
        ceilings=ceilings(settings, provisioner, arena.pools),
        clock=arena.clock,
        pause=time.sleep,
        failed=_log_failure,
        measurements=CloudWatchMeasurements(_client("cloudwatch", settings.region), function, ALIAS),
        moves=settings.scaling.mover == CONTROLLER,
        meter=arena.meters.registry,
    )


def last_seen(operations: "Operations") -> "Callable[[datetime], ScalingFigures | None]":
    """What the last evaluation saw, whoever made it. The function given raises ``Unavailable``."""

    def seen(now: datetime) -> "ScalingFigures | None":
        from chalicelib.data.scaling import MongoScaling
        from chalicelib.scaling.seen import last_seen

        return last_seen(MongoScaling(operations).decisions(1), now)

    return seen


def bounded_tier(settings: "Settings") -> "Tier":
    """The tier with the bounds the settings give it. Raises ``SettingsError``."""
    from chalicelib.scaling.tiers import TIERS, with_bounds

    given = settings.scaling
    try:
        return with_bounds(TIERS[settings.tier], given.environments_min, given.environments_max)
    except ValueError as error:
        raise SettingsError([f"ARENA_SCALING_MIN, ARENA_SCALING_MAX: {error}; set both, or none"]) from error


def ceilings(settings: "Settings", provisioner: "Provisioner", pools: "Pools") -> "Callable[[int], Sequence[Ceiling]]":
    """The account's quota and the connection budgets. One that can't be read bounds nothing, and is logged."""
    from chalicelib.scaling.observing import account_ceiling

    def read(requested: int) -> "Sequence[Ceiling]":
        found = [budget.ceiling() for budget in budgets(settings, pools)]
        try:
            found.append(account_ceiling(provisioner.quota(), requested))
        except Unavailable as error:
            _log_failure("quota", error)
        return found

    return read


def budgets(settings: "Settings", pools: "Pools") -> "Sequence[ConnectionBudget]":
    """What MongoDB and Redis admit, where that is known."""
    from chalicelib.cache.door import PATIENT, QUICK
    from chalicelib.data.pools import connections_per_environment
    from chalicelib.scaling.connections import ConnectionBudget

    separate = ceil(settings.scaling.separate_environments * (1 + ON_DEMAND_SHARE))
    others = 2 * bounded_tier(settings).queue_concurrency + SCHEDULED_ENVIRONMENTS + separate
    known = (
        ("mongo_connections", settings.scaling.mongo_connections or _told_by(pools), connections_per_environment()),
        (
            "redis_connections",
            settings.scaling.redis_connections,
            QUICK.connections_per_node + PATIENT.connections_per_node,
        ),
    )
    return [
        ConnectionBudget(
            name=name,
            limit=limit,
            reserved=RESERVED_CONNECTIONS,
            per_environment=each,
            other_environments=others,
            on_demand_share=ON_DEMAND_SHARE,
        )
        for name, limit, each in known
        if limit is not None
    ]


def _told_by(pools: "Pools") -> int | None:
    try:
        return pools.connection_limit()
    except Exception as error:  # noqa: BLE001 - a server that doesn't say bounds nothing; the settings can
        _log_failure("mongo_connections", error)
        return None


class _Reports:
    """``scaling.ports.Reports`` on the region's shared metrics."""

    def __init__(self, meters: "Meters", shared: "SharedMetrics") -> None:
        self._meters = meters
        self._shared = shared

    def probe(self) -> str:
        if not self._meters.flush():
            raise Unavailable("metrics_unavailable", "this environment's report was not taken")
        return self._meters.instance

    def live(self, now: datetime) -> "Sequence[InstanceReport]":
        return self._shared.live(now)


def _client(service: Literal["lambda", "cloudwatch"], region: str) -> "Callable[[], Any]":
    def connect() -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
        return boto3.client(service, region_name=region, config=config)

    return connect


def _log_failure(source: str, error: Exception) -> None:
    logger().warning("scaling source not reached", source=source, fault=type(error).__name__)
