"""Which faults strike when: data, all of it from a seed. Pure."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

FUNCTIONS, DATABASE, CACHE, LINK, CLOCK = "functions", "database", "cache", "link", "clock"
CLOUD, REGION = "cloud", "region"
FAIL_REGION, LOSE_CLOUD = "fail-region", "lose-cloud"

ROLES: Final = {
    "api": ("APIHandler",),
    "worker": ("BattleWorker",),
    "publisher": ("OutboxPublisher", "OutboxSweep"),
    "receiver": ("ReplicationReceiver",),
}
"""Functions that are struck, by what is in their names."""
GAP_SECONDS: Final = 3.5
"""The mean time between the beginnings of two faults."""
QUIET_SECONDS: Final = 5.0
"""Nothing is struck so soon after the beginning, and nothing still is so long before the end."""
LONG_SECONDS: Final = 240.0
"""Runs as long as that have each fault that is struck once."""
_DRAWS: Final = 8
"""Of places for one fault, until one is free."""
RECOVERY_SECONDS: Final = {FUNCTIONS: 1.0, DATABASE: 6.0, CACHE: 8.0, LINK: 1.0, CLOCK: 5.0, CLOUD: 10.0, REGION: 1.0}
"""What was struck is left alone for so long, so that a set never has two members away."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. ``seconds``: how long one lasts, at least and at most."""

    strikes: str
    seconds: tuple[float, float]
    told: str
    whole_set: bool = False
    """Whether it takes all members of a set at once."""
    once: tuple[float, float] | None = None
    """In which part of a run it begins, as shares of it, if it strikes once; else it strikes again and again."""


KINDS: Final[Mapping[str, Kind]] = {
    "kill-api": Kind(FUNCTIONS, (2, 5), "environments of the API killed, again and again"),
    "kill-worker": Kind(FUNCTIONS, (3, 8), "workers of queued battles killed, again and again"),
    "kill-publisher": Kind(FUNCTIONS, (3, 8), "publishers killed, again and again"),
    "kill-receiver": Kind(FUNCTIONS, (3, 8), "receivers killed, again and again"),
    "hang-api": Kind(FUNCTIONS, (2, 6), "environments of the API stopped"),
    "hang-worker": Kind(FUNCTIONS, (3, 10), "workers of queued battles stopped"),
    "hang-publisher": Kind(FUNCTIONS, (3, 10), "publishers stopped"),
    "hang-receiver": Kind(FUNCTIONS, (3, 10), "receivers stopped"),
    "kill-primary": Kind(DATABASE, (4, 12), "the database's primary killed"),
    "hang-primary": Kind(DATABASE, (3, 10), "the database's primary stopped"),
    "slow-primary": Kind(DATABASE, (4, 10), "the database's primary runs a fifth of the time"),
    "full-disk-primary": Kind(DATABASE, (4, 10), "the disk of the database's primary full"),
    "kill-secondary": Kind(DATABASE, (4, 12), "a secondary killed"),
    "stop-database": Kind(DATABASE, (4, 10), "all members of the database stopped", whole_set=True),
    "kill-database": Kind(DATABASE, (4, 10), "all members of the database killed", whole_set=True),
    "kill-cache": Kind(CACHE, (4, 10), "a cache's master killed"),
    "hang-cache": Kind(CACHE, (3, 10), "a cache's master stopped"),
    "full-disk-cache": Kind(CACHE, (3, 8), "the disk of a cache's master full"),
    "cut-link": Kind(LINK, (5, 20), "what one region sends another is lost"),
    "deaf-link": Kind(LINK, (3, 10), "what one region sends another arrives, the answers are lost"),
    "slow-link": Kind(LINK, (5, 15), "what one region sends another is a second late"),
    "cut-region": Kind(LINK, (5, 15), "what a region and all others send each other is lost"),
    "wrong-clock": Kind(CLOCK, (5, 20), "a region's clock up to a minute and a half ahead or behind"),
    "hang-cloud": Kind(CLOUD, (2, 4), "API Gateway, SQS and Lambda stopped"),
    FAIL_REGION: Kind(
        REGION,
        (25, 35),
        "a region's API killed, again and again; another region takes over, and gives back what is well again",
        once=(0.15, 0.25),
    ),
    LOSE_CLOUD: Kind(
        CLOUD,
        (2, 5),
        "API Gateway, SQS and Lambda killed with all they hold; deployed anew, lost events told again",
        once=(0.6, 0.7),
    ),
}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Times are seconds from the beginning of the run."""

    at: float
    seconds: float
    kind: str
    region: str = ""
    """Empty for what is no region's."""
    other: str = ""
    """The region a link leads to."""
    pick: int = 0
    """Which of several equals, modulo how many there are."""

    @property
    def ends(self) -> float:
        return self.at + self.seconds

    @property
    def struck(self) -> tuple[str, ...]:
        """What no other fault may strike meanwhile."""
        strikes = KINDS[self.kind].strikes
        return (strikes, self.region, self.other, role_of(self.kind) if strikes == FUNCTIONS else "")


