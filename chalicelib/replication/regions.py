"""The regions' roles: who serves whose players, and where. Pure.

``regions`` of each database holds a document per region: ``{_id, url, priority, servedBy, epoch, changedAt}``.
``servedBy`` is the region itself, another one that has taken over, or None while nobody may serve (it is being fenced).
A missing document means that the region serves itself. Of two documents the higher epoch counts.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena.homes import Homes
from chalicelib.arena.ports import Update
from chalicelib.errors import Unavailable

COLLECTION: Final = "regions"
ROLES_SECONDS: Final = 1.0
"""How long an environment believes what it has read of the roles, where it only passes on and shows. Who decides reads
them in the decision's own snapshot."""
ORIGINS_SECONDS: Final = 60.0
ORIGINS_MISSED_SECONDS: Final = 5.0
"""How long it keeps the origins it has read, and does without them when it could not read them."""
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d+)?")


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


def origins_of(roles: Mapping[str, Role]) -> frozenset[str]:
    """The web origins (scheme, host, port) of the addresses; what is no plain http address has none."""
    return frozenset(match.group() for found in roles.values() if (match := _ORIGIN.match(found.url or "")))


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
        self._origins: frozenset[str] = frozenset()
        self._origins_until = float("-inf")

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

    def origins(self) -> frozenset[str]:
        """Web origins of the regions' APIs, up to a minute old. Those last known, or none, while they can't be read."""
        now = self._monotonic()
        if now >= self._origins_until:
            # Anybody may cause this: it must not read anew for each of them, least of all while reading fails.
            self._origins_until = now + ORIGINS_MISSED_SECONDS
            try:
                self._origins = origins_of(self.roles())
                self._origins_until = now + ORIGINS_SECONDS
            except Unavailable:
                pass
        return self._origins
