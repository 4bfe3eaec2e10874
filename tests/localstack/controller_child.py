"""A scaling controller in a process of its own, which never gets beyond asking Lambda. Run by test_scaling."""

import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import boto3

from chalicelib.aws.provisioned import LambdaProvisioner
from chalicelib.cache.door import RedisDoor
from chalicelib.cache.lock import RedisLeases
from chalicelib.clock import ManualClock
from chalicelib.data.fences import MongoFences
from chalicelib.data.operations import Operations
from chalicelib.data.pools import ENVIRONMENT_POOLS, Pools, without_secondaries
from chalicelib.data.scaling import MongoScaling
from chalicelib.locks import Locks
from tests.fakes.provisioning import FakeProvisioner
from tests.redis_doors import UNHURRIED
from tests.scaling_worlds import Region, once
from tests.worlds import NOON

LOCK = "schedule:scaling"
LEASE_SECONDS = 300.0
"""However long a busy machine takes to decide and to look: the test itself makes it run out."""


@dataclass(frozen=True)
class Site:
    """Where a controller works."""

    localstack_url: str
    region: str
    function: str
    mongo_uri: str
    database: str
    valkey_url: str

    def client(self) -> Any:
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client("lambda", endpoint_url=self.localstack_url, region_name=self.region, **credentials)


class Controllers:
    """What controllers of a site are made of; each has its own clock, which a test sets."""

    def __init__(self, site: Site) -> None:
        self.clock = ManualClock(NOON)
        self._pools = Pools(site.mongo_uri, without_secondaries(ENVIRONMENT_POOLS))
        operations = Operations(self._pools, site.database, budget_seconds=60.0)
        self._door = RedisDoor.from_urls([site.valkey_url], limits=UNHURRIED)
        self.locks = Locks(RedisLeases(self._door, site.database), MongoFences(operations, self.clock))
        self.store = MongoScaling(operations)
        self.provisioner = LambdaProvisioner(site.client, site.function, "live")
        self.region = Region(self.clock, self.store, FakeProvisioner(self.clock))
        self.region.provisioner = self.provisioner  # type: ignore[assignment]  # the port's other implementation

    def close(self) -> None:
        self._door.close()
        self._pools.close()


def control_until_asking(site: Site, pipe: Connection) -> None:
    """Evaluates under load until a number is to be asked for; says which, and stays there with the lock."""
    here = Controllers(site)
    here.region.serve(3, cpu_share=0.9)

    def asking(environments: int) -> None:
        pipe.send(environments)
        signal.pause()

    here.provisioner.put = asking  # type: ignore[method-assign]
    with here.locks.hold(LOCK, seconds=LEASE_SECONDS) as held:
        assert held is not None
        here.region.controller().run(once(9), held.guard)