def role_of(kind: str) -> str:
    """Of a kind that strikes functions, whose."""
    return kind.partition("-")[2]


def schedule(
    seed: int,
    seconds: float,
    regions: Sequence[str],
    *,
    kinds: Collection[str] = (),
    whole_sets: bool = False,
) -> tuple[Fault, ...]:
    """Faults of a run of ``seconds``, by their beginnings; the same for the same arguments.

    ``kinds``: these alone; kinds that take a whole set are left out unless ``whole_sets`` or named. Every kind has
    struck once before any strikes again, but for those that strike once: each in runs of ``LONG_SECONDS``, or if
    named. Nothing else is struck while the cloud is lost. Raises ValueError for a kind there is not.
    """
    unknown = [name for name in kinds if name not in KINDS]
    if unknown:
        raise ValueError(f"no fault is called {', '.join(unknown)}")
    draw = random.Random(f"faults {seed}")
    chosen = [name for name, kind in KINDS.items() if (name in kinds if kinds else whole_sets or not kind.whole_set)]
    wanted = [name for name in chosen if KINDS[name].once is None]
    once = [
        _once(seed, seconds, name, regions)
        for name in chosen
        if KINDS[name].once and (kinds or seconds >= LONG_SECONDS)
    ]
    deck: list[str] = []
    free_at: dict[tuple[str, ...], float] = {}
    found: list[Fault] = []
    at = QUIET_SECONDS
    while wanted and at < seconds - QUIET_SECONDS:
        deck = deck or draw.sample(wanted, len(wanted))
        kind = deck.pop()
        drawn = [_fault(draw, round(at, 2), kind, regions) for _ in range(_DRAWS)]
        fits = (one for one in drawn if one.ends <= seconds - QUIET_SECONDS and free_at.get(one.struck, 0.0) <= one.at)
        fault = next(fits, None)
        if fault is None:
            # Its turn comes later.
            deck.insert(0, kind)
        else:
            found.append(fault)
            free_at[fault.struck] = fault.ends + RECOVERY_SECONDS[KINDS[kind].strikes]
        at += max(0.5, draw.expovariate(1 / GAP_SECONDS))
    lost = [fault for fault in once if fault.kind == LOSE_CLOUD]
    return tuple(sorted([*once, *(fault for fault in found if not any(_meet(fault, one) for one in lost))]))


def _once(seed: int, seconds: float, kind: str, regions: Sequence[str]) -> Fault:
    """Drawn apart, so that a seed's other faults are the same with and without it."""
    draw, rule = random.Random(f"{kind} {seed}"), KINDS[kind]
    at = round(seconds * draw.uniform(*(rule.once or (0.0, 0.0))), 2)
    fault = _fault(draw, max(at, QUIET_SECONDS), kind, regions)
    return replace(fault, seconds=round(min(fault.seconds, seconds - QUIET_SECONDS - fault.at), 2))


def _meet(fault: Fault, lost: Fault) -> bool:
    """Whether one strikes while the other does, or before what it struck has recovered."""
    recovered = fault.ends + RECOVERY_SECONDS[KINDS[fault.kind].strikes]
    return fault.at < lost.ends + RECOVERY_SECONDS[CLOUD] and recovered > lost.at


def _fault(draw: random.Random, at: float, kind: str, regions: Sequence[str]) -> Fault:
    rule = KINDS[kind]
    seconds, pick = round(draw.uniform(*rule.seconds), 2), draw.randrange(2**16)
    if rule.strikes == CLOUD:
        return Fault(at, seconds, kind, pick=pick)
    if kind.endswith("-link"):
        region, other = draw.sample(list(regions), 2)
        return Fault(at, seconds, kind, region, other, pick)
    return Fault(at, seconds, kind, draw.choice(list(regions)), pick=pick)
