"""What the arena's services need from storage, in the game's own terms.

The Mongo adapter (``chalicelib.data``) and the in-memory one used by tests both implement these and
run one contract suite. Documents travel as plain dictionaries with the wire's camelCase names; an
identifier is opaque here (an ObjectId in Mongo) and prints as 24 lower-case hex digits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

Document = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Insert:
    """Adds ``documents`` to ``collection``; a unique index decides every race."""

    collection: str
    documents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Changes exactly one document: ``change`` is a Mongo update ($set, $inc, $setOnInsert).

    ``where`` names that document and the facts the decision rests on: plain values (None also matches a
    missing field) or ``{"$gte": number}``. No match (and no upsert) means those facts are gone: the
    transaction is abandoned and the work is done again on a fresh snapshot.
    """

    collection: str
    where: Mapping[str, Any]
    change: Mapping[str, Any]
    upsert: bool = False


Write = Insert | Update


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a unit of work decided: its ``result`` and the ``writes`` that make it so, in order.

    Neighbouring updates of one collection travel together, so keep them side by side. No writes means
    that nothing changes (a replay, for instance).
    """

    result: T
    writes: tuple[Write, ...] = ()


Lookup = Callable[[str, Mapping[str, Any]], Document | None]
"""The document of a collection that an update's ``where`` names, as the transaction sees it before its writes."""


class Recorder(Protocol):
    """Tells other regions what transactions change."""

    def recorded(self, writes: Sequence[Write], lookup: Lookup) -> Sequence[Write]:
        """What the transaction writes instead of ``writes``: the same, and what tells of it."""
        ...


class CommitWatch(Protocol):
    """Is told what transactions write, so that what was made of the old documents can go."""

    def beside(self, writes: Sequence[Write]) -> Sequence[Write]:
        """What the transaction of ``writes`` must write besides."""
        ...

    def committed(self, writes: Sequence[Write]) -> None:
        """After a transaction of ``writes`` has ended, well or not. Takes a bounded time and raises nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BattleQuery:
    """What must be read, in one snapshot, to decide a battle."""

    request_id: str
    telegram_id: str
    broker_id: str
    mode_key: str | None
    arena: str
    league: str
    now: datetime
    stripe_id: str
    """_id of the day's emission stripe this environment prefers."""
    with_guild: bool = False
    """Whether to read the player's guild in the same round trip: set it when a guild mode is likely."""
    with_roles: bool = False
    """Whether to read who serves for whom."""


@dataclass(frozen=True, slots=True)
class GuildRivalry:
    """The opposing guild (the newest other active one, if any) and both pools' sizes in brokers."""

    opponent: Document | None
    own_pool: int
    opponent_pool: int


@dataclass(frozen=True, slots=True)
class Membership:
    """The active guild a player is a member of, and whom it is up against."""

    guild: Document
    rivalry: GuildRivalry


@dataclass(frozen=True, slots=True)
class Referrer:
    """Who brought the player in, and the referral code's document (empty when it is gone)."""

    telegram_id: str
    referral: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class BattleView:
    """The state a battle is decided on. ``None`` where no such document exists."""

    user: Document | None
    existing_battle: Document | None
    """Any user's battle with this requestId."""
    broker: Document | None
    mode: Document | None
    """By key when the query names one (whatever its enabled state), else the lowest enabled key."""
    config: Document
    """economyconfigs document, or empty for the defaults."""
    boost: Document | None
    """The player's unexpired boost with the latest expiry."""
    referral: Document | None
    """The player's own active referral code."""
    stripe: Document | None
    """The preferred emission stripe of the day."""
    membership: Membership | None = None
    """Present when the query asked for it and the player has a guild."""
    referrer: Referrer | None = None
    boss: Document | None = None
    """The newest active global boss."""
    roles: Sequence[Document] = ()
    """Documents of ``regions``; none unless asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionQuery:
    """What must be read, in one snapshot, to decide a broker action."""

    scope: str
    """broker_train, broker_repair, broker_upgrade or broker_combine."""
    request_id: str
    telegram_id: str
    broker_ids: tuple[str, ...]
    """24 hex digits each."""
    with_guilds: bool = False
    """Whether the guilds are needed in whose pools the brokers are."""
    with_roles: bool = False
    """Whether to read who serves for whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """The state a broker action (train, repair, upgrade, combine) is decided on."""

    user: Document | None
    finished: Document | None
    """The actionrunkeys document of this (scope, requestId, user), holding the stored response."""
    brokers: Mapping[str, Document]
    """By the id as asked for; missing ones are absent."""
    guilds: Mapping[Any, Document]
    """Those in whose pools the brokers are, by ``_id``; empty unless asked for."""
    config: Document
    roles: Sequence[Document] = ()
    """Documents of ``regions``; none unless asked for."""


class Snapshot(Protocol):
    """Reads inside one transaction; all of them see the same moment."""

    def battle(self, query: BattleQuery) -> BattleView: ...

    def membership(self, telegram_id: str) -> Membership | None: ...

    def stripes(self, day: str) -> Sequence[Document]:
        """Every emission stripe of the UTC ``day``; empty before the first emission."""
        ...

    def action(self, query: ActionQuery) -> ActionView: ...


class Store(Protocol):
    """Transactions over everything the arena owns."""

    def new_id(self) -> Any:
        """A fresh document identifier."""
        ...

    def transact(self, work: Callable[[Snapshot], Outcome[T]]) -> T:
        """Runs ``work`` on a snapshot and commits its writes atomically, or nothing at all.

        ``work`` must be free of side effects: it runs again, on a fresh snapshot, when a concurrent
        writer, a lost unique key or a transient fault got in between. An ``ArenaError`` it raises
        aborts the transaction and passes through.

        Raises ``Unavailable`` when the time budget is used up, ``Conflict`` when another document keeps
        holding a unique key that ``work`` does not know about.
        """
        ...


@dataclass(frozen=True, slots=True)
class Account:
    """A player beside the economy's settings."""

    player: Document | None
    config: Document
    """economyconfigs document, or empty for the defaults."""


class PlayerQueries(Protocol):
    """Reads and single writes about one player, each its own transaction where other regions must hear of it."""

    def upsert_player(self, telegram_id: str, profile: Mapping[str, Any], now: datetime) -> Document:
        """The player's document, created with zero balances if new, with ``profile`` ($set) and lastSeenAt."""
        ...

    def player(self, telegram_id: str) -> Document | None:
        """The player's document."""
        ...

    def account(self, telegram_id: str) -> Account: ...

    def brokers_of(self, telegram_id: str) -> list[Document]:
        """The newest thousand living brokers of the player, newest first."""
        ...

    def add_broker(self, broker: Mapping[str, Any]) -> None:
        """Stores a new broker, whose ``_id`` the caller has set."""
        ...

    def set_school(self, telegram_id: str, school_id: str | None, now: datetime) -> None:
        """``school_id`` is 24 hex digits, or None for no school."""
        ...


class CatalogueQueries(Protocol):
    """Reads of what operators publish: shared by all players, rarely changed."""

    def enabled_modes(self, arena: str | None, league: str | None) -> list[Document]:
        """Enabled modes sorted by arena, league, key."""
        ...

    def economy_config(self) -> Document:
        """The economyconfigs document, or empty for the defaults."""
        ...

    def active_realms(self) -> list[Document]:
        """Active realms by level, then order."""
        ...

    def realm(self, key: str) -> Document | None:
        """An active realm."""
        ...
