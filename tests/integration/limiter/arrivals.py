"""Arrivals of clients: seeded mixes of bursts, steady streams and pauses, dealt out to several processes."""

import random
from dataclasses import dataclass

from chalicelib.arena.rate_limits import Limit

SECONDS = 1.8
"""How long one client's sequence lasts; a spent bucket never runs dry within it, so that no difference adds up."""


@dataclass(frozen=True)
class Arrival:
    """A request of ``client`` at ``at`` seconds after the start, sent by process number ``sender``."""

    at: float
    client: str
    limit: str
    sender: int


def sequence(seed: int, limit: Limit) -> list[float]:
    """Offsets within ``SECONDS``: enough of them to exceed ``limit``, mostly."""
    draw = random.Random(f"{limit.name} {seed}")
    wanted = round((limit.quota + limit.rate * SECONDS / limit.period_seconds) * draw.uniform(1.0, 1.8))
    arrivals: list[float] = []
    at = 0.0
    while len(arrivals) < wanted and at < SECONDS:
        match draw.choice(("burst", "burst", "steady", "pause")):
            case "burst":
                arrivals += [at] * draw.randint(1, limit.quota)
            case "steady":
                pace = limit.rate / limit.period_seconds * draw.uniform(0.5, 6)
                for _ in range(draw.randint(3, limit.quota)):
                    at += 1 / pace
                    arrivals.append(at)
        at += draw.uniform(0.02, 0.3)
    return [offset for offset in arrivals if offset < SECONDS]


def dealt(start: float, client: str, seed: int, limit: Limit, senders: int) -> list[Arrival]:
    """The arrivals of one client, each sent by any of ``senders`` processes."""
    draw = random.Random(f"senders {limit.name} {seed}")
    return [Arrival(start + offset, client, limit.name, draw.randrange(senders)) for offset in sequence(seed, limit)]
