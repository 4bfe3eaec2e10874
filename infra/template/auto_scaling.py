"""AWS Application Auto Scaling instead of the arena's controller, for those who prefer it.

Where parameter ScalingBy is ``application-auto-scaling``, a target-tracking policy keeps the utilization of provisioned
concurrency near ``UTILIZATION``, and two scheduled actions may raise the minimum ahead of a peak that comes by the
clock. The controller then observes, decides and records, and moves nothing.
"""

from typing import Any, Final

from infra.template.document import NO_VALUE, Json, add_resource, without
from infra.template.functions import API_FUNCTION, alias_logical_id
from infra.template.parameters import SCALING_BY, SCALING_MAX, SCALING_MIN
from infra.template.stage import ALIAS, StageSpec

BY_AWS: Final = "ScaledByApplicationAutoScaling"
UTILIZATION: Final = 0.7
"""The guide's CPU target; AWS's own examples have it too. Above it CloudWatch's alarm adds environments after three
minutes, below nine tenths of it takes them away after fifteen."""
TARGET: Final = "ApiScalableTarget"
POLICY: Final = "ApiUtilizationPolicy"
_MIN_GIVEN, _MAX_GIVEN, _PEAK_GIVEN = "ScalingMinIsGiven", "ScalingMaxIsGiven", "ScalingPeakIsGiven"
CONDITIONS: Final = (BY_AWS, _MIN_GIVEN, _MAX_GIVEN, _PEAK_GIVEN)
_PEAK_FROM, _PEAK_UNTIL, _PEAK_MIN = "ScalingPeakFrom", "ScalingPeakUntil", "ScalingPeakMin"


def complete_auto_scaling(template: Json, stage: StageSpec) -> None:
    """Adds the scalable target and its policy, both only where they are wanted, to ``template`` in place."""
    template["Parameters"].update(_parameters())
    template.setdefault("Conditions", {}).update(_conditions())
    least = _given(_MIN_GIVEN, SCALING_MIN, stage.tier.min_instances)
    most = _given(_MAX_GIVEN, SCALING_MAX, stage.tier.max_instances)
    actions = [
        _action("PeakBegins", _PEAK_FROM, {"Ref": _PEAK_MIN}),
        _action("PeakEnds", _PEAK_UNTIL, least),
    ]
    target = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Condition": BY_AWS,
        # What is scaled is the configuration on the alias, which the template names by text alone.
        "DependsOn": [alias_logical_id(API_FUNCTION)],
        "Properties": {
            "ServiceNamespace": "lambda",
            "ScalableDimension": "lambda:function:ProvisionedConcurrency",
            "ResourceId": {"Fn::Sub": f"function:${{{API_FUNCTION}}}:{ALIAS}"},
            "MinCapacity": least,
            "MaxCapacity": most,
            "ScheduledActions": {"Fn::If": [_PEAK_GIVEN, actions, NO_VALUE]},
        },
    }
    policy = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Condition": BY_AWS,
        "Properties": {
            "PolicyName": "Utilization",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": TARGET},
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": UTILIZATION,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization",
                },
            },
        },
    }
    add_resource(template, TARGET, target)
    add_resource(template, POLICY, policy)


def without_auto_scaling(template: Json) -> Json:
    """A copy of a completed template as it is where the controller moves.

    For LocalStack, which refuses types it does not know even under a condition that is false.
    """
    return without(template, CONDITIONS)


def _parameters() -> dict[str, Json]:
    def schedule(words: str) -> Json:
        return {
            "Type": "String",
            "Default": "",
            "AllowedPattern": r"^((cron|rate|at)\(.+\))?$",
            "Description": f"Application Auto Scaling's: {words}, e.g. cron(30 16 * * ? *), UTC. Empty = no peak.",
        }

    return {
        _PEAK_FROM: schedule("when the daily peak's minimum begins"),
        _PEAK_UNTIL: schedule("when it ends"),
        _PEAK_MIN: {
            "Type": "Number",
            "Default": 1,
            "MinValue": 1,
            "Description": "Application Auto Scaling's: fewest warm environments during the peak.",
        },
    }


def _conditions() -> dict[str, Any]:
    def is_(parameter: str, value: str) -> Any:
        return {"Fn::Equals": [{"Ref": parameter}, value]}

    def is_not(parameter: str, value: str) -> Any:
        return {"Fn::Not": [is_(parameter, value)]}

    return {
        BY_AWS: is_(SCALING_BY, "application-auto-scaling"),
        _MIN_GIVEN: is_not(SCALING_MIN, "0"),
        _MAX_GIVEN: is_not(SCALING_MAX, "0"),
        _PEAK_GIVEN: {"Fn::And": [is_not(_PEAK_FROM, ""), is_not(_PEAK_UNTIL, "")]},
    }


def _given(condition: str, parameter: str, tiers: int) -> Any:
    return {"Fn::If": [condition, {"Ref": parameter}, tiers]}


def _action(name: str, schedule: str, least: Any) -> Json:
    action = {"MinCapacity": least}
    return {"ScheduledActionName": name, "Schedule": {"Ref": schedule}, "ScalableTargetAction": action}
