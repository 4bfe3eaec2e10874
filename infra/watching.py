"""Which alarms watch over a deployment: one that rings undoes it.

CloudFormation does it, not weights on the alias: Lambda refuses weights together with provisioned concurrency. While
the new version's environments are being made the old ones serve; then the alias moves, and CloudFormation looks at the
alarms for some minutes more before it lets the old version go.
"""

from typing import Final

from infra.stacks import Stacks, Watch
from infra.template.api import REST_API
from infra.template.functions import API_FUNCTION
from infra.template.stage import StageSpec

ALARM_TYPE: Final = "AWS::CloudWatch::Alarm"
WATCHED: Final = (
    f"{REST_API}ErrorsAlarm",
    f"{REST_API}LatencyAlarm",
    f"{API_FUNCTION}ErrorsAlarm",
    "BattleWorkerErrorsAlarm",
)
"""What players feel, at most five: CloudFormation's limit."""
MINUTES: Final = 10
"""Longer than the alarms take: three of five minutes."""


def watch_for(stacks: Stacks, stage: StageSpec, region: str, account: str, partition: str) -> Watch | None:
    """For the change of a stack that exists. None outside production, and where there are no such alarms."""
    if not stage.production_rules:
        return None
    names = stacks.physical_ids(stage.stack_name, ALARM_TYPE)
    arns = [f"arn:{partition}:cloudwatch:{region}:{account}:alarm:{names[one]}" for one in WATCHED if one in names]
    return Watch(tuple(arns), MINUTES) if arns else None
