"""Brings the arena up on the local cloud: servers, secrets, deployment, data, and one battle to prove it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from pymongo import MongoClient

from chalicelib.clock import system_clock
from chalicelib.data.indexes import ensure_indexes
from chalicelib.data.seed import seed_defaults
from chalicelib.replication.regions import COLLECTION as REGION_ROLES
from chalicelib.replication.regions import introduction
from infra.cli.battle import describe, fight
from infra.cloud import Cloud, error_code
from infra.deploy import Deployment, deploy
from infra.package import build_package
from infra.template.parameters import (
    MONGO_DATABASE,
    REDIS_MODE,
    REGIONS,
    TRUSTED_PROXIES,
    WEBSOCKET_API,
    WEBSOCKET_ENDPOINT,
)
from infra.template.stage import STAGES
from localcloud import localstack_server, mongod, valkey
from localcloud.errors import LocalCloudError
from localcloud.local_secrets import arena_secret, load_or_create
from localcloud.localstack_server import LocalStack
from localcloud.ports import claim
from localcloud.region_stores import RegionStores, claim_stores, servers_of
from localcloud.state import StateDir
from localcloud.supervisor import Supervisor
from localcloud.tasks import Task, run_all
from localcloud.topology import DEFAULT_CACHE, TIERS, database_name
from localcloud.websocket.server import DEFAULT_PORT as DEFAULT_WEBSOCKET_PORT
from localcloud.websocket.server import WebSocketGateway

Log = Callable[[str], None]
_SELECTION_MILLISECONDS = 10_000
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


@dataclass(frozen=True)
class _Servers:
    stores: Mapping[str, RegionStores]
    localstack: LocalStack
    websocket: WebSocketGateway


class LocalArena:
    """One bring-up inside an entered supervisor."""

    def __init__(self, options: Options, state: StateDir, checkout: Path, supervisor: Supervisor, log: Log) -> None:
        self._options = options
        self._topology = TIERS[options.tier]
        self._state = state
        self._checkout = checkout
        self._supervisor = supervisor
        self._log = log

    def bring_up(self) -> dict[str, Any]:
        """Starts and deploys everything and fights one battle; returns the status and records it.

        Raises LocalCloudError, DeployError, PackageError or StopRequested.
        """
        secrets = load_or_create(self._state)
        package = Task(
            partial(build_package, self._topology.stage, self._checkout / ".arena" / "build", self._log), "package"
        )
        servers = self._start_servers()
        check = self._supervisor.check
        prepare = {region: partial(self._put_secret, region, servers, secrets) for region in self._options.regions}
        run_all({**prepare, "data": partial(self._prepare_databases, servers.stores)}, check)
        built = package.result(check)
        deployments = run_all(
            {
                region: partial(
                    deploy,
                    built,
                    region=region,
                    parameters=self._parameters(region, servers),
                    endpoint_url=servers.localstack.url,
                    log=partial(self._log_for, region),
                )
                for region in self._options.regions
            },
            check,
        )
        self._introduce(servers.stores, deployments)
        self._prove(deployments, secrets["TELEGRAM_BOT_TOKEN"])
        status = self._status(servers, deployments)
        self._state.write_status(status)
        return status

    def _start_servers(self) -> _Servers:
        options = self._options
        localstack = LocalStack(
            claim(options.localstack_port, server="LocalStack", setting="--localstack-port"), self._checkout
        )
        servers = _Servers(
            claim_stores(
                options.regions,
                members=self._options.mongo_members or self._topology.mongo_members,
                cache=options.cache,
                mongo_port=options.mongo_port,
                valkey_port=options.valkey_port,
                apart=options.apart,
            ),
            localstack,
            WebSocketGateway(
                claim(options.websocket_port, server="the WebSocket gateway", setting="--websocket-port"),
                localstack.url,
                STAGES[self._topology.stage].stack_name,
                options.regions,
            ),
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
            **self._options.parameters,
            MONGO_DATABASE: database_name(region),
            REDIS_MODE: servers.stores[region].cache.redis_mode,
            REGIONS: ",".join(self._options.regions),
            TRUSTED_PROXIES: LOOPBACK_NETWORKS,
            WEBSOCKET_API: "none",
            WEBSOCKET_ENDPOINT: servers.websocket.management_url(region),
        }

    def _put_secret(self, region: str, servers: _Servers, secrets: Mapping[str, str]) -> None:
        client = Cloud(region, servers.localstack.url).client("secretsmanager")
        name = STAGES[self._topology.stage].secret_id
        stores = servers.stores[region]
        value = arena_secret(secrets, mongo_uri=stores.mongo.uri, redis_url=stores.cache.redis_url)
        try:
            client.create_secret(Name=name, SecretString=value)
        except ClientError as error:
            if error_code(error) != "ResourceExistsException":
                raise
            client.put_secret_value(SecretId=name, SecretString=value)

    def _prepare_databases(self, stores: Mapping[str, RegionStores]) -> None:
        for region, one in stores.items():
            with _opened(one) as client:
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
        battle = Task(partial(fight, deployments[region].api_url, bot_token), "battle")
        report = battle.result(self._supervisor.check)
        self._log(describe(region, report))
        if not report.agrees:
            raise LocalCloudError("the battle's score is not the engine's for its seed")

    def _status(self, servers: _Servers, deployments: Mapping[str, Deployment]) -> dict[str, Any]:
        return {
            "tier": self._options.tier,
            "regions": {
                region: {
                    "api": deployment.api_url,
                    "health": f"{deployment.api_url}/health",
                    "websocket": servers.websocket.url(region),
                    "function": deployment.api_function_name,
                    "mongo": servers.stores[region].mongo.uri,
                    "redis": servers.stores[region].cache.status,
                    "database": database_name(region),
                }
                for region, deployment in deployments.items()
            },
            "front": None,
            "console": None,
            "redis": servers.stores[self._options.regions[0]].cache.status,
            "localstack": servers.localstack.url,
        }

    def _log_for(self, region: str, line: str) -> None:
        self._log(f"{region}: {line}")


def _opened(stores: RegionStores) -> MongoClient[dict[str, Any]]:
    return MongoClient(stores.mongo.uri, tz_aware=True, serverSelectionTimeoutMS=_SELECTION_MILLISECONDS)


def elapsed_log(echo: Callable[[str], None]) -> Log:
    """A log whose lines begin with the seconds since it was made."""
    began = time.monotonic()

    def log(line: str) -> None:
        echo(f"[{time.monotonic() - began:6.1f} s] {line}")

    return log
