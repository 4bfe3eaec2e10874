"""From players to load, and from load to environments, connections, shards, nodes and quotas.

Loads come first (requests, battles), then Little's law: ``concurrency = rate x service time``. The number of busy
environments of a service with random arrivals is Poisson distributed with that mean, whatever the distribution of
the service time (M/G/infinity), so ``mean + z * sqrt(mean)`` of them are enough all but rarely.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, sqrt
from typing import Any, Final

from chalicelib.cache.door import PATIENT, QUICK
from chalicelib.scaling.connections import ConnectionBudget
from chalicelib.scaling.tiers import REQUESTS_PER_SECOND_PER_INSTANCE, TIERS, Tier
from infra.planning.assumptions import Assumptions, sources
from infra.planning.cache_sizes import CACHE_SIZES, CacheSize
from infra.planning.figures import Figure, number
from infra.planning.prices import ATLAS_RESERVED_CONNECTIONS, ATLAS_SHARD_TIER, ATLAS_TIERS, AtlasTier

DAY_SECONDS: Final = 86_400
DEFAULT_CONCURRENCY_QUOTA: Final = 1_000
UNRESERVED_CONCURRENCY: Final = 100
"""Lambda keeps this much of an account's concurrency for functions without a reservation."""
REQUESTS_PER_CONCURRENCY: Final = 10
"""Lambda admits ten requests a second for each unit of an account's concurrency quota."""
SCHEDULED_FUNCTIONS: Final = 8
"""Scheduled functions and pushers of a region that may run at the same moment."""
GUIDE_SHARDS: Final[Mapping[str, int]] = {"users": 3, "battles": 4, "transactions": 2, "leaderboards": 2}
SERVING_TIERS: Final = ("staging", "production", "enterprise")
"""Tiers that serve players, smallest first."""
REDIS_CLIENTS: Final = 65_000
"""What an ElastiCache node admits."""
REDIS_PER_ENVIRONMENT: Final = QUICK.connections_per_node + PATIENT.connections_per_node
"""Connections to one node: those of the door for requests and of the patient one."""
GATEWAY_RATE_QUOTA: Final = 10_000
"""Requests a second that API Gateway admits for an account in a region by default."""
MILLI: Final = 1_000
GIGA: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What players do. Rates are per second."""

    actives: float
    battles_day: float
    requests_day: float
    peak_rate: float
    """Of the largest region."""
    peak_battles: float
    """Of the largest region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one region needs; the largest one where regions differ."""

    tier: Tier
    environments: int
    """Provisioned at the peak, connection budgets observed."""
    mean_environments: float
    """Provisioned over a day, when the number follows the load."""
    workers: int
    shards: int
    """1 = a replica set."""
    atlas: AtlasTier
    cache: CacheSize
    """As deployed for the tier, with as many masters as the load needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A number of players with everything worked out."""

    players: int
    load: Load
    capacity: Capacity
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]


def load_of(players: int, given: Assumptions) -> Load:
    """What ``players`` registered players do."""
    actives = players * given.daily_active_share
    battles = actives * given.battles_per_active_day
    requests = actives * given.requests_per_active_day + battles * given.requests_per_battle
    share = given.peak_to_mean * given.largest_region_share / DAY_SECONDS
    return Load(
        actives=actives,
        battles_day=battles,
        requests_day=requests,
        peak_rate=requests * share,
        peak_battles=battles * share,
    )


def busy(rate: float, given: Assumptions) -> float:
    """Environments that are enough for ``rate`` requests a second all but rarely."""
    concurrency = rate * given.service_ms / MILLI
    return concurrency + given.cold_quantile * sqrt(concurrency)


class Planner:
    """Works a plan out, figure by figure."""

    def __init__(self, players: int, given: Assumptions) -> None:
        """Raises ``ValueError`` without players."""
        if players < 1:
            raise ValueError(f"players is {players}; allowed: 1 or more")
        self._players = players
        self._given = given
        self._load = load_of(players, given)
        self._figures: list[Figure] = []
        self._warnings: list[str] = []

    def plan(self) -> Plan:
        """Everything, in the order in which one follows from another."""
        self._add_load()
        environments, tier = self._environments()
        workers = self._workers()
        others = 2 * workers + SCHEDULED_FUNCTIONS
        shards, atlas, allowed = self._database(environments, others, tier)
        allowed = min(allowed, self._redis_ceiling(others))
        if environments > allowed:
            self._warnings.append(
                f"{environments} environments are wanted and {allowed} allowed by connections: the rest spills"
            )
        environments = min(environments, allowed)
        self._quotas(environments, others)
        mean = busy(self._load.peak_rate / self._given.peak_to_mean, self._given)
        capacity = Capacity(
            tier=tier,
            environments=environments,
            mean_environments=min(float(environments), max(float(tier.min_instances), mean)),
            workers=workers,
            shards=shards,
            atlas=atlas,
            cache=self._cache(tier),
        )
        return Plan(
            players=self._players,
            load=self._load,
            capacity=capacity,
            figures=tuple(self._figures),
            warnings=tuple(self._warnings),
        )

    def _say(self, name: str, value: float | str, unit: str, formula: str, source: str) -> None:
        self._figures.append(Figure(name, value, unit, formula, source))

    def _add_load(self) -> None:
        given, load = self._given, self._load
        why = sources()
        self._say(
            "active players",
            load.actives,
            "a day",
            f"{number(self._players)} players x {given.daily_active_share}",
            why["daily_active_share"],
        )
        self._say(
            "battles",
            load.battles_day,
            "a day",
            f"{number(load.actives)} active players x {number(given.battles_per_active_day)}",
            why["battles_per_active_day"],
        )
        self._say(
            "requests",
            load.requests_day,
            "a day",
            f"{number(load.actives)} x {number(given.requests_per_active_day)} + {number(load.battles_day)} battles x "
            f"{number(given.requests_per_battle)}",
            why["requests_per_active_day"],
        )
        self._say(
            "peak request rate",
            load.peak_rate,
            "a second, largest region",
            f"{number(load.requests_day)} / {DAY_SECONDS} s x {given.peak_to_mean} x {given.largest_region_share}",
            why["peak_to_mean"],
        )

    def _environments(self) -> tuple[int, Tier]:
        given, rate = self._given, self._load.peak_rate
        by_time, by_guide = ceil(busy(rate, given)), ceil(rate / REQUESTS_PER_SECOND_PER_INSTANCE)
        wanted = max(by_time, by_guide, 1)
        tier = next((TIERS[name] for name in SERVING_TIERS if wanted <= TIERS[name].max_instances), None)
        if tier is None:
            tier = TIERS["enterprise"]
            self._warnings.append(
                f"{wanted} environments are more than tier enterprise's {tier.max_instances}: raise its max_instances"
            )
        environments = max(wanted, tier.min_instances)
        mean = rate * given.service_ms / MILLI
        self._say(
            "provisioned concurrency",
            environments,
            "environments at the peak, largest region",
            f"max(tier's {tier.min_instances}, {number(mean)} busy + {given.cold_quantile} x sqrt({number(mean)}), "
            f"{number(rate)} a second / {REQUESTS_PER_SECOND_PER_INSTANCE})",
            f"Little's law; {sources()['service_ms']}; the guide's target for an instance",
        )
        self._say("tier", tier.name, "", f"the smallest that allows {wanted}", "chalicelib/scaling/tiers.py")
        return environments, tier

    def _workers(self) -> int:
        given = self._given
        rate = self._load.peak_battles * given.queued_share
        workers = max(2, ceil(busy(rate, given)))
        self._say(
            "queued battles",
            rate,
            "a second, largest region",
            f"{number(self._load.peak_battles)} battles x {given.queued_share}",
            sources()["queued_share"],
        )
        self._say(
            "worker concurrency",
            workers,
            "environments, largest region",
            f"max(2, busy environments of {number(rate)} a second); as many push results",
            "Lambda's least and most for a queue: 2 and 1,000",
        )
        return workers

    def _database(self, environments: int, others: int, tier: Tier) -> tuple[int, AtlasTier, int]:
        given, load = self._given, self._load
        stored = (
            load.battles_day * given.largest_region_share * given.kept_days * given.battle_bytes
            + self._players * given.player_bytes
        ) / GIGA
        by_battles = ceil(load.peak_battles / given.battles_per_second_per_shard)
        largest = ATLAS_TIERS[-1]
        by_storage = ceil(stored / largest.storage_gb)
        least = max(GUIDE_SHARDS.values()) if tier.database == "sharded" else 1
        shards = max(1, by_battles, by_storage, least)
        self._say(
            "storage",
            stored,
            "GB in a region's database after a year",
            f"{number(load.battles_day)} battles x {given.largest_region_share} x {number(given.kept_days)} days x "
            f"{number(given.battle_bytes)} B + {number(self._players)} players x {number(given.player_bytes)} B",
            sources()["battle_bytes"],
        )
        self._say(
            "shards",
            shards,
            "of three nodes" if shards > 1 else "replica set of three nodes",
            f"max({by_battles} for {number(load.peak_battles)} battles a second, {by_storage} for storage, "
            f"{least} of the guide)",
            sources()["battles_per_second_per_shard"],
        )
        budgets = {tier.name: self._mongo_budget(tier, shards, others) for tier in ATLAS_TIERS}
        smallest = next(place for place, tier in enumerate(ATLAS_TIERS) if shards == 1 or tier.name == ATLAS_SHARD_TIER)
        fitting = [
            tier
            for tier in ATLAS_TIERS[smallest:]
            if tier.storage_gb * shards >= stored and budgets[tier.name].ceiling().capacity >= environments
        ]
        atlas = fitting[0] if fitting else largest
        ceiling = budgets[atlas.name].ceiling()
        self._say(
            "Atlas tier",
            atlas.name,
            "each shard" if shards > 1 else "",
            f"the smallest that holds {number(stored / shards)} GB and allows {environments} environments",
            "mongodb.com/docs/atlas/reference/atlas-limits",
        )
        self._say("MongoDB connections allow", ceiling.capacity, "environments", ceiling.reason, "connection budget")
        return shards, atlas, ceiling.capacity

    def _mongo_budget(self, atlas: AtlasTier, shards: int, others: int) -> ConnectionBudget:
        given = self._given
        routers = 3 * shards if shards > 1 else 1
        reached = min(given.mongos_per_client, routers) if shards > 1 else 1
        per_router = given.connections_per_environment * reached / routers
        return ConnectionBudget(
            name="mongo_connections",
            limit=int(atlas.connections * (routers / reached)),
            reserved=int(ATLAS_RESERVED_CONNECTIONS * (routers / reached)),
            per_environment=max(1, round(per_router * routers / reached)),
            other_environments=others,
            on_demand_share=given.on_demand_share,
        )

    def _redis_ceiling(self, others: int) -> int:
        budget = ConnectionBudget(
            name="redis_connections",
            limit=REDIS_CLIENTS,
            reserved=MILLI,
            per_environment=REDIS_PER_ENVIRONMENT,
            other_environments=others,
            on_demand_share=self._given.on_demand_share,
        )
        ceiling = budget.ceiling()
        self._say(
            "Redis connections allow", ceiling.capacity, "environments", ceiling.reason, "ElastiCache: 65,000 a node"
        )
        return ceiling.capacity

    def _quotas(self, environments: int, others: int) -> None:
        share = 1 + self._given.on_demand_share
        by_environments = environments * share + others + UNRESERVED_CONCURRENCY
        by_rate = self._load.peak_rate / REQUESTS_PER_CONCURRENCY
        quota = max(DEFAULT_CONCURRENCY_QUOTA, ceil(max(by_environments, by_rate) / MILLI) * MILLI)
        self._say(
            "concurrency quota",
            quota,
            "of the account in the largest region",
            f"max({environments} x {share:g} + {others} others + {UNRESERVED_CONCURRENCY} unreserved, "
            f"{number(self._load.peak_rate)} a second / {REQUESTS_PER_CONCURRENCY}), in thousands",
            "Lambda quotas; 1,000 by default",
        )
        if self._load.peak_rate > GATEWAY_RATE_QUOTA:
            self._warnings.append(
                f"ask AWS to raise API Gateway's {GATEWAY_RATE_QUOTA:,} a second in the largest region"
            )
        if quota > DEFAULT_CONCURRENCY_QUOTA:
            self._warnings.append(f"ask AWS for a concurrency quota of {quota:,} in the largest region")

    def _cache(self, tier: Tier) -> CacheSize:
        given, load, size = self._given, self._load, CACHE_SIZES[tier.name]
        if size is None:
            raise ValueError(f"tier {tier.name} has no cache and serves no players")
        memory = load.actives * given.boards_per_active * given.board_bytes / GIGA
        commands = load.peak_rate * given.cache_commands_per_request
        masters = max(ceil(memory / size.node.gigabytes), ceil(commands / given.cache_commands_per_second), size.shards)
        if masters > 1 and not size.cluster:
            self._warnings.append(f"the load needs {masters} x {size.node_type}: give CacheNodeType a larger one")
        needed = replace(size, shards=masters if size.cluster else 1)
        self._say(
            "cache nodes",
            needed.nodes,
            f"in a region ({tier.cache.replace('_', ' ')} of {size.node_type})",
            f"max({number(memory)} GB / {size.node.gigabytes:g} a node, {number(commands)} commands a second / "
            f"{number(given.cache_commands_per_second)}, {size.shards} of the tier), {size.replicas} replicas each",
            sources()["board_bytes"],
        )
        return needed


def plan(players: int, assumptions: Assumptions | None = None, **changed: Any) -> Plan:
    """The plan for ``players`` registered players. Raises ``ValueError`` for values that can't be."""
    return Planner(players, (assumptions or Assumptions()).changed(changed)).plan()
