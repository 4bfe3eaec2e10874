"""For each alarm of the template, what its metric looks like on a bad and on a good minute, told apart from the alarm.

AWS's series are written as AWS publishes them (names and dimensions are checked against its manual), the arena's come
from the lines that schedule ``metrics`` prints for a region in that state.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.monitoring.families import (
    CACHE_BREAKER,
    DATABASE_COMMANDS,
    REPLICATION_DIFFERENCES,
    REPLICATION_OLDEST,
    REPLICATION_SET_ASIDE,
    REPLICATION_WAITING,
)
from tests.cloudwatch import Recorded
from tests.region_minutes import Region

STACK: Final = "aiba-arena-staging"
REGION: Final = "eu-west-1"
"""Of ``Region``'s lines."""
PARAMETERS: Final = {"AccountConcurrency": "1000", "RunbookBaseUrl": "https://runbooks.example/", "AlarmTopicArn": ""}

Json = dict[str, Any]


@dataclass(frozen=True)
class Story:
    """One kind of alarm. ``minute`` writes a bad or a good minute of the thing with logical id ``of``."""

    kind: str
    """Matches the alarm's logical id; group ``of`` is what it watches."""
    minute: Callable[[Recorded, str, int, bool], None]
    bad_minutes: int
    """So many of them in a row raise the alarm, and one fewer does not."""


def physical(logical_id: str) -> str:
    """The name CloudFormation gives."""
    return f"{STACK}-{logical_id}-X1Y2Z3"


