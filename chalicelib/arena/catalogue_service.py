"""What anyone may read: game modes, realms, and how to reach the operators."""

from chalicelib.arena.economy_config import config_value
from chalicelib.arena.ports import CatalogueQueries, Document
from chalicelib.clock import Clock
from chalicelib.errors import NotFound


class CatalogueService:
    """The public catalogue."""

    def __init__(self, catalogue: CatalogueQueries, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    def game_modes(self, arena: str | None = None, league: str | None = None) -> list[Document]:
        """Enabled modes sorted by arena, league, key; of one arena or league where given."""
        return self._catalogue.enabled_modes(arena, league)

    def realms(self) -> Document:
        """Active realms by level, then order."""
        return {"realms": self._catalogue.active_realms()}

    def realm(self, key: str) -> Document:
        """One active realm. Raises NotFound("Realm not found")."""
        realm = self._catalogue.realm(key)
        if realm is None:
            raise NotFound("Realm not found")
        return {"realm": realm}

    def comms_status(self) -> Document:
        """Whether the service runs: it does, or this would not answer."""
        return {"status": "operational", "updatedAt": self._clock()}

    def comms_config(self) -> Document:
        """Where players find help; None where the operators have set nothing."""
        config = self._catalogue.economy_config()
        return {name: config_value(config, name) or None for name in ("supportLink", "supportTelegramGroup")}
