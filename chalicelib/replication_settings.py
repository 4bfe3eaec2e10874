"""The part of the settings that says which regions there are, and where their events go."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

REPLICATION_KEYS: Final = (
    "ARENA_REGIONS",
    "ARENA_REPLICATION_QUEUE",
)
RANK_MAX: Final = 15
REGIONS_MAX: Final = RANK_MAX + 1

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_QUEUE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")

Problem = Callable[[str, str, str], None]
"""Reports a key, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSettings:
    """The regions that converge."""

    region: str
    """This one."""
    regions: tuple[str, ...] = ()
    """All of them, in order of priority; one or none where nothing is replicated."""
    queue: str | None = None
    """Name of the queue of incoming events, the same in every region. None in functions that don't send there."""
    secret: str = field(default="", repr=False)
    """``id:secret,id:secret``: the first signs, all are believed."""

    @property
    def is_on(self) -> bool:
        return len(self.regions) > 1

    @property
    def others(self) -> tuple[str, ...]:
        """The regions that hear of what happens here; nobody where nothing is replicated."""
        return tuple(region for region in self.regions if region != self.region) if self.is_on else ()

    @property
    def rank(self) -> int:
        """What decides between writers who had not heard of each other: the highest wins, and the first has it."""
        return RANK_MAX - self.regions.index(self.region)


def read_replication_settings(
    environ: Mapping[str, str], region: str, secret: Callable[[], str], problem: Problem
) -> ReplicationSettings:
    """The settings in ``environ``; whatever is wrong with them is told to ``problem``.

    ``secret`` reads ``REPLICATION_SECRET`` and reports what is wrong with it; it is called where it is needed.
    """
    regions = _regions(environ, region, problem)
    return ReplicationSettings(
        region=region,
        regions=regions,
        queue=_matching("ARENA_REPLICATION_QUEUE", environ, _QUEUE_NAME, "the name of a queue, not its URL", problem),
        secret=secret() if len(regions) > 1 else "",
    )


def _regions(environ: Mapping[str, str], region: str, problem: Problem) -> tuple[str, ...]:
    text = environ.get("ARENA_REGIONS", "").strip()
    regions = tuple(part.strip() for part in text.split(",") if part.strip())
    wrong = [part for part in regions if not _REGION.fullmatch(part)]
    allowed = "regions in order of priority, separated by commas, e.g. us-east-1,eu-west-1; empty for one region alone"
    if wrong or len(set(regions)) < len(regions) or len(regions) > REGIONS_MAX:
        problem("ARENA_REGIONS", repr(text), f"up to {REGIONS_MAX} {allowed}; each once")
        return ()
    if regions and region not in regions:
        problem("ARENA_REGIONS", repr(text), f"must name this region, which AWS_REGION says is {region}")
        return ()
    return regions


def _matching(
    key: str, environ: Mapping[str, str], form: re.Pattern[str], allowed: str, problem: Problem
) -> str | None:
    value = environ.get(key, "").strip()
    if value and not form.fullmatch(value):
        problem(key, repr(value), allowed)
    return value or None