def resolved(value: Any) -> Any:
    """A value of the template as CloudFormation hands it on."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return _named(value["Ref"])
    if "Fn::GetAtt" in value:
        logical_id, attribute = value["Fn::GetAtt"]
        assert attribute == "QueueName", value
        return physical(logical_id)
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([^}]+)\}", lambda found: _named(found[1]), value["Fn::Sub"])
    if "Fn::If" in value:
        return []
    return {name: resolved(item) for name, item in value.items()}


def _named(name: str) -> str:
    pseudo = {"AWS::StackName": STACK, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::AccountId": "000000000000"}
    return pseudo.get(name) or PARAMETERS.get(name, physical(name))


def story_of(alarm_id: str) -> tuple[Story, str]:
    """The one story that tells of an alarm, and the logical id of what it watches."""
    found = [(story, match) for story in STORIES if (match := re.fullmatch(story.kind, alarm_id)) is not None]
    assert found, f"no story raises {alarm_id}: add one to {__name__}"
    story, match = found[0]
    return story, match.groupdict().get("of") or ""


def _api(name: str, bad: Sequence[float], good: Sequence[float]) -> Callable[[Recorded, str, int, bool], None]:
    def write(recorded: Recorded, _: str, minute: int, is_bad: bool) -> None:
        dimensions = {"ApiName": STACK, "Stage": "api"}
        recorded.aws(("AWS/ApiGateway", name), dimensions, minute, *(bad if is_bad else good))

    return write


def _alias(name: str, bad: float, good: float) -> Callable[[Recorded, str, int, bool], None]:
    def write(recorded: Recorded, _: str, minute: int, is_bad: bool) -> None:
        function = physical("APIHandler")
        dimensions = {"FunctionName": function, "Resource": f"{function}:live"}
        recorded.aws(("AWS/Lambda", name), dimensions, minute, bad if is_bad else good)

    return write


def _function(name: str, bad: float, good: float) -> Callable[[Recorded, str, int, bool], None]:
    def write(recorded: Recorded, of: str, minute: int, is_bad: bool) -> None:
        recorded.aws(("AWS/Lambda", name), {"FunctionName": physical(of)}, minute, bad if is_bad else good)

    return write


def _silent(recorded: Recorded, of: str, minute: int, is_bad: bool) -> None:
    """Lambda says nothing of a function that nobody calls."""
    if not is_bad:
        recorded.aws(("AWS/Lambda", "Invocations"), {"FunctionName": physical(of)}, minute, 1)


def _account(recorded: Recorded, _: str, minute: int, is_bad: bool) -> None:
    recorded.aws(("AWS/Lambda", "ClaimedAccountConcurrency"), {}, minute, 120, 801 if is_bad else 799)


def _queue(name: str, bad: float, good: float) -> Callable[[Recorded, str, int, bool], None]:
    def write(recorded: Recorded, of: str, minute: int, is_bad: bool) -> None:
        recorded.aws(("AWS/SQS", name), {"QueueName": physical(of)}, minute, bad if is_bad else good)

    return write


def _region(**bad: Any) -> Callable[[Recorded, str, int, bool], None]:
    """What the region publishes: of a good minute everything is fine, of a bad one ``bad`` is as it says."""

    def write(recorded: Recorded, _: str, minute: int, is_bad: bool) -> None:
        waiting = {f"{REPLICATION_WAITING}|us-east-1": 4, f"{REPLICATION_OLDEST}|us-east-1": 2.5}
        region = Region(waiting={**waiting, f"{REPLICATION_SET_ASIDE}|us-east-1": 0})
        told = bad if is_bad else {}
        region.tell()
        region.run()
        region.counted.count(DATABASE_COMMANDS, 95, command="find", outcome="ok")
        region.counted.count(DATABASE_COMMANDS, told.get("refused", 5), command="find", outcome="error")
        region.counted.count(REPLICATION_DIFFERENCES, told.get("differences", 0))
        region.waiting |= told.get("waiting", {})
        region.lengths = told.get("lengths", region.lengths)
        region.nodes = told.get("nodes", region.nodes)
        region.clock.advance(60)
        region.tell(**{CACHE_BREAKER: told.get("breakers", 0)})
        recorded.embedded(region.run(), minute)

    return write


def _unpublished(recorded: Recorded, _: str, minute: int, is_bad: bool) -> None:
    if not is_bad:
        _region()(recorded, "", minute, False)


STORIES: Final = (
    Story("RestAPIErrorsAlarm", _api("5XXError", [1] + [0] * 18, [1] + [0] * 19), 3),
    Story("RestAPILatencyAlarm", _api("Latency", [40] * 97 + [2600] * 3, [40] * 97 + [2400] * 3), 3),
    Story("APIHandlerSpilloverAlarm", _alias("ProvisionedConcurrencySpilloverInvocations", 3, 0), 10),
    Story("APIHandlerUtilizationAlarm", _alias("ProvisionedConcurrencyUtilization", 0.97, 0.7), 10),
    Story("AccountConcurrencyAlarm", _account, 3),
    Story("MetricsMissingAlarm", _unpublished, 7),
    Story("BattlesQueuedAlarm", _region(lengths={("prediction", "rookie"): 900_000, ("guild", "elite"): 900_000}), 5),
    Story("ReplicationLagAlarm", _region(waiting={f"{REPLICATION_OLDEST}|ap-southeast-1": 121.0}), 3),
    Story("ReplicationSetAsideAlarm", _region(waiting={f"{REPLICATION_SET_ASIDE}|ap-southeast-1": 1}), 1),
    Story("ReplicationDifferencesAlarm", _region(differences=1), 1),
    Story("DatabaseErrorsAlarm", _region(refused=6), 3),
    Story("CacheDownAlarm", _region(nodes=None), 3),
    Story("CacheBreakersAlarm", _region(breakers=2), 3),
    Story(r"(?P<of>\w+DeadLetterQueue)Alarm", _queue("ApproximateNumberOfMessagesVisible", 1, 0), 1),
    Story(r"(?P<of>\w+Queue)Alarm", _queue("ApproximateAgeOfOldestMessage", 601, 599), 1),
    # What runs by the hour, the five minutes, the minute.
    Story(r"(?P<of>Seasons|Backup)ErrorsAlarm", _function("Errors", 1, 0), 1),
    Story(r"(?P<of>CacheWarming|ReplicationVerify)ErrorsAlarm", _function("Errors", 1, 0), 2),
    Story(r"(?P<of>\w+)ErrorsAlarm", _function("Errors", 1, 0), 3),
    Story(r"(?P<of>\w+)ThrottlesAlarm", _function("Throttles", 1, 0), 3),
    Story(r"(?P<of>Seasons)DurationAlarm", _function("Duration", 27_000, 5_000), 1),
    Story(r"(?P<of>Backup)DurationAlarm", _function("Duration", 271_000, 240_000), 1),
    Story(r"(?P<of>CacheWarming|ReplicationVerify)DurationAlarm", _function("Duration", 27_000, 5_000), 2),
    Story(r"(?P<of>Scaling)DurationAlarm", _function("Duration", 74_000, 51_000), 3),
    Story(r"(?P<of>\w+)DurationAlarm", _function("Duration", 29_500, 900), 3),
    Story(r"(?P<of>Seasons|Backup|CacheWarming|ReplicationVerify)SilentAlarm", _silent, 5),
    Story(r"(?P<of>\w+)SilentAlarm", _silent, 7),
)
"""The first that matches counts. What is silent is noticed two periods later than it is evaluated: CloudWatch takes
real values of earlier periods first."""
