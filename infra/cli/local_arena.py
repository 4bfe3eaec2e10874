"""Brings the arena up on the local cloud: servers, secrets, deployment, data, and one battle to prove it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from pymongo import MongoClient

from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.replication.regions import COLLECTION as REGION_ROLES
from chalicelib.replication.regions import introduction
from infra.backup_buckets import local_bucket, make_local_bucket
from infra.cli.battle import Waiting, describe, fight
from infra.cli.local_front import LocalFronts, RegionAddresses
from infra.cloud import Cloud, error_code
from infra.deploy import DeployError, Deployment, deploy
from infra.fronts.tiers import DEFAULT_PORT as DEFAULT_FRONT_PORT
from infra.fronts.tiers import DEFAULT_TLS_PORT
from infra.package import Package, build_package
from infra.stacks import LOCAL_PACE, Pace
from infra.template.backup import BACKUP_BUCKET
from infra.template.parameters import (
    MONGO_DATABASE,
    PROVISIONED_CONCURRENCY,
    REDIS_MODE,
    REGIONS,
    SCALING_MAX,
    SCALING_MIN,
    TRUSTED_PROXIES,
    WEBSOCKET_API,
    WEBSOCKET_ENDPOINT,
)
from infra.template.stage import STAGES
from localcloud import localstack_server, mongod, valkey
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import arena_secret, load_or_create
from localcloud.localstack_server import LocalStack
from localcloud.ports import LOOPBACK, claim
from localcloud.region_stores import RegionStores, claim_stores, servers_of
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.tasks import Task, run_all
from localcloud.topology import DEFAULT_CACHE, STAGE, TIERS, Topology, database_name
from localcloud.websocket.server import DEFAULT_PORT as DEFAULT_WEBSOCKET_PORT
from localcloud.websocket.server import WebSocketGateway

Log = Callable[[str], None]
_SELECTION_MILLISECONDS = 10_000
_LOOK_SECONDS = 0.1
_START_MILLISECONDS = 120_000
"""A server that does not start is noticed by the supervisor, which says why."""
LOOPBACK_NETWORKS = "127.0.0.0/8, ::1"
"""Every local client comes from there; believed, it may play many by X-Forwarded-For."""


@dataclass(frozen=True)
class Options:
    """What to bring up. Ports: 0 = any free one; of MongoDB and Valkey the first member's. ``cache``: of CACHES.

    ``parameters``: the stack's, besides those that say where the local servers are.
    """

    tier: str
    regions: tuple[str, ...]
    localstack_port: int = localstack_server.DEFAULT_PORT
    mongo_port: int = mongod.DEFAULT_PORT
    valkey_port: int = valkey.DEFAULT_PORT
    websocket_port: int = DEFAULT_WEBSOCKET_PORT
    cache: str = DEFAULT_CACHE
    apart: bool = False
    """Each region has a database server and a cache of its own."""
    mongo_members: int | None = None
    """Of each replica set. None = as the tier has it."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    front: str | None = None
    """A kind of ``infra.fronts.tiers``. None = as the tier has it."""
    front_port: int = DEFAULT_FRONT_PORT
    front_tls_port: int = DEFAULT_TLS_PORT
    localstack_address: str = LOOPBACK
    """Where it listens; its functions look for it at ``LOOPBACK`` all the same."""
    runtime_python: Path | None = None
    """What runs the functions. None = the runtime environment's interpreter."""
    pace: Pace = LOCAL_PACE
    """At which stacks are deployed, and for how long."""
    deployments_max: int = 1
    """So often they are, where that fails: beside much other work LocalStack answers too late, and asks twice."""


@dataclass(frozen=True)
class _Servers:
    stores: Mapping[str, RegionStores]
    localstack: LocalStack
    websocket: WebSocketGateway
    fronts: LocalFronts
    data: Task[None]
    """Under way while the others start: indexes take as long as LocalStack."""


