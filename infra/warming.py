"""Has a deployed stage warm its cache. A cache that stays cold slows the first requests and harms nothing else, so
whatever goes wrong here is a warning."""

import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.cloud import explain
from infra.template.stage import ALIAS

FUNCTION: Final = "CacheWarming"
"""Chalice's logical id of the scheduled function."""

EVENT: Final = {
    "version": "0",
    "id": "deployment",
    "detail-type": "Scheduled Event",
    "source": "aiba.deployment",
    **{"account": "", "time": "", "region": "", "resources": [], "detail": {}},
}
"""What the function gets instead of its schedule's event."""


class Clients(Protocol):
    """``infra.cloud.Cloud``, or what stands in for it."""

    def client(self, service: str) -> Any: ...


def warm(cloud: Clients, stack_name: str, log: Callable[[str], None]) -> None:
    """Runs the function behind its alias, for its own bounded time, and says what it did."""
    try:
        found = cloud.client("cloudformation").describe_stack_resource(StackName=stack_name, LogicalResourceId=FUNCTION)
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        answer = cloud.client("lambda").invoke(FunctionName=name, Qualifier=ALIAS, Payload=json.dumps(EVENT).encode())
        report = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        log(f"warning: cache not warmed: {explain(error)}")
        return
    except ValueError as error:
        log(f"warning: cache not warmed: the function's answer is no JSON: {error}")
        return
    if answer.get("FunctionError") or not isinstance(report, dict):
        log(f"warning: cache not warmed: the function failed: {report}")
        return
    log(describe(report))


def describe(report: dict[str, Any]) -> str:
    """A report of ``chalicelib.cache.warming`` as a line."""
    if "cache" not in report:
        return f"cache not warmed now: {', '.join(map(str, report.values()))}"
    if report["cache"] != "ok":
        return f"{'warning: ' if report['cache'] == 'away' else ''}cache not warmed: Redis is {report['cache']}"
    missed = [*report["failed"], *report["left"]]
    done = f"cache warmed: {report['loaded']} values loaded, {report['kept']} were warm"
    return f"warning: {done}; not warmed: {', '.join(missed)}" if missed else done
