"""What operators publish. From the secondary pool where seconds of staleness do no harm."""

from chalicelib.arena.ports import Document
from chalicelib.data import queries
from chalicelib.data.operations import Operations
from chalicelib.data.pools import PoolName


class MongoCatalogue:
    """``ports.CatalogueQueries`` on MongoDB."""

    def __init__(self, operations: Operations, *, pool: PoolName = "secondary") -> None:
        self._operations = operations
        self._pool: PoolName = pool

    def enabled_modes(self, arena: str | None, league: str | None) -> list[Document]:
        return self._operations.execute(queries.enabled_modes(arena, league), pool=self._pool)

    def economy_config(self) -> Document:
        return self._operations.execute(queries.economy_config(), pool=self._pool) or {}

    def active_realms(self) -> list[Document]:
        return self._operations.execute(queries.active_realms(), pool=self._pool)

    def realm(self, key: str) -> Document | None:
        return self._operations.execute(queries.realm(key), pool=self._pool)
