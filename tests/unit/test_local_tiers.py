"""Each tier as the local cloud brings it up: the guide's table, where two cores and embedded binaries allow."""

from pathlib import Path
from typing import Any, Final

import pytest

from chalicelib.scaling.tiers import TIERS
from chalicelib.scaling_settings import DEFAULT_POLICY
from infra.calm import require_calm
from infra.cli.local_arena import tier_parameters
from infra.cli.summary import summary
from infra.fronts.tiers import FRONTS
from infra.template import STAGES
from infra.template.parameters import parameters
from localcloud.region_stores import claim_stores, servers_of
from localcloud.state import StateDir
from localcloud.topology import REGIONS, STAGE
from localcloud.topology import TIERS as LOCAL

MEMBERS: Final = {"local": 1, "replica_set": 3, "sharded": 3}
# The guide's development tier has no cache; here it has a light one, and ``--cache none`` takes it away.
CACHES: Final = {"none": "single", "single_node": "single", "cluster": "cluster"}
BALANCERS: Final = {
    "none": ("none", 0),
    "nginx": ("nginx", 1),
    "haproxy_or_alb": ("haproxy", 1),
    "several": ("haproxy", 2),
}
SERVERS: Final = {"development": (1, 1), "staging": (3, 1), "production": (3, 6), "enterprise": (3, 6)}


def test_every_tier_can_be_brought_up() -> None:
    assert list(LOCAL) == list(TIERS)


@pytest.mark.parametrize("name", LOCAL)
def test_a_tier_s_surroundings_are_the_guide_s(name: str) -> None:
    here, guide, front = LOCAL[name], TIERS[name], FRONTS[name]
    assert here.mongo_members == MEMBERS[guide.database]
    assert here.cache == CACHES[guide.cache]
    assert (front.kind, front.balancers) == BALANCERS[guide.load_balancer]
    assert bool(here.missing) == (guide.database == "sharded")


@pytest.mark.parametrize("name", LOCAL)
def test_a_tier_begins_with_the_guide_s_instances_and_grows_no_further_than_its_fleet(name: str) -> None:
    here, guide = LOCAL[name], TIERS[name]
    assert here.instances_min == guide.min_instances
    assert here.instances_min <= here.instances_max <= guide.max_instances


@pytest.mark.parametrize("name", LOCAL)
def test_the_stack_takes_a_tier_s_size_and_is_calm_within_it(name: str) -> None:
    given = tier_parameters(LOCAL[name])
    assert given.keys() <= parameters(STAGES[STAGE]).keys()
    require_calm(STAGES[STAGE], {"ScalingPolicy": DEFAULT_POLICY, **given})


@pytest.mark.parametrize("name", LOCAL)
def test_a_tier_s_servers(name: str, tmp_path: Path) -> None:
    here = LOCAL[name]
    stores = claim_stores(
        here.regions, members=here.mongo_members, cache=here.cache, mongo_port=0, valkey_port=0, apart=False
    )
    names = [server.name for server in servers_of(stores, StateDir(tmp_path))]
    kinds = ("mongod", "valkey")
    assert tuple(sum(found.startswith(kind) for found in names) for kind in kinds) == SERVERS[name]


def test_three_regions_unless_their_environments_are_too_many() -> None:
    assert [len(here.regions) for here in LOCAL.values()] == [3, 3, 3, 1]
    assert all(here.regions == REGIONS[: len(here.regions)] for here in LOCAL.values())


@pytest.mark.parametrize("name", LOCAL)
def test_the_summary_says_how_many_instances_and_what_is_not_here(name: str, tmp_path: Path) -> None:
    here = LOCAL[name]
    entry = {"api": "a", "health": "h", "mongo": "m", "websocket": "w"}
    status: dict[str, Any] = {"tier": name, "redis": None, "localstack": "l", "console": "c"}
    status |= {"regions": {"us-east-1": entry}}
    status |= {"instances": [here.instances_min, here.instances_max], "missing": here.missing or None}
    said = summary(status, StateDir(tmp_path))
    assert f"tier {name}" in said
    bounds = {"development": "1 warm", "staging": "2 warm", "production": "3 to 8 warm", "enterprise": "10 to 12 warm"}
    assert f"Instances   {bounds[name]} in each region" in said
    assert ("Not here    sharding: no package has mongos" in said) == bool(here.missing)
