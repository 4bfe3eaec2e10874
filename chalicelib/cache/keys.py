"""Every key the arena has in Redis, as a table.

A pattern's ``<parts>`` are filled in escaped, and what stands in ``{braces}`` is the key's hash tag: Redis Cluster
puts keys with equal tags into one slot, so that one script or transaction may use them together. Tags are as narrow
as that allows, or one node would hold what three should share. Every key begins with the database's name:
environments may share a server.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from chalicelib.cache.slots import slot_of

__all__ = ["KEYS", "KeyPattern", "slot_of", "tag"]

Holds = Literal["string", "sorted set", "hash", "list", "set"]

_ESCAPES: Final = str.maketrans({"%": "%25", "{": "%7B", "}": "%7D", "|": "%7C", ":": "%3A", " ": "%20"})
_PART: Final = re.compile(r"<([a-z_]+)>")


def escape(part: object) -> str:
    """``part`` without what separates parts or marks a tag; different parts stay different, and none is empty."""
    # Redis takes an empty pair of braces for no tag at all.
    return str(part).translate(_ESCAPES) or "%"


def tag(*parts: object) -> str:
    """The hash tag of ``parts``."""
    return "{" + "|".join(map(escape, parts)) + "}"


@dataclass(frozen=True, kw_only=True)
class KeyPattern:
    """One row of the table."""

    name: str
    pattern: str
    """Without the database's name in front. A part in ``<angles>`` is filled in."""
    holds: Holds
    expires: str
    """When Redis forgets it, in words."""
    owner: str
    """The module that writes it."""

    def key(self, database: str, **parts: object) -> str:
        """The key. Raises ``TypeError`` unless ``parts`` are the pattern's."""
        names, text = self._compiled
        if parts.keys() != names:
            raise TypeError(f"a {self.name} key needs {sorted(names)}, not {sorted(parts)}")
        return text.format(database=escape(database), **{name: escape(value) for name, value in parts.items()})

    @cached_property
    def _compiled(self) -> tuple[frozenset[str], str]:
        text = self.pattern.replace("{", "{{").replace("}", "}}")
        return frozenset(_PART.findall(text)), "{database}:" + _PART.sub(r"{\1}", text)


BOARD_SET: Final = KeyPattern(
    name="board set",
    pattern="board:{<season>|<board>}:<metric>",
    holds="sorted set",
    expires="a season's: when its archive is due; all-time: never",
    owner="cache/leaderboard",
)
BOARD_PAUSE: Final = KeyPattern(
    name="board pause",
    pattern="board:{<season>|<board>}:paused",
    holds="string",
    expires="an hour",
    owner="cache/leaderboard_sets",
)
BOARD_PUSHED: Final = KeyPattern(
    name="board pushed",
    pattern="board:{<season>|<board>}:pushed",
    holds="string",
    expires="two seconds",
    owner="cache/leaderboard",
)
BOARD_FOLLOWED: Final = KeyPattern(
    name="board followed",
    pattern="board:{<season>|<board>}:followed",
    holds="string",
    expires="150 s after it was last pushed",
    owner="cache/leaderboard",
)
BOARDS_RECONCILED: Final = KeyPattern(
    name="boards reconciled",
    pattern="board:reconciled",
    holds="hash",
    expires="never",
    owner="cache/leaderboard_sets",
)

LOCK: Final = KeyPattern(
    name="lock", pattern="lock:<name>", holds="string", expires="the term of its holder", owner="cache/lock"
)
RATE_BUCKET: Final = KeyPattern(
    name="rate bucket",
    pattern="rate:{<client>}:<limit>",
    holds="string",
    expires="when it has run dry",
    owner="cache/limiter",
)
RATE_LEASES: Final = KeyPattern(
    name="rate leases",
    pattern="rate-leases:{all}:until",
    holds="sorted set",
    expires="two minutes after the last request",
    owner="cache/limiter",
)
RATE_SHARES: Final = KeyPattern(
    name="rate shares",
    pattern="rate-leases:{all}:shares",
    holds="hash",
    expires="two minutes after the last request",
    owner="cache/limiter",
)

METRIC_TOTALS: Final = KeyPattern(
    name="metric totals", pattern="{metrics}:totals", holds="hash", expires="never", owner="cache/shared_metrics"
)
METRIC_SEQUENCE: Final = KeyPattern(
    name="metric sequence",
    pattern="{metrics}:sequence:<instance>",
    holds="string",
    expires="a day after the environment last told something",
    owner="cache/shared_metrics",
)
METRIC_REPORTS: Final = KeyPattern(
    name="metric reports",
    pattern="{metrics}:reports",
    holds="hash",
    expires="never; a field with the environment, a minute after its last report",
    owner="cache/shared_metrics",
)
METRIC_OWN: Final = KeyPattern(
    name="metric own",
    pattern="{metrics}:own",
    holds="hash",
    expires="as metric reports",
    owner="cache/shared_metrics",
)
METRIC_SEEN: Final = KeyPattern(
    name="metric seen",
    pattern="{metrics}:seen",
    holds="sorted set",
    expires="as metric reports",
    owner="cache/shared_metrics",
)
METRIC_RECORD: Final = KeyPattern(
    name="metric record", pattern="{metrics}:record", holds="string", expires="never", owner="cache/shared_metrics"
)
METRIC_HISTORY: Final = KeyPattern(
    name="metric history",
    pattern="{metrics}:history",
    holds="sorted set",
    expires="a day after the last minute kept; a member a day after its minute",
    owner="cache/shared_metrics",
)

CACHE_VALUES: Final = KeyPattern(
    name="cache values",
    pattern="cache:{<cache>|<part>}:values",
    holds="hash",
    expires="when the last value stored in it may no longer be shown",
    owner="cache/stored_values",
)
CACHE_EPOCH: Final = KeyPattern(
    name="cache epoch",
    pattern="cache:{<cache>|<part>}:epoch",
    holds="string",
    expires="five seconds after it was read from the database",
    owner="cache/stored_values",
)
CACHE_FOUGHT: Final = KeyPattern(
    name="cache fought",
    pattern="cache:fought:<player>",
    holds="string",
    expires="when no page from before the player's last battle may be shown any more",
    owner="cache/cached_pages",
)

KEYS: Final = (
    LOCK,
    BOARD_SET,
    BOARD_PAUSE,
    BOARD_PUSHED,
    BOARD_FOLLOWED,
    BOARDS_RECONCILED,
    RATE_BUCKET,
    RATE_LEASES,
    RATE_SHARES,
    METRIC_TOTALS,
    METRIC_SEQUENCE,
    METRIC_REPORTS,
    METRIC_OWN,
    METRIC_SEEN,
    METRIC_RECORD,
    METRIC_HISTORY,
    CACHE_VALUES,
    CACHE_EPOCH,
    CACHE_FOUGHT,
)
"""Add a row for every new key; tests/unit/cache/test_keys.py takes its samples from here."""
