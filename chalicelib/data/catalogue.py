"""What operators publish, read through the secondary pool: seconds of staleness do no harm there."""

from chalicelib.arena.ports import Document
from chalicelib.data import queries
from chalicelib.data.operations import Operations


class MongoCatalogue:
    """``ports.CatalogueQueries`` on MongoDB."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    def enabled_modes(self, arena: str | None, league: str | None) -> list[Document]:
        return self._operations.execute(queries.enabled_modes(arena, league), pool="secondary")

    def economy_config(self) -> Document:
        return self._operations.execute(queries.economy_config(), pool="secondary") or {}

    def active_realms(self) -> list[Document]:
        return self._operations.execute(queries.active_realms(), pool="secondary")

    def realm(self, key: str) -> Document | None:
        return self._operations.execute(queries.realm(key), pool="secondary")