class LocalArena:
    """One bring-up inside an entered supervisor."""

    def __init__(self, options: Options, state: StateDir, checkout: Path, supervisor: Supervisor, log: Log) -> None:
        self._options = options
        self._topology = TIERS[options.tier]
        self._sized = {**tier_parameters(self._topology), **options.parameters}
        self._state = state
        self._checkout = checkout
        self._supervisor = supervisor
        self._log = log
        self._up: tuple[_Servers, Task[Package]] | None = None

    @cached_property
    def _secrets(self) -> Mapping[str, str]:
        """Read when first asked for: while the servers start."""
        return load_or_create(self._state)

    def bring_up(self) -> dict[str, Any]:
        """Starts and deploys everything and fights one battle; returns the status and records it.

        Raises LocalCloudError, DeployError, PackageError or StopRequested.
        """
        package = Task(partial(build_package, STAGE, self._checkout / ".arena" / "build", self._log), "package")
        servers = self._start_servers()
        deployments = self._deploy_until_done(servers, package, self._supervisor.check)
        addresses = {
            region: RegionAddresses(found.api_url, servers.websocket.url(region))
            for region, found in deployments.items()
        }
        self._supervisor.start(servers.fronts.servers(self._state, addresses))
        self._prove(deployments, self._secrets["TELEGRAM_BOT_TOKEN"])
        status = self._status(servers, deployments)
        self._state.write_status(status)
        self._up = servers, package
        return status

    def deploy_again(self, check: Callable[[], None]) -> dict[str, Any]:
        """After LocalStack has ended, and with it all that was in it: as ``bring_up``, on the servers that stand.

        No battle is fought, and fronts, which know the old addresses, are left as they are. Returns and records the
        status. ``check`` is called meanwhile; raises what it raises, and as ``bring_up`` does.
        """
        if self._up is None:
            raise LocalCloudError("nothing was brought up that could be deployed again")
        servers, package = self._up
        localstack = self._supervisor.start_again(localstack_server.NAME)
        self._log("LocalStack starts again, empty")
        until = time.monotonic() + localstack.server.start_seconds
        while not localstack.server.ready():
            check()
            if time.monotonic() > until:
                raise LocalCloudError("LocalStack did not start again")
            time.sleep(_LOOK_SECONDS)
        status = self._status(servers, self._deploy_until_done(servers, package, check))
        self._state.write_status(status)
        return status

    def _deploy_until_done(
        self, servers: _Servers, package: Task[Package], check: Callable[[], None]
    ) -> dict[str, Deployment]:
        for _ in range(self._options.deployments_max - 1):
            try:
                return self._deploy(servers, package, check)
            except DeployError as error:
                self._log(f"deploying once more: {error}")
        return self._deploy(servers, package, check)

    def _deploy(self, servers: _Servers, package: Task[Package], check: Callable[[], None]) -> dict[str, Deployment]:
        secrets = self._secrets
        prepare = {region: partial(self._prepare_region, region, servers, secrets) for region in self._options.regions}
        run_all(prepare, check)
        built = package.result(check)
        servers.data.result(check)
        deployments = run_all(
            {
                region: partial(
                    deploy,
                    built,
                    region=region,
                    parameters=self._parameters(region, servers),
                    endpoint_url=servers.localstack.url,
                    log=partial(self._log_for, region),
                    pace=self._options.pace,
                )
                for region in self._options.regions
            },
            check,
        )
        self._introduce(servers.stores, deployments)
        return deployments

    def _start_servers(self) -> _Servers:
        options = self._options
        address = options.localstack_address
        localstack = LocalStack(
            claim(options.localstack_port, server="LocalStack", setting="--localstack-port", address=address),
            self._checkout,
            address,
            options.runtime_python,
        )
        stores = claim_stores(
            options.regions,
            members=self._options.mongo_members or self._topology.mongo_members,
            cache=options.cache,
            mongo_port=options.mongo_port,
            valkey_port=options.valkey_port,
            apart=options.apart,
        )
        servers = _Servers(
            stores,
            localstack,
            WebSocketGateway(
                claim(options.websocket_port, server="the WebSocket gateway", setting="--websocket-port"),
                localstack.url,
                STAGES[STAGE].stack_name,
                options.regions,
            ),
            LocalFronts.claim(options.tier, options.front, options.front_port, options.front_tls_port),
            Task(partial(self._prepare_databases, stores), "data"),
        )
        self._log(f"starting mongod, the cache ({options.cache}), LocalStack and the WebSocket gateway")
        state = self._state
        self._supervisor.start(
            [
                *servers_of(servers.stores, state),
                servers.localstack.server(state),
                servers.websocket.server(),
            ]
        )
        return servers

    def _parameters(self, region: str, servers: _Servers) -> dict[str, str]:
        return {
            **self._sized,
            MONGO_DATABASE: database_name(region),
            BACKUP_BUCKET: local_bucket(region),
            REDIS_MODE: servers.stores[region].cache.redis_mode,
            REGIONS: ",".join(self._options.regions),
            TRUSTED_PROXIES: LOOPBACK_NETWORKS,
            WEBSOCKET_API: "none",
            WEBSOCKET_ENDPOINT: servers.websocket.management_url(region),
        }

    def _prepare_region(self, region: str, servers: _Servers, secrets: Mapping[str, str]) -> None:
        """Its secret, and the bucket of its backups."""
        cloud = Cloud(region, servers.localstack.url)
        make_local_bucket(cloud)
        client = cloud.client("secretsmanager")
        name = STAGES[STAGE].secret_id
        stores = servers.stores[region]
        value = arena_secret(secrets, mongo_uri=stores.mongo.uri, redis_url=stores.cache.redis_url)
        try:
            client.create_secret(Name=name, SecretString=value)
        except ClientError as error:
            if error_code(error) != "ResourceExistsException":
                raise
            client.put_secret_value(SecretId=name, SecretString=value)

    def _prepare_databases(self, stores: Mapping[str, RegionStores]) -> None:
        """Waits for the servers of each region, then side by side: an index is a wait for the disk."""
        run_all({region: partial(self._prepare_database, region, one) for region, one in stores.items()}, lambda: None)

    def _prepare_database(self, region: str, stores: RegionStores) -> None:
        with _opened(stores, _START_MILLISECONDS) as client:
            database = client[database_name(region)]
            created = len(ensure_indexes(database))
            seed_defaults(database, system_clock())
            self._log(f"{region}: database {database.name} is ready ({created} indexes created)")

    def _introduce(self, stores: Mapping[str, RegionStores], deployments: Mapping[str, Deployment]) -> None:
        """Tells every region where each is. Who serves for whom stays as it was."""
        for region in deployments:
            with _opened(stores[region]) as client:
                roles = client[database_name(region)][REGION_ROLES]
                for name, deployment in deployments.items():
                    told = introduction(name, deployment.api_url)
                    roles.update_one(told.where, told.change, upsert=told.upsert)

    def _prove(self, deployments: Mapping[str, Deployment], bot_token: str) -> None:
        region = self._options.regions[0]
        # Much starts just now: what the arena has no time for yet says nothing against it.
        patient = Waiting(self._log)
        battle = Task(partial(fight, deployments[region].api_url, bot_token, patient=patient), "battle")
        report = battle.result(self._supervisor.check)
        self._log(describe(region, report))
        if not report.agrees:
            raise LocalCloudError("the battle's score is not the engine's for its seed")

    def _status(self, servers: _Servers, deployments: Mapping[str, Deployment]) -> dict[str, Any]:
        return {
            "tier": self._options.tier,
            "instances": [int(self._sized[bound]) for bound in (SCALING_MIN, SCALING_MAX)],
            "missing": self._topology.missing or None,
            "regions": {
                region: {
                    "api": deployment.api_url,
                    "health": f"{deployment.api_url}/health",
                    "websocket": servers.websocket.url(region),
                    "function": deployment.api_function_name,
                    "mongo": servers.stores[region].mongo.uri,
                    "redis": servers.stores[region].cache.status,
                    "database": database_name(region),
                    "backups": f"s3://{local_bucket(region)}",
                }
                for region, deployment in deployments.items()
            },
            "front": next(iter(servers.fronts.urls), None),
            "fronts": servers.fronts.urls,
            "console": f"{deployments[self._options.regions[0]].api_url}/console",
            "redis": servers.stores[self._options.regions[0]].cache.status,
            "localstack": servers.localstack.url,
        }

    def _log_for(self, region: str, line: str) -> None:
        self._log(f"{region}: {line}")


def tier_parameters(topology: Topology) -> dict[str, str]:
    """What the stack of stage ``dev`` is told to be of a tier's size."""
    return {
        PROVISIONED_CONCURRENCY: str(topology.instances_min),
        SCALING_MIN: str(topology.instances_min),
        SCALING_MAX: str(topology.instances_max),
    }


def _opened(stores: RegionStores, patience: int = _SELECTION_MILLISECONDS) -> MongoClient[dict[str, Any]]:
    return MongoClient(stores.mongo.uri, tz_aware=True, serverSelectionTimeoutMS=patience)


def elapsed_log(echo: Callable[[str], None]) -> Log:
    """A log whose lines begin with the seconds since it was made."""
    began = time.monotonic()

    def log(line: str) -> None:
        echo(f"[{time.monotonic() - began:6.1f} s] {line}")

    return log
