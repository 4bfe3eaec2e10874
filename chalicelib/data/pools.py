"""Connection pools: the operators' figures, translated to pymongo and to Lambda.

The guide writes for a few long-lived servers; its figures stand in ``GUIDE_POOLS``. A Lambda execution
environment serves one request at a time and there may be hundreds, so ``ENVIRONMENT_POOLS`` differs:

===================  =============  ================================================================
guide                environment    why
===================  =============  ================================================================
maxPoolSize 50       2              one request uses one connection; the second replaces one that
                                    a frozen environment lost. The guide's 50 is what a whole
                                    server may hold, so it stays the ceiling, not the default.
minPoolSize 10       0              kept open in every environment, ten each would be a connection
                                    storm at each scale-up; connections are opened when first used.
maxIdleTimeMS        kept           an environment thawed after longer must not trust its sockets.
serverSelection-     kept           but a request's own time budget (``Operations``) ends sooner.
TimeoutMS
socketTimeoutMS      kept           likewise; it still bounds work that carries no budget.
bufferMaxEntries,    dropped        options of another driver. pymongo never queues operations for
bufferCommands                      an absent server: selection fails after its timeout instead.
w majority, j        kept           every acknowledged write survives a lost primary.
secondary w 1        majority       the pool is for reads and the operations door refuses writes on
analytics w 0                       it; a stray write must still not be weaker than the others.
analytics reads      secondary-     where the set has one node (development), else the guide's
``secondary``        Preferred      strict ``secondary``.
===================  =============  ================================================================

Retryable reads and writes stay on (driver default). Each pool is a client of its own, built when first
used: an environment that never reports never opens an analytics connection. Besides its pool a client
keeps one monitoring connection per server.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from chalicelib.errors import InternalError

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.monitoring import _EventListener

PoolName = Literal["primary", "secondary", "analytics"]
ReadPreference = Literal["primary", "secondaryPreferred", "secondary"]
POOL_NAMES: Final[tuple[PoolName, ...]] = get_args(PoolName)


class UnknownPool(InternalError):
    """A pool name the arena does not have."""

    def __init__(self, name: object) -> None:
        super().__init__("internal server error", f"unknown pool {name!r}: one of {', '.join(POOL_NAMES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """One pool's figures."""

    max_size: int
    """Connections, at most, per server of the set."""
    min_size: int
    """Connections kept open, per server of the set."""
    idle_ms: int
    server_selection_ms: int
    socket_ms: int
    read_preference: ReadPreference
    writable: bool = False

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments for ``MongoClient``. Dates come back timezone-aware."""
        return {
            "maxPoolSize": self.max_size,
            "minPoolSize": self.min_size,
            "maxIdleTimeMS": self.idle_ms,
            "serverSelectionTimeoutMS": self.server_selection_ms,
            "socketTimeoutMS": self.socket_ms,
            "readPreference": self.read_preference,
            "w": "majority",
            "journal": True,
            "retryReads": True,
            "retryWrites": True,
            "tz_aware": True,
            "appname": "aiba-arena",
        }


GUIDE_POOLS: Final[Mapping[PoolName, PoolSpec]] = {
    "primary": PoolSpec(
        max_size=50,
        min_size=10,
        idle_ms=30_000,
        server_selection_ms=5_000,
        socket_ms=45_000,
        read_preference="primary",
        writable=True,
    ),
    "secondary": PoolSpec(
        max_size=30,
        min_size=5,
        idle_ms=30_000,
        server_selection_ms=5_000,
        socket_ms=45_000,
        read_preference="secondaryPreferred",
    ),
    "analytics": PoolSpec(
        max_size=20,
        min_size=2,
        idle_ms=60_000,
        server_selection_ms=10_000,
        socket_ms=60_000,
        read_preference="secondary",
    ),
}
"""The guide's figures, for one long-lived server process (or a load generator with that many threads)."""

_ENVIRONMENT_MAX_SIZE: Final[Mapping[PoolName, int]] = {"primary": 2, "secondary": 1, "analytics": 1}

ENVIRONMENT_POOLS: Final[Mapping[PoolName, PoolSpec]] = {
    name: replace(spec, max_size=_ENVIRONMENT_MAX_SIZE[name], min_size=0) for name, spec in GUIDE_POOLS.items()
}
"""One Lambda execution environment."""


def connections_per_environment(pools: Mapping[PoolName, PoolSpec] = ENVIRONMENT_POOLS) -> int:
    """Connections one environment may hold to one node at the worst: every pool's, and its monitoring one."""
    return sum(pool.max_size + 1 for pool in pools.values())


def without_secondaries(pools: Mapping[PoolName, PoolSpec]) -> dict[PoolName, PoolSpec]:
    """``pools`` for a set of one node: where only a secondary would do, the primary is accepted."""
    return {
        name: replace(spec, read_preference="secondaryPreferred") if spec.read_preference == "secondary" else spec
        for name, spec in pools.items()
    }


class Pools:
    """The clients of one process, each built once, when first asked for. Safe to share between threads."""

    def __init__(
        self,
        uri: str,
        specs: Mapping[PoolName, PoolSpec] = ENVIRONMENT_POOLS,
        *,
        listeners: Sequence["_EventListener"] = (),
        watched: Callable[[PoolName], Sequence["_EventListener"]] = lambda _: (),
    ) -> None:
        """``listeners`` (pymongo.monitoring) hear of every client's commands and connections, those ``watched`` gives
        of one pool's."""
        self._uri = uri
        self._specs = specs
        self._listeners = list(listeners)
        self._watched = watched
        self._clients: dict[PoolName, MongoClient[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    @property
    def specs(self) -> Mapping[PoolName, PoolSpec]:
        return self._specs

    def spec(self, name: PoolName) -> PoolSpec:
        """The pool's figures. Raises ``UnknownPool``."""
        if name not in self._specs:
            raise UnknownPool(name)
        return self._specs[name]

    def client(self, name: PoolName) -> "MongoClient[dict[str, Any]]":
        """The pool's client. Connects when first used, not here. Raises ``UnknownPool``."""
        spec = self.spec(name)
        with self._lock:
            if name not in self._clients:
                # Imported here: the driver takes longer to load than a cold start that needs no database should pay.
                from pymongo import MongoClient

                listeners = [*self._listeners, *self._watched(name)]
                self._clients[name] = MongoClient(self._uri, event_listeners=listeners, **spec.client_options())
            return self._clients[name]

    def ping(self, budget_seconds: float) -> None:
        """Asks the primary whether it is there. Raises the driver's error when it is not, within the budget."""
        import pymongo

        with pymongo.timeout(budget_seconds):
            self.client("primary").admin.command("ping")

    def connection_limit(self, budget_seconds: float = 1.0) -> int:
        """Connections the primary admits. Raises the driver's error, also when the account may not ask."""
        import pymongo

        with pymongo.timeout(budget_seconds):
            found = self.client("primary").admin.command("serverStatus", repl=0, metrics=0, locks=0)["connections"]
        return int(found["current"]) + int(found["available"])

    def opened(self) -> tuple[PoolName, ...]:
        """The pools in use so far."""
        with self._lock:
            return tuple(self._clients)

    def close(self) -> None:
        """Closes every client; a later use opens a new one."""
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()
