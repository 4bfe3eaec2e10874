"""A player's guilds: founding, joining, leaving, and the pool of brokers that counts in guild wars.

Every change is one transaction that also tells the other regions, and each is safe to repeat: who is in a guild
already, or has left it, or has put the broker there already, changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.arena import guilds, outbox
from chalicelib.arena.battle_gate import refuse_foreign
from chalicelib.arena.guild_ports import GuildQueries, GuildSnapshot, GuildStore, RankQuery
from chalicelib.arena.ports import Document, Insert, Outcome, Update, Write
from chalicelib.clock import Clock
from chalicelib.errors import Conflict, Forbidden, NotFound

COLLECTION: Final = "guilds"
MINE_MAX: Final = 300
"""Guilds of one player that are listed, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildRequest:
    """Who asks, and in which request (for the record)."""

    telegram_id: str
    request_id: str


class GuildService:
    """Guilds on a store."""

    def __init__(self, store: GuildStore, queries: GuildQueries, ranks: RankQuery, clock: Clock) -> None:
        self._store = store
        self._queries = queries
        self._ranks = ranks
        self._clock = clock

    def create(self, request: GuildRequest, name: str, bio: str = "", tx_hash: str = "") -> Document:
        """A new guild owned by the player.

        Raises ``Conflict("name already taken")`` and ``BadRequest`` ("payment required", "payment not verifiable").
        """
        rank = self._ranks.score_rank(request.telegram_id)

        def work(snapshot: GuildSnapshot) -> Outcome[Document]:
            if snapshot.guild_named(name) is not None:
                raise Conflict("name already taken", details={"name": name})
            guilds.refuse_unpaid(rank, snapshot.economy_config(), tx_hash)
            now = self._clock()
            guild = guilds.new_guild(request.telegram_id, name, bio, now, guild_id=self._store.new_id())
            return Outcome(guild, (Insert(COLLECTION, (guild,)), self._event(request, "insert", guild, ())))

        return self._store.transact(work)

    def join(self, request: GuildRequest, guild_id: str) -> Document:
        """The guild with the player in it. Raises ``NotFound("not found")`` and ``Conflict("guild full")``."""

        def work(snapshot: GuildSnapshot) -> Outcome[Document]:
            guild = _active(snapshot, guild_id)
            if guilds.is_member(guild, request.telegram_id):
                return Outcome(guild)
            members = guilds.members_with(guild, request.telegram_id, self._clock())
            return self._changed(request, guild, {"members": members}).outcome()

        return self._store.transact(work)

    def leave(self, request: GuildRequest, guild_id: str) -> None:
        """Takes the player and the player's brokers out of the guild; an owner stays its owner.

        Raises ``NotFound("not found")``.
        """

        def work(snapshot: GuildSnapshot) -> Outcome[None]:
            guild = _known(snapshot, guild_id)
            if not guilds.is_member(guild, request.telegram_id):
                return Outcome(None)
            pool = snapshot.pool(guild["_id"])
            own = [broker for broker in pool if broker["ownerTelegramId"] == request.telegram_id]
            staying = [broker for broker in pool if broker["ownerTelegramId"] != request.telegram_id]
            changes = {
                "members": guilds.members_without(guild, request.telegram_id),
                "pooledBrokers": guilds.pooled(guild, staying),
            }
            return Outcome(None, self._changed(request, guild, changes, moved=own).writes)

        self._store.transact(work)

    def deposit(self, request: GuildRequest, guild_id: str, broker_id: str) -> Document:
        """Puts the player's broker into the pool: ``{ok, guild, broker}``.

        Raises ``NotFound`` ("not found", "broker not found"), ``Forbidden`` ("not a member", "not your broker") and
        ``Conflict`` ("broker already in another guild pool", "guild pool full").
        """

        def work(snapshot: GuildSnapshot) -> Outcome[Document]:
            guild = _active(snapshot, guild_id)
            _refuse_stranger(guild, request.telegram_id)
            broker = _living(snapshot, broker_id)
            refuse_foreign(broker, request.telegram_id)
            if broker.get("guildId") == guild["_id"]:
                return Outcome(_pooled_answer(guild, broker))
            if broker.get("guildId") is not None:
                raise Conflict("broker already in another guild pool", details={"guildId": broker["guildId"]})
            pool = snapshot.pool(guild["_id"])
            entries = guilds.pooled_with(guild, pool, broker, request.telegram_id, self._clock())
            change = self._changed(request, guild, {"pooledBrokers": entries}, moved=[broker], to=guild["_id"])
            return change.pool_outcome()

        return self._store.transact(work)

    def withdraw(self, request: GuildRequest, guild_id: str, broker_id: str) -> Document:
        """Takes a broker out of the pool: ``{ok, guild, broker}``.

        Raises ``NotFound`` ("not found", "broker not found"), ``Forbidden("not allowed")`` and ``Conflict("broker not
        in this guild pool")``.
        """

        def work(snapshot: GuildSnapshot) -> Outcome[Document]:
            guild = _known(snapshot, guild_id)
            broker = _living(snapshot, broker_id)
            if not guilds.may_withdraw(guild, broker, request.telegram_id):
                raise Forbidden("not allowed")
            if broker.get("guildId") != guild["_id"]:
                raise Conflict("broker not in this guild pool")
            staying = [other for other in snapshot.pool(guild["_id"]) if other["_id"] != broker["_id"]]
            change = self._changed(request, guild, {"pooledBrokers": guilds.pooled(guild, staying)}, moved=[broker])
            return change.pool_outcome()

        return self._store.transact(work)

    def ranked(self, limit: int) -> list[Document]:
        """Active guilds by boostCount, then newest."""
        return [guilds.complete(guild) for guild in self._queries.ranked(limit)]

    def mine(self, telegram_id: str) -> list[Document]:
        """Active guilds the player is a member of, newest first."""
        return [guilds.complete(guild) for guild in self._queries.of_member(telegram_id, MINE_MAX)]

    def pool(self, telegram_id: str, guild_id: str) -> Document:
        """``{guildId, brokers}``: living brokers in the order they came.

        Raises ``NotFound("not found")`` and ``Forbidden("not a member")``.
        """
        found = self._queries.with_pool(guild_id)
        if found is None or not found.guild.get("active", True):
            raise NotFound("not found")
        guild = guilds.complete(found.guild)
        _refuse_stranger(guild, telegram_id)
        return {"guildId": guild["_id"], "brokers": guilds.in_pool_order(guild, found.brokers)}

    def _changed(
        self,
        request: GuildRequest,
        guild: Document,
        changes: Mapping[str, Any],
        *,
        moved: Sequence[Document] = (),
        to: Any = None,
    ) -> "_Change":
        """``guild`` with ``changes``, and the brokers ``moved`` into the pool ``to`` (None: out of any)."""
        now = self._clock()
        after = {**guild, **changes, "updatedAt": now}
        step = {"guildId": to, "updatedAt": now}
        # What was read in this transaction can't change before its commit; the facts say so once more.
        facts = {"_id": guild["_id"], "updatedAt": guild.get("updatedAt")}
        writes: tuple[Write, ...] = (
            Update(COLLECTION, facts, {"$set": {**changes, "updatedAt": now}}),
            *(Update("brokers", _facts(broker), {"$set": step}) for broker in moved),
            self._event(request, "update", after, [{"_id": broker["_id"], **step} for broker in moved]),
        )
        return _Change(after, [{**broker, **step} for broker in moved], writes)

    def _event(self, request: GuildRequest, op: str, guild: Document, brokers: Sequence[Document]) -> Insert:
        return outbox.event(
            event_id=self._store.new_id(),
            entity="guild",
            key=str(guild["_id"]),
            op=op,
            payload={"guild": guilds.without_vaults(guild), "brokers": list(brokers)},
            request_id=request.request_id,
            now=guild["updatedAt"],
        )


