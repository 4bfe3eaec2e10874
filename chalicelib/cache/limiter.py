"""Counts requests in Redis, or in this process while Redis does not answer.

**With Redis** every environment of a region counts in the same buckets: a request's limits are one script call on the
server's clock (``lua/gcra.lua``).

**Without it** each environment counts alone, against its *share* of every limit, and says so (``degraded``). Shares
are leased: at most every ``RENEW_SECONDS``, in the same round trip as a request's limits, an environment asks for a
lease of ``LEASE_SECONDS`` (``lua/lease.lua``). The server grants 1/n of the whole to each of n environments, but never
more than the other leases leave: leases that run at the same time sum up to at most 1. An environment whose lease is
over, or that never had contact, takes 1/M of the limit, M being the most environments its tier has; so does one that
leased less.

*Bound.* Let E environments serve while Redis is away, with leases s_i (0 for none). Each admits, in any t seconds, at
most share_i * (quota + rate * t) requests, or 1 + share_i * rate * t where its share of the quota is less than one
request: GCRA with rate and quota scaled by share_i = max(s_i, 1/M). The sum of s_i is at most 1, so

    admitted <= F * (quota + rate * t) + E        with  F = 1 + E/M,  at most 2 as long as E <= M.

The last E are for requests that can't be divided. Environments that have all renewed their leases since the last of
them joined hold 1/E each, and then F is 1. Environments that still reach Redis spend up to the whole limit beside those
that don't: while it is away for some only, F is greater by 1. Buckets begin empty on either side when counting moves.

Clients beyond ``local_buckets.BUCKETS_MAX`` make an environment forget the one it saw longest ago.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from chalicelib.arena.rate_limits import Limit, Verdict
from chalicelib.cache.door import Command, RedisDoor
from chalicelib.cache.errors import CacheUnavailable
from chalicelib.cache.gcra import WHOLE, flow_of, verdict
from chalicelib.cache.keys import RATE_BUCKET, RATE_LEASES, RATE_SHARES
from chalicelib.cache.local_buckets import LocalBuckets
from chalicelib.cache.scripts import load_script
from chalicelib.clock import Clock

LEASE_SECONDS: Final = 120
"""Longer than a failover takes. What a dead environment leased is not dealt out again before its lease is over."""
LEASE_MARGIN_MS: Final = 1000
"""So much earlier a lease is over here than on the server, whose clock runs by itself and counts whole milliseconds."""
RENEW_SECONDS: Final = 5
REPORT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Lease:
    """An environment's share of every limit, parts per million, until a moment in milliseconds since 1970."""

    share: int
    until_ms: int

    def share_at(self, now_ms: int, least: int) -> int:
        """What may be spent: the lease while it runs, but never less than ``least``."""
        return max(self.share if now_ms < self.until_ms else 0, least)


class Limiter:
    """A ``RateLimiter``. ``door`` None = there is no Redis, and this environment's share is all there is.

    ``environments_max``: the most environments that share the limits. ``fell_back`` is told why a request was not
    counted in Redis, at most every ``REPORT_SECONDS``.
    """

    def __init__(
        self,
        door: RedisDoor | None,
        database: str,
        clock: Clock,
        *,
        environment_id: str,
        environments_max: int,
        fell_back: Callable[[CacheUnavailable], None],
        local: LocalBuckets | None = None,
    ) -> None:
        self._door = door
        self._database = database
        self._clock = clock
        self._environment_id = environment_id
        self._least = WHOLE // environments_max
        self._fell_back = fell_back
        self._local = local or LocalBuckets()
        self._lease = Lease(0, 0)
        self._renewal = _Turn(RENEW_SECONDS * 1000)
        self._report = _Turn(REPORT_SECONDS * 1000)

    @property
    def share(self) -> int:
        """What this environment would spend of every limit without Redis, parts per million."""
        return self._lease.share_at(self._now_ms(), self._least)

    def admit(self, limits: Sequence[Limit], subject: str) -> Verdict:
        """Counts a request of ``subject`` against ``limits``, at least one."""
        if self._door is not None:
            try:
                return self._ask_redis(self._door, limits, subject)
            except CacheUnavailable as error:
                if self._report.is_mine(self._now_ms()):
                    self._fell_back(error)
        share = self.share
        degraded = self._door is not None or share < WHOLE
        return self._local.admit(limits, subject, share=share, now_ms=self._now_ms(), degraded=degraded)

    def _ask_redis(self, door: RedisDoor, limits: Sequence[Limit], subject: str) -> Verdict:
        buckets = [RATE_BUCKET.key(self._database, client=subject, limit=limit.name) for limit in limits]
        figures = [figure for limit in limits for figure in (limit.rate, limit.period_seconds * 1000, limit.burst)]
        calls: list[Command] = [(load_script("gcra"), buckets, figures)]
        # From before the question: the server's answer may have taken its time.
        asked_at = self._now_ms()
        if self._renewal.is_mine(asked_at):
            leases = [RATE_LEASES.key(self._database), RATE_SHARES.key(self._database)]
            calls.append((load_script("lease"), leases, (self._environment_id, LEASE_SECONDS * 1000)))
        answer, *leased = door.attempt_all(calls)
        if leased and not isinstance(leased[0], CacheUnavailable):
            self._lease = Lease(int(leased[0][0]), asked_at + LEASE_SECONDS * 1000 - LEASE_MARGIN_MS)
        elif leased and leased[0].tried:
            # The server may have granted less and leased the rest to others: the former share is nobody's any more.
            self._lease = Lease(0, 0)
        if isinstance(answer, CacheUnavailable):
            raise answer
        now_ms, *pairs = map(int, answer)
        asked = [(excess, fits == 1) for fits, excess in zip(pairs[::2], pairs[1::2], strict=True)]
        return verdict(limits, [flow_of(limit) for limit in limits], asked, now_ms, degraded=False)

    def _now_ms(self) -> int:
        return round(self._clock().timestamp() * 1000)


class _Turn:
    """Lets one caller through every so many milliseconds."""

    def __init__(self, every_ms: int) -> None:
        self._every_ms = every_ms
        self._last_ms: int | None = None
        self._lock = Lock()

    def is_mine(self, now_ms: int) -> bool:
        with self._lock:
            # A clock that went back does not close it.
            if self._last_ms is not None and 0 <= now_ms - self._last_ms < self._every_ms:
                return False
            self._last_ms = now_ms
            return True
