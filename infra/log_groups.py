"""The functions' logs in CloudWatch, one group for each function."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from infra.log_reading import Line, Source, function_of, read_line


def find_lines(logs: Any, region: str, stack_name: str, since: datetime, correlation_id: str | None) -> Iterator[Line]:
    """Lines of the stack's groups from ``since`` on; with an id, those that may be about it.

    ``logs`` is a CloudWatch Logs client. Raises what it raises.
    """
    groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{stack_name}-")
    for group in [group["logGroupName"] for page in groups for group in page["logGroups"]]:
        wanted = {"logGroupName": group, "startTime": int(since.timestamp() * 1000)}
        # A pattern has quotes of its own; whoever has some in an id is looked for here.
        if correlation_id is not None and not {'"', "\\"} & set(correlation_id):
            wanted["filterPattern"] = f'"{correlation_id}"'
        for page in logs.get_paginator("filter_log_events").paginate(**wanted):
            for event in page["events"]:
                source = Source(region, function_of(group), event["logStreamName"])
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield read_line(source, event["message"].rstrip("\n"), at)
