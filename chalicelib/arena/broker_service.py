"""A player's brokers: new ones, the list of them, and the four paid actions.

An action is one transaction: payment, effect and the stored answer (``actionrunkeys``, seven days) commit
together or not at all. The unique (scope, requestId, player) of the stored answer decides between
simultaneous requests: one acts, the others answer the same. A refusal stores nothing, so its requestId
may be used again at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.arena import brokers, guilds, outbox
from chalicelib.arena.battle_gate import refuse_foreign, refuse_poor
from chalicelib.arena.home_fence import mindful, minding
from chalicelib.arena.homes import HomesOf
from chalicelib.arena.jsnumber import whole_amount
from chalicelib.arena.ledger import balance_field
from chalicelib.arena.ports import (
    ActionQuery,
    ActionView,
    Document,
    Insert,
    Outcome,
    PlayerQueries,
    Snapshot,
    Store,
    Update,
    Write,
)
from chalicelib.arena.postings import Postings
from chalicelib.arena.stats import STATS
from chalicelib.arena.stripe_choice import stripes_to_try
from chalicelib.clock import Clock
from chalicelib.errors import NotFound

ANSWER_KEPT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequest:
    """Who asks for an action, under which id: letters, digits and ``._:-``, 1..128 of them."""

    telegram_id: str
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionResult:
    """The answer, and whether it is that of an earlier request with the same id."""

    body: Document
    """{ok, broker, neurBalance or aibaBalance, requestId}"""
    replayed: bool
    currency: str
    amount: int
    """Paid now: 0 in a replay."""


@dataclass(frozen=True, slots=True)
class _Action:
    """What tells the four actions apart."""

    name: str
    broker_ids: tuple[str, ...]
    not_found: tuple[str, ...]
    """The refusal for each broker that does not exist."""
    effect: Callable[[Sequence[Document]], Mapping[str, Any]]
    """What the first broker becomes ($set), from the brokers in order; the others are given up for it."""

    @property
    def scope(self) -> str:
        return f"broker_{self.name}"


class BrokerService:
    """Brokers on a store. ``stripe`` is the day-counter stripe this environment prefers."""

    def __init__(
        self,
        store: Store,
        players: PlayerQueries,
        clock: Clock,
        *,
        stripe: int,
        public_base_url: str = "",
        homes: HomesOf | None = None,
    ) -> None:
        self._store = store
        self._players = players
        self._clock = clock
        self._stripe = stripe
        self._public_base_url = public_base_url
        self._homes = homes

    def starter(self, telegram_id: str) -> Document:
        """A new default broker; as many as asked for, each call one more."""
        broker = brokers.new_broker(telegram_id, self._clock(), self._public_base_url, broker_id=self._store.new_id())
        if self._homes is None:
            self._players.add_broker(broker)
        else:
            self._store.transact(self._begun(broker, self._homes))
        return broker

    def _begun(self, broker: Document, homes: HomesOf) -> Callable[[Snapshot], Outcome[None]]:
        owner = str(broker["ownerTelegramId"])
        query = ActionQuery(scope="broker_starter", request_id="", telegram_id=owner, broker_ids=(), with_roles=True)
        stripes = stripes_to_try(self._stripe)

        def work(snapshot: Snapshot) -> Outcome[None]:
            view = snapshot.action(query)
            homes(view.roles).require(view.user)
            return Outcome(None, minding([Insert("brokers", (broker,))], self._clock(), next(stripes)))

        return work

    def mine(self, telegram_id: str) -> list[Document]:
        """The player's brokers, newest first, energy as stored."""
        return self._players.brokers_of(telegram_id)

    def train(self, request: ActionRequest, broker_id: str, stat: str | None) -> ActionResult:
        """One point of ``stat`` for NEUR."""
        brokers.known_stat(stat)
        return self._single("train", request, broker_id, lambda found: brokers.train(found[0], stat))

    def repair(self, request: ActionRequest, broker_id: str) -> ActionResult:
        """Full energy and no cooldowns for NEUR."""
        return self._single("repair", request, broker_id, lambda _: brokers.repair())

    def upgrade(self, request: ActionRequest, broker_id: str, stat: str | None) -> ActionResult:
        """Two points of ``stat`` and a level for AIBA."""
        brokers.known_stat(stat)
        return self._single("upgrade", request, broker_id, lambda found: brokers.upgrade(found[0], stat))

    def combine(self, request: ActionRequest, base_id: str, sacrifice_id: str) -> ActionResult:
        """Merges the sacrifice, which is then gone, into the base for NEUR."""
        brokers.require_different(base_id, sacrifice_id)
        return self._run(
            request,
            _Action(
                "combine",
                (base_id, sacrifice_id),
                ("base broker not found", "sacrifice broker not found"),
                lambda found: brokers.combine(found[0], found[1]),
            ),
        )

    def _single(
        self,
        name: str,
        request: ActionRequest,
        broker_id: str,
        effect: Callable[[Sequence[Document]], Mapping[str, Any]],
    ) -> ActionResult:
        return self._run(request, _Action(name, (broker_id,), ("broker not found",), effect))

    def _run(self, request: ActionRequest, action: _Action) -> ActionResult:
        query = ActionQuery(
            scope=action.scope,
            request_id=request.request_id,
            telegram_id=request.telegram_id,
            broker_ids=action.broker_ids,
            # Only brokers given up leave their pools.
            with_guilds=len(action.broker_ids) > 1,
            with_roles=self._homes is not None,
        )
        stripes = stripes_to_try(self._stripe)

        def work(snapshot: Snapshot) -> Outcome[ActionResult]:
            view, stripe = snapshot.action(query), next(stripes)
            if self._homes is None:
                return self._decide(view, request, action, stripe)
            self._homes(view.roles).require(view.user)
            return mindful(self._decide(view, request, action, stripe), self._clock(), stripe)

        return self._store.transact(work)

    def _decide(self, view: ActionView, request: ActionRequest, action: _Action, stripe: int) -> Outcome[ActionResult]:
        if view.finished is not None:
            return Outcome(ActionResult(body=view.finished["response"], replayed=True, currency="", amount=0))
        cost = brokers.action_cost(action.name, view.config)
        found = _owned(view, request, action)
        user = view.user or {}
        refuse_poor(user, cost.currency, cost.amount)

        now = self._clock()
        changes = {**action.effect(found), "updatedAt": now}
        balance = balance_field(cost.currency)
        body: Document = {
            "ok": True,
            "broker": {**found[0], **changes},
            balance: whole_amount(user.get(balance)) - cost.amount,
            "requestId": request.request_id,
        }
        postings = Postings(request_id=request.request_id, now=now, stripe=stripe, new_id=self._store.new_id)
        postings.debit(request.telegram_id, cost.currency, cost.amount, action.name)
        gone = {"guildId": None, "deletedAt": now, "updatedAt": now}
        deleted = [{"_id": other["_id"], **gone} for other in found[1:]]
        pools = _pools_without(view, found[1:], now)
        writes: tuple[Write, ...] = (
            Insert("actionrunkeys", (self._answer(request, action, body, now),)),
            Update("brokers", _facts(found[0]), {"$set": changes}),
            *(Update("brokers", _facts(other), {"$set": gone}) for other in found[1:]),
            *(update for _, update in pools),
            postings.player_update(request.telegram_id, view.user, {}),
            *postings.counters,
            *postings.ledger_insert(),
            self._event(request, action, body["broker"], deleted, [guild for guild, _ in pools], postings),
        )
        return Outcome(ActionResult(body=body, replayed=False, currency=cost.currency, amount=cost.amount), writes)

    def _event(
        self,
        request: ActionRequest,
        action: _Action,
        broker: Document,
        deleted: list[Document],
        guilds_changed: list[Document],
        postings: Postings,
    ) -> Insert:
        return outbox.event(
            event_id=self._store.new_id(),
            entity=action.scope,
            key=str(broker["_id"]),
            op="update",
            payload={
                "broker": broker,
                "deleted": deleted,
                "guilds": [guilds.without_vaults(guild) for guild in guilds_changed],
                "ledger": postings.rows,
                "balances": postings.balances(),
            },
            request_id=request.request_id,
            now=broker["updatedAt"],
        )

    def _answer(self, request: ActionRequest, action: _Action, body: Document, now: datetime) -> Document:
        return {
            "_id": self._store.new_id(),
            "scope": action.scope,
            "requestId": request.request_id,
            "ownerTelegramId": request.telegram_id,
            "status": "completed",
            "response": body,
            "expiresAt": now + ANSWER_KEPT,
            "createdAt": now,
            "updatedAt": now,
            "__v": 0,
        }


def _owned(view: ActionView, request: ActionRequest, action: _Action) -> list[Document]:
    """The action's brokers in order: all found, then all the player's own."""
    found = []
    for broker_id, code in zip(action.broker_ids, action.not_found, strict=True):
        if broker_id not in view.brokers:
            raise NotFound(code)
        found.append(view.brokers[broker_id])
    for broker in found:
        refuse_foreign(broker, request.telegram_id)
    return found


def _pools_without(view: ActionView, gone: Sequence[Document], now: datetime) -> list[tuple[Document, Update]]:
    """The guilds in whose pools the brokers given up were: each as it then is, and the write that makes it so."""
    found = []
    for broker in gone:
        guild = view.guilds.get(broker.get("guildId"))
        if guild is not None:
            changes = guilds.after_losing(guild, broker, now)
            facts = {"_id": guild["_id"], "updatedAt": guild.get("updatedAt")}
            found.append(({**guild, **changes}, Update("guilds", facts, {"$set": changes})))
    return found


def _facts(broker: Document) -> Document:
    """What the action was decided on: any change since makes the write miss."""
    names = ("_id", "ownerTelegramId", *STATS, "level", "xp", "energy", "lastRequestId", "deletedAt")
    return {name: broker.get(name) for name in names}
