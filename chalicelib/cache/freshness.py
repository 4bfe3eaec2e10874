"""How long a cached value is good, and when to load it anew. Pure: times and draws are passed in.

An entry has two ends::

    loaded ─────────────── fresh ──────────────┤ soft end ├──── stale ────┤ hard end
                         ▲ loaded early, now and then     ▲ shown only while somebody loads it anew
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

FORMAT: Final = "1"
"""Of an entry; raised when what it says changes, and every older one is then as good as absent."""

Kind = Literal["value", "large"]
"""``large``: too large to be kept, so that nobody waits for another to load it."""

State = Literal["absent", "stale", "due", "fresh"]
"""``stale``: past its soft end; ``due``: still fresh, and this caller is to load it anew."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A cached value. Times are milliseconds since 1970."""

    kind: Kind
    loaded_at: int
    """When its loading began: it shows what was so at that time or later."""
    cost_ms: float
    """How long loading took."""
    soft_end: int
    hard_end: int
    epoch: str
    """Of its source, as it was before loading; see ``invalidation``."""
    payload: str

    def text(self) -> str:
        head = (FORMAT, self.kind, self.loaded_at, f"{self.cost_ms:.3f}", self.soft_end, self.hard_end)
        return " ".join((*map(str, head), self.epoch or "-", self.payload))

    @staticmethod
    def read(text: str) -> "Entry | None":
        """The entry ``text`` writes, or None for anything else."""
        parts = text.split(" ", 7)
        if len(parts) != 8 or parts[0] != FORMAT or parts[1] not in ("value", "large"):
            return None
        kind: Kind = "value" if parts[1] == "value" else "large"
        try:
            loaded_at, soft_end, hard_end = int(parts[2]), int(parts[4]), int(parts[5])
            cost_ms = float(parts[3])
        except ValueError:
            return None
        epoch = "" if parts[6] == "-" else parts[6]
        return Entry(kind, loaded_at, cost_ms, soft_end, hard_end, epoch, parts[7])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long values of one cache are good, in seconds."""

    ttl_seconds: float
    stale_seconds: float
    """How much longer a value may be shown while somebody loads it anew."""
    absent_seconds: float
    """Instead of ``ttl_seconds``, for the answer that there is no such thing."""
    jitter: float = 0.1
    """Values end up to this share of their time earlier, so that what was loaded together does not end together."""
    beta: float = 1.0
    """Above 1 loads earlier, below 1 later; 1 is optimal where loading takes an exponentially distributed time."""

    @property
    def kept_seconds(self) -> float:
        """The most a value may be old when it is shown."""
        return max(self.ttl_seconds, self.absent_seconds) + self.stale_seconds


def should_refresh(entry: Entry, now: int, beta: float, draw: float) -> bool:
    """Whether this caller is to load ``entry`` anew before it ends (XFetch).

    ::

        now - cost * beta * ln(draw) >= soft end

    with ``draw`` uniform in (0, 1]. Of n callers per second the first that finds this true comes so early that the
    value is new when it would have ended, whatever n is; the larger the cost, the earlier. A. Vattani, F. Chierichetti,
    K. Lowenstein: Optimal Probabilistic Cache Stampede Prevention, PVLDB 8 (8), 2015, section 3.
    """
    return now - entry.cost_ms * beta * math.log(draw) >= entry.soft_end


def state_of(entry: Entry | None, now: int, *, beta: float, draw: float, ahead_ms: int = 0) -> State:
    """What a caller makes of what it found; whoever looks ``ahead`` loads already what ends by then."""
    if entry is None or now >= entry.hard_end:
        return "absent"
    if now >= entry.soft_end:
        return "stale"
    return "due" if should_refresh(entry, now + ahead_ms, beta, draw) else "fresh"


def entry_of(
    payload: str,
    lifetime: Lifetime,
    *,
    kind: Kind,
    absent: bool,
    loaded_at: int,
    cost_ms: float,
    epoch: str,
    draw: float,
) -> Entry:
    """An entry loaded at ``loaded_at``; ``draw`` in [0, 1) shortens its time."""
    seconds = lifetime.absent_seconds if absent else lifetime.ttl_seconds
    soft_end = loaded_at + round(1000 * seconds * (1 - lifetime.jitter * draw))
    hard_end = soft_end + round(1000 * lifetime.stale_seconds)
    return Entry(kind, loaded_at, cost_ms, soft_end, hard_end, epoch, payload)
