"""Fighting battles: one transaction each.

There is no separate lock per requestId. The battle's unique requestId decides between simultaneous
requests: the one that commits first has fought the battle, the others find it on a fresh snapshot and
answer with it. A refusal or a crash leaves nothing behind, so the same requestId may be tried again at
once; the game's ``battlerunkeys`` rows (in progress, failed, completed) have nothing left to say.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from chalicelib.arena.battle import BattleResult, Surroundings, decide
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.emission import WHOLE, Share
from chalicelib.arena.homes import HomesOf
from chalicelib.arena.modes import GUILD_ARENA
from chalicelib.arena.moments import utc_day
from chalicelib.arena.ports import BattleQuery, Outcome, Snapshot, Store
from chalicelib.arena.stripe_choice import stripes_to_try
from chalicelib.arena.stripes import stripe_id
from chalicelib.clock import Clock

DEFAULT_ARENA: Final = "prediction"
DEFAULT_LEAGUE: Final = "rookie"

__all__ = ["BattleCommand", "BattleListener", "BattleResult", "BattleService"]


class BattleListener(Protocol):
    """Is told of every battle after its commit.

    Best effort: a process that dies in between tells nobody, so what a listener does must also come about some other
    way, later. It takes a bounded time and raises nothing (see ``Arena.battles`` for the wrapper that logs).
    """

    def fought(self, result: BattleResult) -> None: ...


class BattleService:
    """Runs battles on a store. ``stripe`` is the emission stripe this environment prefers at first, 0..STRIPES - 1.

    It prefers the one that its last battle was committed on: environments that met on one stripe part.

    ``listeners`` hear of battles fought here, not of replays. ``homes`` says whose battles are fought here, and
    ``share`` how much of a day's caps is this region's.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        secret: str,
        stripe: int,
        listeners: Sequence[BattleListener] = (),
        homes: HomesOf | None = None,
        share: Share = WHOLE,
    ) -> None:
        if not secret:
            raise ValueError("the battle seed secret is empty")
        self._store = store
        self._clock = clock
        self._secret = secret
        self._stripe = stripe
        self._listeners = tuple(listeners)
        self._homes = homes
        self._share = share

    def run(self, command: BattleCommand) -> BattleResult:
        """Fights the battle, or finds it fought already.

        Raises the game's refusals (see ``battle_gate``), ``NotHome`` and ``Unavailable``.
        """
        arena, league = command.arena or DEFAULT_ARENA, command.league or DEFAULT_LEAGUE
        stripes = stripes_to_try(self._stripe)
        stripe = self._stripe

        def work(snapshot: Snapshot) -> Outcome[BattleResult]:
            nonlocal stripe
            stripe = next(stripes)
            # The time of the attempt, not of the request: a retry must not see its rival's battle in the future.
            now = self._clock()
            view = snapshot.battle(
                BattleQuery(
                    request_id=command.request_id,
                    telegram_id=command.telegram_id,
                    broker_id=command.broker_id,
                    mode_key=command.mode_key,
                    arena=arena,
                    league=league,
                    now=now,
                    stripe_id=stripe_id(utc_day(now), stripe),
                    with_guild=(command.mode_key or arena).startswith(GUILD_ARENA),
                    with_roles=self._homes is not None,
                )
            )
            around = Surroundings(
                now=now,
                secret=self._secret,
                stripe=stripe,
                new_id=self._store.new_id,
                load_membership=partial(snapshot.membership, command.telegram_id),
                load_stripes=snapshot.stripes,
                homes=None if self._homes is None else self._homes(view.roles),
                share=self._share,
            )
            return decide(view, command, around)

        result = self._store.transact(work)
        self._stripe = stripe
        if not result.replayed:
            for listener in self._listeners:
                listener.fought(result)
        return result
