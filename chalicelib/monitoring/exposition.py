"""Prometheus text exposition format 0.0.4.

Only what is true for the whole region is exposed: a number of one environment, scraped through a load
balancer, would be another environment's at the next scrape.
"""

from typing import Final

from chalicelib.monitoring.readiness import Readiness

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def render(readiness: Readiness, *, region: str, tier: str) -> str:
    """The metrics page."""
    lines = [
        "# HELP aiba_build_info The tier and region this API serves.",
        "# TYPE aiba_build_info gauge",
        f'aiba_build_info{{region="{_escaped(region)}",tier="{_escaped(tier)}"}} 1',
        "# HELP aiba_dependency_up Whether a configured dependency answers within its budget.",
        "# TYPE aiba_dependency_up gauge",
    ]
    lines += [
        f'aiba_dependency_up{{dependency="{_escaped(check.name)}"}} {int(check.state == "up")}'
        for check in readiness.checks
        if check.state != "off"
    ]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
