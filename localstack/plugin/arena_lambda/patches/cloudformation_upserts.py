"""Fault: CloudFormation cannot update AWS::Events::Rule and AWS::CloudWatch::Alarm; it says UPDATE_COMPLETE, but a new
schedule, target or threshold never takes effect.

Now: both are put anew under their old name (the APIs behind them overwrite), and targets no longer named are removed.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.resource_provider import ProgressEvent
from localstack.services.cloudwatch.resource_providers.aws_cloudwatch_alarm import CloudWatchAlarmProvider
from localstack.services.events.resource_providers.aws_events_rule import EventsRuleProvider

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Give both providers an update."""
    replace(EventsRuleProvider, "update", _build_rule)
    replace(CloudWatchAlarmProvider, "update", _build_alarm)


def _build_rule(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: EventsRuleProvider, request: Any) -> ProgressEvent[Any]:
        model, previous = request.desired_state, request.previous_state
        model.setdefault("Name", previous["Id"].rpartition("|")[2])
        kept = {target["Id"] for target in model.get("Targets") or []}
        gone = [target["Id"] for target in previous.get("Targets") or [] if target["Id"] not in kept]
        if gone:
            bus = {"EventBusName": model["EventBusName"]} if model.get("EventBusName") else {}
            request.aws_client_factory.events.remove_targets(Rule=model["Name"], Ids=gone, **bus)
        return self.create(request)

    return update


def _build_alarm(_: Callable[..., Any]) -> Callable[..., Any]:
    def update(self: CloudWatchAlarmProvider, request: Any) -> ProgressEvent[Any]:
        request.desired_state.setdefault("AlarmName", request.previous_state["AlarmName"])
        return self.create(request)

    return update
