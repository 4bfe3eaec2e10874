"""The regions' roles: who serves whose players, and where. Pure.

``regions`` of each database holds a document per region: ``{_id, url, priority, servedBy, epoch, changedAt}``.
``servedBy`` is the region itself, another one that has taken over, or None while nobody may serve (it is being fenced).
A missing document means that the region serves itself. Of two documents the higher epoch counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.homes import Homes
from chalicelib.arena.ports import Update
from chalicelib.errors import Unavailable

COLLECTION: Final = "regions"
ROLES_SECONDS: Final = 1.0
"""How long an environment believes what it has read of the roles. Failover waits longer than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One region's."""

    region: str
    served_by: str | None
    epoch: int
    url: str | None
    """Where its API is, without a trailing slash; None where nobody said."""


def role(document: Mapping[str, Any]) -> Role:
    """From a stored document."""
    return Role(
        region=str(document["_id"]),
        served_by=document.get("servedBy", document["_id"]),
        epoch=int(document.get("epoch", 0)),
        url=document.get("url"),
    )


def introduction(region: str, url: str) -> Update:
    """The write that says where a region's API is; who serves for whom stays as it was."""
    begun = {"servedBy": region, "epoch": 0}
    return Update(COLLECTION, {"_id": region}, {"$set": {"url": url}, "$setOnInsert": begun}, upsert=True)


def roles_of(regions: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> dict[str, Role]:
    """The roles of ``regions``, in that order; regions that are not among them are left aside."""
    stored = {found.region: found for found in map(role, documents)}
    return {region: stored.get(region, Role(region=region, served_by=region, epoch=0, url=None)) for region in regions}


def homes_of(region: str, roles: Mapping[str, Role]) -> Homes:
    """Who decides for whom, seen from ``region``. The first of ``roles`` is the home of players without one."""
    serving = {name: found.served_by for name, found in roles.items()}
    return Homes(region=region, first=next(iter(roles)), serving=serving)


class KnownRoles:
    """Roles, read anew when they are older than ``ROLES_SECONDS``."""

    def __init__(
        self,
        region: str,
        regions: Sequence[str],
        read: Callable[[], Iterable[Mapping[str, Any]]],
        monotonic: Callable[[], float],
    ) -> None:
        self._region = region
        self._regions = tuple(regions)
        self._read = read
        self._monotonic = monotonic
        self._until = float("-inf")
        self._roles: dict[str, Role] = {}

    def roles(self) -> dict[str, Role]:
        """Raises what reading raises, and ``Unavailable``: whoever does not know the roles may not serve."""
        now = self._monotonic()
        if now >= self._until:
            # The time before reading counts, or a slow answer would be believed for too long.
            self._roles = roles_of(self._regions, self._read())
            self._until = now + ROLES_SECONDS
            if self._monotonic() >= self._until:
                raise Unavailable("database_unavailable", "who serves whom was read too slowly to be believed")
        return self._roles

    def homes(self) -> Homes:
        return homes_of(self._region, self.roles())
