"""Where regions keep their data: on servers they share, each with a database of its own, or on servers of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localcloud.caches import LocalCache
from localcloud.mongod import ReplicaSet
from localcloud.ports import ANY_PORT, claim_range
from localcloud.server import Server
from localcloud.state import StateDir
from localcloud.topology import CACHES

MONGO_OPTION = "--mongo-port"


@dataclass(frozen=True)
class RegionStores:
    """One region's servers."""

    mongo: ReplicaSet
    cache: LocalCache


def claim_stores(
    regions: Sequence[str], *, members: int, cache: str, mongo_port: int, valkey_port: int, apart: bool
) -> dict[str, RegionStores]:
    """By region, on ports from the given ones upward (0 = any free ones). Raises PortTaken."""
    if not apart:
        shared = _claim(members, cache, mongo_port, valkey_port, "")
        return dict.fromkeys(regions, shared)
    nodes = CACHES[cache].masters * (1 + CACHES[cache].replicas_each)
    return {
        region: _claim(
            members, cache, _shifted(mongo_port, place * members), _shifted(valkey_port, place * nodes), region
        )
        for place, region in enumerate(regions)
    }


def servers_of(stores: Mapping[str, RegionStores], state: StateDir) -> list[Server]:
    """Every server once."""
    distinct = {id(one): one for one in stores.values()}.values()
    return [server for one in distinct for server in (*one.mongo.servers(state), *one.cache.servers(state))]


def _claim(members: int, cache: str, mongo_port: int, valkey_port: int, of: str) -> RegionStores:
    ports = claim_range(mongo_port, members, server="mongod", setting=MONGO_OPTION)
    return RegionStores(ReplicaSet(ports, of=of), LocalCache.claim(cache, valkey_port, of))


def _shifted(port: int, by: int) -> int:
    return port if port == ANY_PORT else port + by
