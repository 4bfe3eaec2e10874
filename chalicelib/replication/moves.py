"""Moving a player's home to another region, with no moment of two homes.

The old home writes the new one on the player's document: every battle and every purchase writes that document, too, so
from the commit on the old home refuses. With the new home goes a proof of what the old one knew. The new home serves
once it knows as much (``covers``). Until then nobody does; it takes about as long as replication.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeVar

from chalicelib.arena.home_fence import mindful
from chalicelib.arena.homes import ARRIVED, FIELD, Homes, HomesOf, has_arrived
from chalicelib.arena.ports import Document, Outcome, Update
from chalicelib.arena.stripe_choice import stripes_to_try
from chalicelib.clock import Clock
from chalicelib.errors import BadRequest, Conflict, NotFound, TooManyRequests

T = TypeVar("T")

STAYS: Final = timedelta(hours=1)
"""A player who has moved stays at least that long."""

Proof = Mapping[str, Any]
"""``{"debits": {currency: [rows, sum]}, "battles": number, "brokers": {id: highest version}}``."""


class MoveSnapshot(Protocol):
    """Reads of one transaction."""

    def roles(self) -> Sequence[Document]:
        """The documents of ``regions``."""
        ...

    def player(self, telegram_id: str) -> Document | None: ...

    def proof(self, telegram_id: str) -> Proof:
        """What this region knows of a player."""
        ...


class MoveStore(Protocol):
    """See ``arena.ports.Store``; what it commits is told to other regions."""

    def transact(self, work: Callable[[MoveSnapshot], Outcome[T]]) -> T: ...


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a player's home is now."""

    telegram_id: str
    home: str
    epoch: int
    changed: bool


def covers(here: Proof, there: Proof) -> bool:
    """Whether whoever has the proof ``here`` knows all that ``there`` was made of.

    Debits are only ever made at homes, so the old home knew them all and the sums must be equal; of battles and
    brokers' versions there may be more here.
    """
    debits = all(list(here["debits"].get(currency, (0, 0))) == list(rows) for currency, rows in there["debits"].items())
    brokers = all(here["brokers"].get(broker, "") >= version for broker, version in there["brokers"].items())
    return debits and brokers and bool(here["battles"] >= there["battles"])


class Moves:
    """Moves players, and settles those who come."""

    def __init__(self, store: MoveStore, clock: Clock, homes: HomesOf, *, stripe: int) -> None:
        """``stripe`` is the day-counter stripe this environment prefers."""
        self._store = store
        self._clock = clock
        self._homes = homes
        self._stripe = stripe

    def move(self, telegram_id: str, to: str) -> Moved:
        """Gives a player of this region to region ``to``.

        Raises ``BadRequest("unknown_region")``, ``NotFound("player not found")``, ``NotHome`` elsewhere than at home,
        ``TooManyRequests("moved_recently")``, and ``Conflict("home_unavailable")`` when ``to`` serves nobody.
        """
        stripes = stripes_to_try(self._stripe)

        def work(snapshot: MoveSnapshot) -> Outcome[Moved]:
            homes, stripe, now = self._homes(snapshot.roles()), next(stripes), self._clock()
            if to not in homes.serving:
                raise BadRequest("unknown_region", f"no region {to!r}", details={"known": sorted(homes.serving)})
            if homes.serving[to] != to:
                raise Conflict("home_unavailable", f"{to} serves nobody right now")
            return mindful(_moved(snapshot, telegram_id, to, homes, now), now, stripe)

        return self._store.transact(work)

    def settle(self, telegram_id: str) -> bool:
        """Notes that a player has arrived, if all is here; whether the player has."""

        def work(snapshot: MoveSnapshot) -> Outcome[bool]:
            player = snapshot.player(telegram_id)
            if player is None or has_arrived(player):
                return Outcome(player is not None)
            home = player[FIELD]
            if not covers(snapshot.proof(telegram_id), home["proof"]):
                return Outcome(False)
            facts = {"_id": player["_id"], f"{FIELD}.epoch": home["epoch"]}
            return Outcome(True, (Update("users", facts, {"$set": {ARRIVED: home["epoch"]}}),))

        return self._store.transact(work)


def _moved(snapshot: MoveSnapshot, telegram_id: str, to: str, homes: Homes, now: datetime) -> Outcome[Moved]:
    player = snapshot.player(telegram_id)
    homes.require(player)
    if player is None:
        raise NotFound("player not found")
    before: Mapping[str, Any] = player.get(FIELD) or {}
    epoch = int(before.get("epoch", 0))
    if homes.home_of(player) == to:
        return Outcome(Moved(telegram_id, to, epoch, changed=False))
    moved_at = before.get("movedAt")
    if moved_at is not None and now - moved_at < STAYS:
        wait = STAYS - (now - moved_at)
        raise TooManyRequests("moved_recently", headers={"Retry-After": str(int(wait.total_seconds()) + 1)})
    home = {"region": to, "epoch": epoch + 1, "movedAt": now, "proof": dict(snapshot.proof(telegram_id))}
    # The facts say once more what the snapshot said: whoever fights meanwhile makes this decide anew.
    facts = {"_id": player["_id"], "updatedAt": player.get("updatedAt")}
    change = {"$set": {FIELD: home, "updatedAt": now}}
    return Outcome(Moved(telegram_id, to, epoch + 1, changed=True), (Update("users", facts, change),))
