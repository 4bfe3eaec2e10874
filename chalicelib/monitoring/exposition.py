"""Prometheus text exposition format 0.0.4.

Only what is true for the whole region is exposed: a number of one environment, scraped through a load
balancer, would be another environment's at the next scrape.
"""

from collections.abc import Sequence
from typing import Final

from chalicelib.monitoring.readiness import Readiness
from chalicelib.monitoring.text import escaped

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def render(readiness: Readiness, *, region: str, tier: str, more: Sequence[str] = ()) -> str:
    """The metrics page; ``more`` are lines of other parts."""
    lines = [
        "# HELP aiba_build_info The tier and region this API serves.",
        "# TYPE aiba_build_info gauge",
        f'aiba_build_info{{region="{escaped(region)}",tier="{escaped(tier)}"}} 1',
        "# HELP aiba_dependency_up Whether a configured dependency answers within its budget.",
        "# TYPE aiba_dependency_up gauge",
    ]
    lines += [
        f'aiba_dependency_up{{dependency="{escaped(check.name)}"}} {int(check.state == "up")}'
        for check in readiness.checks
        if check.state != "off"
    ]
    return "\n".join([*lines, *more]) + "\n"
