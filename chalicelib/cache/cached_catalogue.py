"""What operators publish, read through the cache."""

from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.cache.cached_values import CONFIG, MODES, REALMS, Item
from chalicelib.cache.read_through import ReadThrough

ENABLED_MODES = Item(MODES, "enabled")
ECONOMY = Item(CONFIG, "economy")
ACTIVE_REALMS = Item(REALMS, "active")


class CachedCatalogue:
    """``ports.CatalogueQueries``.

    Whole lists are kept, and what callers ask for is picked from them: players could name any number of arenas and
    realms, and what is not in a list does not exist, which so is known without asking.
    """

    def __init__(self, catalogue: CatalogueQueries, reads: ReadThrough) -> None:
        self._catalogue = catalogue
        self._reads = reads

    def enabled_modes(self, arena: str | None, league: str | None) -> list[Document]:
        modes = self._reads.cached(ENABLED_MODES, lambda: self._catalogue.enabled_modes(None, None))
        asked = {name: value for name, value in (("arena", arena), ("league", league)) if value is not None}
        return [mode for mode in modes if all(mode.get(name) == value for name, value in asked.items())]

    def economy_config(self) -> Document:
        return self._reads.cached(ECONOMY, self._catalogue.economy_config)

    def active_realms(self) -> list[Document]:
        return self._reads.cached(ACTIVE_REALMS, self._catalogue.active_realms)

    def realm(self, key: str) -> Document | None:
        return next((realm for realm in self.active_realms() if realm.get("key") == key), None)
