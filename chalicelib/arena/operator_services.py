"""What operators can do here, in one place."""

from chalicelib.arena.economy_admin import EconomyAdmin
from chalicelib.arena.game_mode_admin import GameModeAdmin
from chalicelib.arena.operator_ports import OperatorQueries, OperatorStore, SignInTries
from chalicelib.arena.operator_sign_in import OperatorSignIn
from chalicelib.clock import Clock
from chalicelib.settings import OperatorSettings


class OperatorServices:
    """Sign-in, game modes and the economy; ``operator`` None is an arena without operators."""

    def __init__(
        self,
        operator: OperatorSettings | None,
        tries: SignInTries,
        store: OperatorStore,
        queries: OperatorQueries,
        clock: Clock,
    ) -> None:
        self.sign_in = OperatorSignIn(operator, tries, clock)
        self.modes = GameModeAdmin(store, queries, clock)
        self.economy = EconomyAdmin(store, queries, clock)
