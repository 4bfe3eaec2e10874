"""Counting in this process, for when there is no Redis to count in."""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Final

from chalicelib.arena.rate_limits import Limit, Verdict
from chalicelib.cache.gcra import WHOLE, Bucket, ask, flow_of, is_spent, spend, verdict

BUCKETS_MAX: Final = 20_000
"""About 6 MB. Beyond it the bucket that was used longest ago is forgotten, as nginx does when a zone is full."""
SWEPT_AT_ONCE: Final = 2


class LocalBuckets:
    """Buckets of many clients. Safe for threads."""

    def __init__(self, buckets_max: int = BUCKETS_MAX) -> None:
        self._max = buckets_max
        self._buckets: OrderedDict[tuple[str, str], tuple[Limit, int, Bucket]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def admit(self, limits: Sequence[Limit], subject: str, *, share: int, now_ms: int, degraded: bool) -> Verdict:
        """Counts a request against ``share`` parts per million of each limit."""
        flows = [flow_of(limit, share) for limit in limits]
        with self._lock:
            self._sweep(now_ms)
            kept = [self._buckets.get((subject, limit.name)) for limit in limits]
            asked = [ask(None if one is None else one[2], flow, now_ms) for one, flow in zip(kept, flows, strict=True)]
            if all(one.fits for one in asked):
                for limit, one in zip(limits, asked, strict=True):
                    key = (subject, limit.name)
                    self._buckets[key] = (limit, share, spend(one))
                    self._buckets.move_to_end(key)
            while len(self._buckets) > self._max:
                self._buckets.popitem(last=False)
        return verdict(limits, flows, [(one.excess, one.fits) for one in asked], now_ms, degraded=degraded)

    def _sweep(self, now_ms: int) -> None:
        """Forgets the buckets unused for longest if they have run dry; a few at a time, so that no request waits."""
        for _ in range(SWEPT_AT_ONCE):
            if not self._buckets:
                return
            key, (limit, share, bucket) = next(iter(self._buckets.items()))
            if not is_spent(bucket, flow_of(limit, min(share, WHOLE)), now_ms):
                return
            del self._buckets[key]
