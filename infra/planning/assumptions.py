"""What the plan takes for granted, each with where it comes from; every one can be given another value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from chalicelib.data.pools import connections_per_environment

_SOURCE = "source"
_GUESS = "assumed; replace it with your own game's figure"


def _assume(value: float, source: str) -> Any:
    return field(default=value, metadata={_SOURCE: source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Loads, sizes and margins. Shares are between 0 and 1."""

    daily_active_share: float = _assume(0.20, _GUESS)
    battles_per_active_day: float = _assume(
        20, f"{_GUESS}; one broker's energy allows 144 (an energy a minute, ten a battle)"
    )
    requests_per_active_day: float = _assume(15, _GUESS)
    requests_per_battle: float = _assume(2, "the battle and a look at the result")
    queued_share: float = _assume(0.5, "battles that go through the queue; " + _GUESS)
    connected_minutes_per_active_day: float = _assume(20, _GUESS)
    peak_to_mean: float = _assume(
        3.0, "busiest minute of a day over its mean: 2 to 4 in the traces of bench/traces with a daily rhythm"
    )
    largest_region_share: float = _assume(0.5, _GUESS)
    regions: float = _assume(3, "the guide's")
    service_ms: float = _assume(
        25, "a request's time in its environment; 7 ms on one machine, with Atlas beside it more"
    )
    cold_quantile: float = _assume(3.0, "standard deviations of head-room over the mean concurrency (99.9 %)")
    on_demand_share: float = _assume(0.5, "on-demand environments beside the provisioned ones, see connections.py")
    connections_per_environment: float = _assume(
        connections_per_environment(),
        "every pool's connections and its monitoring one (chalicelib/data/pools.py), to one node at the worst",
    )
    mongos_per_client: float = _assume(3, "srvMaxHosts, as MongoDB advises for Lambda")
    battles_per_second_per_shard: float = _assume(300, "553 a second were measured on two cores; about half of it")
    battle_bytes: float = _assume(
        2_500, "stored for ever by a battle: 535 bytes, three ledger rows of 324, and their index entries"
    )
    kept_days: float = _assume(365, "battles and ledger rows are kept for ever; storage is planned for a year of them")
    player_bytes: float = _assume(2_000, "a player's document, a broker and their index entries")
    board_bytes: float = _assume(80, "a member of a sorted set: 76 MiB for a million (make bench)")
    boards_per_active: float = _assume(36, "three boards by four measures, all-time and two seasons")
    cache_commands_per_request: float = _assume(4, "limiter, read-through cache, leaderboard updates, metrics")
    cache_commands_per_second: float = _assume(50_000, "of one master, well below what a node does with pipelines")
    log_bytes: float = _assume(500, "of one request: one line of JSON")
    answer_bytes: float = _assume(1_500, "of one request, headers included")

    def __post_init__(self) -> None:
        for one in fields(self):
            found = getattr(self, one.name)
            if not found >= 0 or (one.name.endswith("share") and one.name != "on_demand_share" and found > 1):
                raise ValueError(
                    f"{one.name} is {found}; allowed: {'0 to 1' if one.name.endswith('share') else '0 or more'}"
                )

    def changed(self, values: Mapping[str, float]) -> "Assumptions":
        """These with others in their place. Raises ``ValueError`` naming what there is."""
        unknown = sorted(set(values) - set(sources()))
        if unknown:
            raise ValueError(f"unknown assumption {', '.join(unknown)}; there are: {', '.join(sources())}")
        return replace(self, **values)


def sources() -> dict[str, str]:
    """Every assumption's name, and where its value comes from."""
    return {one.name: str(one.metadata[_SOURCE]) for one in fields(Assumptions)}
