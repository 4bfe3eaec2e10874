"""The arithmetic of a limit: nginx's leaky bucket, which is the generic cell rate algorithm. Pure, whole numbers.

nginx's ``limit_req`` (``ngx_http_limit_req_lookup``) keeps for each key its *excess*, in thousandths of a request, and
when it last admitted one, in milliseconds. A request that comes ``ms`` later sees

    excess = max(0, excess - floor(rate * ms / 1000) + 1000)        rate in thousandths of a request per second

and is refused if that is above ``burst * 1000``; a refused request changes nothing. The first request of a key sees 0,
so that ``1 + burst`` are admitted at once. A clock that went back by up to a minute counts as standing still, by more
as a new start one millisecond ago.

With T = 1 / rate between requests and the theoretical arrival time TAT = last + (excess / 1000 + 1) * T, the excess a
request sees is (max(now, TAT) - now) / T thousandfold, and it is admitted iff TAT - now <= burst * T. That is GCRA(T,
tau) of ITU-T I.371 with tau = burst * T; admission moves TAT to max(now, TAT) + T. The two differ by nginx's rounding
of the drained amount only, less than a thousandth of a request each time.

Of several limits nginx asks one after the other and writes once none has refused; so does ``lua/gcra.lua``, and so do
``ask`` and ``spend`` here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chalicelib.arena.rate_limits import Decision, Limit, Verdict

REQUEST: Final = 1000
"""Excess of one request."""
WHOLE: Final = 1_000_000
"""Share of a limit an environment may spend when it has all of it, parts per million."""
CLOCK_RESTART_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is kept of a key."""

    excess: int
    last_ms: int
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A limit, or an environment's share of it: ``drained`` thousandths of a request run out every ``per_ms``."""

    drained: int
    per_ms: int
    room: int
    """Greatest excess that is admitted."""

    def drain(self, ms: int) -> int:
        return ms * self.drained // self.per_ms

    def time_to_drain(self, excess: int) -> int:
        """Milliseconds, rounded up."""
        return -(-excess * self.per_ms // self.drained)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request sees, and what would be kept if it were admitted."""

    excess: int
    fits: bool
    last_ms: int


@lru_cache(maxsize=256)
def flow_of(limit: Limit, share: int = WHOLE) -> Flow:
    """``limit``, of which ``share`` parts per million may be spent.

    A share of less than one request at once still admits one: else it would refuse everything for ever.
    """
    room = max(limit.quota * REQUEST * share // WHOLE, REQUEST) - REQUEST
    return Flow(limit.rate * REQUEST * share, limit.period_seconds * 1000 * WHOLE, room)


def ask(bucket: Bucket | None, flow: Flow, now_ms: int) -> Asked:
    """What a request sees at ``now_ms``; ``bucket`` None = nothing is kept of its key."""
    if bucket is None:
        return Asked(0, True, now_ms)
    elapsed = now_ms - bucket.last_ms
    elapsed = 1 if elapsed < -CLOCK_RESTART_MS else max(0, elapsed)
    excess = max(0, bucket.excess - flow.drain(elapsed) + REQUEST)
    return Asked(excess, excess <= flow.room, now_ms if elapsed else bucket.last_ms)


def spend(asked: Asked) -> Bucket:
    """What is kept once every limit has admitted the request."""
    return Bucket(asked.excess, asked.last_ms)


def is_spent(bucket: Bucket, flow: Flow, now_ms: int) -> bool:
    """Whether ``bucket`` says no more than having none would."""
    return bucket.last_ms <= now_ms and bucket.excess + REQUEST <= flow.drain(now_ms - bucket.last_ms)


def verdict(
    limits: Sequence[Limit], flows: Sequence[Flow], asked: Sequence[tuple[int, bool]], now_ms: int, *, degraded: bool
) -> Verdict:
    """The decisions upon the excess each limit's request saw, and whether it fitted."""
    admitted = all(fits for _, fits in asked)
    return Verdict(
        tuple(
            _decision(limit, flow, excess, fits, admitted, now_ms, degraded)
            for limit, flow, (excess, fits) in zip(limits, flows, asked, strict=True)
        )
    )


def _decision(limit: Limit, flow: Flow, seen: int, fits: bool, admitted: bool, now_ms: int, degraded: bool) -> Decision:
    excess = seen if admitted else seen - REQUEST
    remaining = max(0, (flow.room - excess) // REQUEST)
    lacking = excess - flow.room + (remaining + 1) * REQUEST
    is_whole = excess <= -REQUEST
    return Decision(
        limit=limit,
        allowed=fits,
        remaining=remaining,
        retry_after_ms=0 if fits else flow.time_to_drain(seen - flow.room),
        more_after_ms=0 if is_whole else flow.time_to_drain(lacking),
        reset_at=(now_ms + max(0, flow.time_to_drain(excess + REQUEST))) / 1000,
        degraded=degraded,
    )
