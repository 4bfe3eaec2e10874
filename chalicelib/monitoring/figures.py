"""What an environment says of itself beside its shares: numbers, of which the operators' figures are made. Pure.

Counts are told rather than rates and means, so that those of several environments can be added up first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple

from chalicelib.monitoring.families import (
    CACHE_COMMANDS,
    CACHE_LOOKUPS,
    DATABASE_COMMANDS,
    DATABASE_LATENCY,
    HTTP_REQUESTS,
    PROCESSING_LATENCY,
)
from chalicelib.monitoring.registry import SEPARATOR, SUM, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """None: not known. Counts are of the report's window, and unknown without one."""

    load_average: float | None = None
    vcpus: float | None = None
    resident_bytes: int | None = None
    memory_bytes: int | None = None
    """The memory size."""
    system_used_bytes: int | None = None
    system_total_bytes: int | None = None
    sockets: int | None = None
    network_bytes: int | None = None
    network_packets: int | None = None
    players: int | None = None
    """Different ones that sent requests."""
    work: int | None = None
    """Units of work that ended: requests, messages, runs."""
    work_microseconds: int | None = None
    requests: int | None = None
    server_errors: int | None = None
    """Requests answered with 5xx."""
    commands: int | None = None
    """The database's."""
    command_errors: int | None = None
    command_microseconds: int | None = None
    lookups: int | None = None
    """Values looked for in the cache."""
    hits: int | None = None
    cache_commands: int | None = None
    """Sent to the cache."""


NOTHING: Final = Figures()
FIGURE_NAMES: Final = tuple(field.name for field in fields(Figures))


def figures_data(figures: Figures) -> dict[str, float]:
    """As a JSON value; a missing one has no field."""
    return {name: value for name, value in asdict(figures).items() if value is not None}


def read_figures(data: Mapping[str, Any]) -> Figures:
    """The reverse; fields of another release are left aside."""
    return Figures(**{name: data[name] for name in FIGURE_NAMES if name in data})


class Counted(NamedTuple):
    """What an environment counted since it began, in all."""

    work: int = 0
    work_microseconds: int = 0
    requests: int = 0
    server_errors: int = 0
    commands: int = 0
    command_errors: int = 0
    command_microseconds: int = 0
    lookups: int = 0
    hits: int = 0
    cache_commands: int = 0

    def since(self, before: "Counted") -> dict[str, int]:
        """What was added, by the names ``Figures`` has."""
        return {name: now - then for name, now, then in zip(self._fields, self, before, strict=True)}


_BY_FAMILY: Final[Mapping[str, str]] = {
    PROCESSING_LATENCY: "work",
    HTTP_REQUESTS: "requests",
    DATABASE_COMMANDS: "commands",
    DATABASE_LATENCY: "latencies",
    CACHE_LOOKUPS: "lookups",
    CACHE_COMMANDS: "cache_commands",
}
_BY_END: Final[Mapping[tuple[str, str], str]] = {
    (PROCESSING_LATENCY, SUM): "work_microseconds",
    (HTTP_REQUESTS, "5xx"): "server_errors",
    (DATABASE_COMMANDS, "error"): "command_errors",
    (DATABASE_LATENCY, SUM): "command_microseconds",
    (CACHE_LOOKUPS, "hit"): "hits",
    (CACHE_COMMANDS, "refused"): "refused",
}
_INSTEAD: Final = frozenset({"work_microseconds", "command_microseconds", "refused"})
"""No part of what its family counts; the others are."""


def counted(values: Values) -> Counted:
    """One environment's, of its registry's values."""
    sums = dict.fromkeys((*Counted._fields, "latencies", "refused"), 0)
    for key, value in values.items():
        family, _, labels = key.partition(SEPARATOR)
        whole = _BY_FAMILY.get(family)
        if whole is None:
            continue
        part = _BY_END.get((family, labels.rpartition(SEPARATOR)[2]))
        if part is not None:
            sums[part] += value
        if part not in _INSTEAD:
            sums[whole] += value
    return Counted(**{name: sums[name] for name in Counted._fields})
