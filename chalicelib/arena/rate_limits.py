"""How often a client may call: limits as data, which routes they hold for, and what became of a request.

A limit is a leaky bucket as nginx's ``limit_req … nodelay``: one request and ``burst`` more are admitted at once, then
``rate`` in ``period_seconds``. Limits of one request are all or nothing: refused by one, it spends nothing of the
others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, Protocol

Scope = Literal["address", "player"]
"""Whose requests share a limit: those of one client address, or of one player wherever they come from."""

UNLIMITED: Final = "unlimited"
GLOBAL: Final = "global"


class UnknownRateClass(Exception):
    """A route or tier that has no limits; the message names what was asked for and what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A named limit. ``name`` is the policy's name on the wire."""

    name: str
    rate: int
    """Requests per ``period_seconds``, at least 1."""
    period_seconds: int
    """At least 1."""
    burst: int
    """Requests admitted at once beyond the first, at least 0."""
    scope: Scope

    def __post_init__(self) -> None:
        if min(self.rate, self.period_seconds) < 1 or self.burst < 0:
            raise ValueError(f"limit {self.name}: rate and period_seconds must be at least 1, burst at least 0")

    @property
    def quota(self) -> int:
        """Requests admitted at once after a rest."""
        return self.burst + 1

    @property
    def window_seconds(self) -> int:
        """How long it takes a spent quota to be whole again, rounded up."""
        return math.ceil(self.quota * self.period_seconds / self.rate)


API: Final = Limit(name="api", rate=20, period_seconds=1, burst=50, scope="address")
BATTLE: Final = Limit(name="battle", rate=5, period_seconds=1, burst=10, scope="address")
PLAYER_BATTLES: Final = Limit(name="player-battles", rate=25, period_seconds=60, burst=24, scope="player")
OPERATOR_SIGN_IN: Final = Limit(name="operator-sign-in", rate=5, period_seconds=900, burst=4, scope="address")
REGIONS: Final = Limit(name="regions", rate=100, period_seconds=1, burst=499, scope="address")
"""Of a failover, which asks as often as it must; nobody else is answered."""

_GUIDE: Final = (API, BATTLE, PLAYER_BATTLES, OPERATOR_SIGN_IN, REGIONS)

LIMITS_BY_TIER: Final[Mapping[str, tuple[Limit, ...]]] = MappingProxyType(
    dict.fromkeys(("development", "staging", "production", "enterprise"), _GUIDE)
)
"""The guide's figures per client and the game's per player: a bigger fleet serves more clients, not busier ones."""

RATE_CLASSES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        UNLIMITED: (),
        "api": (GLOBAL, API.name),
        # Asking what became of a queued battle is an api request: who queues battles must not run out of them by it.
        "battle": (GLOBAL, BATTLE.name, PLAYER_BATTLES.name),
        "operator-sign-in": (GLOBAL, OPERATOR_SIGN_IN.name),
        "regions": (REGIONS.name,),
    }
)
"""Kinds of routes → names of the limits that hold for them."""


def require_rate_class(name: str, route: str) -> str:
    """``name``. Raises UnknownRateClass where there is no such kind of route."""
    if name not in RATE_CLASSES:
        raise UnknownRateClass(f"{route}: rate_class {name!r} is unknown; take one of {', '.join(RATE_CLASSES)}")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one limit says of a request."""

    limit: Limit
    allowed: bool
    remaining: int
    """Requests it would admit at once from now on."""
    retry_after_ms: int
    """Until it admits one, where it refused; else 0."""
    more_after_ms: int
    """Until ``remaining`` grows by one; 0 when it can't."""
    reset_at: float
    """When the whole quota is back, seconds since 1970."""
    degraded: bool = False
    """Counted by this environment alone, against its share of the limit."""

    @property
    def retry_after_seconds(self) -> int:
        """For Retry-After: whole seconds, at least 1."""
        return max(1, math.ceil(self.retry_after_ms / 1000))

    @property
    def more_after_seconds(self) -> int:
        return math.ceil(self.more_after_ms / 1000)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all limits asked together say, in their order."""

    decisions: tuple[Decision, ...] = ()

    @property
    def refusal(self) -> Decision | None:
        """The refusal that lasts longest; None if the request is admitted."""
        refusals = [decision for decision in self.decisions if not decision.allowed]
        return max(refusals, key=lambda decision: decision.retry_after_ms, default=None)

    @property
    def degraded(self) -> bool:
        return any(decision.degraded for decision in self.decisions)


class RateLimiter(Protocol):
    """Counts requests. Never raises for want of its store."""

    def admit(self, limits: Sequence[Limit], subject: str) -> Verdict:
        """Asks ``limits``, all of one scope, for ``subject``: a client's address, or a player's id."""


class RateLimits:
    """The limits of a tier by kind of route, and the limiter that counts."""

    def __init__(self, limiter: RateLimiter, by_class: Mapping[str, Sequence[Limit]]) -> None:
        self._limiter = limiter
        self._by_class = {
            (name, scope): tuple(limit for limit in limits if limit.scope == scope)
            for name, limits in by_class.items()
            for scope in ("address", "player")
        }

    def admit(self, rate_class: str, scope: Scope, subject: str) -> Verdict:
        """Counts a request to a route of ``rate_class``; no decisions where nothing limits it."""
        limits = self._by_class.get((rate_class, scope), ())
        return self._limiter.admit(limits, subject) if limits else Verdict()


def limits_by_class(tier: str, requests_per_minute: int) -> dict[str, tuple[Limit, ...]]:
    """The limits of every kind of route in ``tier``. Raises UnknownRateClass for a tier without limits."""
    if tier not in LIMITS_BY_TIER:
        raise UnknownRateClass(f"ARENA_TIER: {tier!r} has no rate limits; take one of {', '.join(LIMITS_BY_TIER)}")
    per_minute = Limit(
        name=GLOBAL, rate=requests_per_minute, period_seconds=60, burst=requests_per_minute - 1, scope="address"
    )
    by_name = {limit.name: limit for limit in (per_minute, *LIMITS_BY_TIER[tier])}
    return {name: tuple(by_name[limit] for limit in limits) for name, limits in RATE_CLASSES.items()}