@dataclass(frozen=True, slots=True)
class _Change:
    """A guild as a transaction leaves it, the brokers it moves, and its writes."""

    guild: Document
    brokers: Sequence[Document]
    writes: tuple[Write, ...]

    def outcome(self) -> Outcome[Document]:
        return Outcome(self.guild, self.writes)

    def pool_outcome(self) -> Outcome[Document]:
        """Of a change that moves one broker."""
        (broker,) = self.brokers
        return Outcome(_pooled_answer(self.guild, broker), self.writes)


def _pooled_answer(guild: Document, broker: Document) -> Document:
    return {"ok": True, "guild": guild, "broker": broker}


def _known(snapshot: GuildSnapshot, guild_id: str) -> Document:
    """A guild, active or not: nobody and no broker is kept in one that is closed."""
    guild = snapshot.guild(guild_id)
    if guild is None:
        raise NotFound("not found")
    return guilds.complete(guild)


def _active(snapshot: GuildSnapshot, guild_id: str) -> Document:
    guild = _known(snapshot, guild_id)
    if not guild["active"]:
        raise NotFound("not found")
    return guild


def _living(snapshot: GuildSnapshot, broker_id: str) -> Document:
    broker = snapshot.broker(broker_id)
    if broker is None:
        raise NotFound("broker not found")
    return broker


def _refuse_stranger(guild: Document, telegram_id: str) -> None:
    if not guilds.is_member(guild, telegram_id):
        raise Forbidden("not a member")


def _facts(broker: Document) -> Document:
    return {name: broker.get(name) for name in ("_id", "ownerTelegramId", "guildId", "deletedAt")}
