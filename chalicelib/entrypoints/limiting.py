"""Rate limits at the door: who is counted, the refusal, and the headers that tell how much is left.

Headers as the game sends them (X-RateLimit-*), and as draft-ietf-httpapi-ratelimit-headers-11 has them (RateLimit,
RateLimit-Policy: structured fields, one item per policy). There ``t`` is when the policy grants more than ``r``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final

from chalicelib.arena.rate_limits import Decision, RateLimits, Scope, Verdict
from chalicelib.errors import TooManyRequests
from chalicelib.monitoring.families import LIMITER_DECISIONS
from chalicelib.networks import Network, client_address, client_group
from chalicelib.observability import logger

if TYPE_CHECKING:
    from chalicelib.monitoring.ports import Meter

RATE_HEADERS: Final = (
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Degraded",
    "RateLimit",
    "RateLimit-Policy",
)


def client_of(context: Mapping[str, object], headers: Mapping[str, str], trusted: tuple[Network, ...]) -> str:
    """What the sender of a request is counted as: their address, or its /64.

    ``context`` is API Gateway's request context. What a client says of itself counts only where a trusted proxy
    vouches for it.
    """
    identity = context.get("identity")
    source = identity.get("sourceIp") if isinstance(identity, Mapping) else None
    return client_group(client_address(str(source or ""), headers.get("x-forwarded-for", ""), trusted))


@dataclass
class Gate:
    """One request's way past the limits of its route; ``limits`` None = none are enforced."""

    limits: RateLimits | None
    rate_class: str
    request_id: str
    _passed: list[Decision] = field(default_factory=list)
    _refusal: Decision | None = None

    def admit(self, scope: Scope, subject: str) -> None:
        """Counts the request. Raises ``TooManyRequests("rate_limited")``."""
        if self.limits is None:
            return
        verdict: Verdict = self.limits.admit(self.rate_class, scope, subject)
        self._passed += verdict.decisions
        self._refusal = verdict.refusal
        logger().debug("rate limits asked", remaining={one.limit.name: one.remaining for one in verdict.decisions})
        if self._refusal is not None:
            # Without the subject: logs hold no address and no player.
            logger().info("rate limited", limit=self._refusal.limit.name)
            raise TooManyRequests(
                "rate_limited",
                details={"limit": self._refusal.limit.name, "retryAfterMs": self._refusal.retry_after_ms},
                headers={"Retry-After": str(self._refusal.retry_after_seconds)},
            )

    def count(self, meter: "Meter") -> None:
        """Tells ``meter`` what each limit that was asked decided."""
        for one in self._passed:
            decision, degraded = ("admitted" if one.allowed else "refused"), str(one.degraded).lower()
            meter.count(LIMITER_DECISIONS, limit=one.limit.name, decision=decision, degraded=degraded)

    def headers(self) -> dict[str, str]:
        """For every answer to the request, whatever it is; nothing where no limit was asked."""
        if not self._passed:
            return {}
        told = self._refusal or _foremost(self._passed)
        headers = {
            "X-RateLimit-Limit": str(told.limit.quota),
            "X-RateLimit-Remaining": str(told.remaining),
            "X-RateLimit-Reset": str(ceil(told.reset_at)),
            "RateLimit-Policy": ", ".join(
                f'"{one.limit.name}";q={one.limit.quota};w={one.limit.window_seconds}' for one in self._passed
            ),
            "RateLimit": ", ".join(f'"{one.limit.name}";r={one.remaining};t={_seconds(one)}' for one in self._passed),
        }
        if any(one.degraded for one in self._passed):
            headers["X-RateLimit-Degraded"] = "1"
        return headers


def _foremost(decisions: list[Decision]) -> Decision:
    """The player's own limit where there is one, as in the game; else the one that is nearest to its end."""
    own = [decision for decision in decisions if decision.limit.scope == "player"]
    return min(own or decisions, key=lambda decision: decision.remaining)


def _seconds(decision: Decision) -> int:
    return decision.more_after_seconds if decision.allowed else decision.retry_after_seconds
