"""CloudFormation stacks through change sets: what would change, then the change, then why it failed if it did."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.cloud import Cloud, is_local
from infra.release import DeployError

Log = Callable[[str], None]

_CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
_NEVER_WORKED: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_USABLE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
_PROGRESS_SECONDS: Final = 5.0
_COMPLETE: Final = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_NO_CHANGE: Final = ("didn't contain changes", "no updates are to be performed", "no changes to deploy")
_CONSEQUENCE: Final = ("cancelled", "canceled")


@dataclass(frozen=True)
class Pace:
    """How long to wait for CloudFormation, seconds. Its own waiters look every 30 s, botocore's every 5 s."""

    interval_seconds: float
    timeout_seconds: float
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic

    def ticks(self, what: str) -> Iterator[None]:
        """One tick now and one each interval; raises DeployError when the time is over."""
        deadline = self.monotonic() + self.timeout_seconds
        while True:
            yield
            if self.monotonic() >= deadline:
                raise DeployError(f"{what} took longer than {self.timeout_seconds:.0f} s\nhint: run it again to resume")
            self.sleep(self.interval_seconds)


LOCAL_PACE: Final = Pace(interval_seconds=0.5, timeout_seconds=600)
"""Each look lists all events so far, on the processor that is creating the resources."""
AWS_PACE: Final = Pace(interval_seconds=2, timeout_seconds=1800)
"""Provisioned concurrency, and a cache, take minutes to become ready, and the stack waits for them."""


@dataclass(frozen=True)
class StackState:
    """A stack as it stands."""

    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]

    @property
    def usable(self) -> bool:
        """Whether the last operation left it whole."""
        return self.status in _USABLE


@dataclass(frozen=True)
class Watch:
    """Alarms that undo a change if one of them rings while it is made, or in the minutes afterwards."""

    alarm_arns: tuple[str, ...]
    minutes: int

    def arguments(self) -> dict[str, Any]:
        """For CreateChangeSet."""
        triggers = [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"} for arn in self.alarm_arns]
        return {"RollbackConfiguration": {"RollbackTriggers": triggers, "MonitoringTimeInMinutes": self.minutes}}


@dataclass(frozen=True)
class Change:
    """One resource's part of a change set."""

    action: str
    """``created``, ``modified``, ``replaced`` or ``removed``."""
    logical_id: str
    resource_type: str


@dataclass(frozen=True)
class ChangePlan:
    """A change set, created and not yet executed; ``change_set_id`` is None when there is nothing to change."""

    stack_name: str
    creates: bool
    change_set_id: str | None
    changes: tuple[Change, ...] = ()
    parameters: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    """Changed parameters: name → value now (None = new), value to be."""


@dataclass
class _Progress:
    """How far a change is, and what was said of it."""

    total: int
    seen: set[str]
    """Ids of events already looked at."""
    said_at: float
    done: set[str] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    """Why it failed, if it did."""


class Stacks:
    """The stacks of one region. ``log`` receives a line for each failure, and the progress every few seconds."""

    def __init__(self, client: Any, log: Log, pace: Pace) -> None:
        self._client = client
        self._log = log
        self._pace = pace

    def state(self, name: str) -> StackState | None:
        """The stack, or None if there is none."""
        try:
            stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        if stack["StackStatus"] == "DELETE_COMPLETE":
            return None
        return StackState(
            stack["StackStatus"],
            {row["ParameterKey"]: row.get("ParameterValue", "") for row in stack.get("Parameters", [])},
            {row["OutputKey"]: row["OutputValue"] for row in stack.get("Outputs", [])},
        )

    def prepare(self, name: str) -> StackState | None:
        """The stack once it can be changed: waits for an operation at work, clears away one that never worked."""
        state = self._settled(name)
        if state is None or state.usable:
            return state
        if state.status in _NEVER_WORKED:
            self._log(f"stack {name} is in {state.status}: its first creation failed; deleting it to create it anew")
            self.delete(name)
            return None
        undo = "rollback-stack" if state.status == "UPDATE_FAILED" else "continue-update-rollback"
        raise DeployError(
            f"stack {name} is in {state.status}\n"
            f"hint: aws cloudformation {undo}, or delete the stack, then deploy again"
        )

    def working(self, name: str) -> StackState | None:
        """The stack once nothing changes it, or None if there is none; raises DeployError if it isn't whole."""
        state = self._settled(name)
        if state is not None and not state.usable:
            raise DeployError(f"stack {name} is in {state.status}\nhint: deploy that one again first")
        return state

    def delete(self, name: str) -> None:
        """Deletes a stack and waits until it is gone."""
        self._client.delete_stack(StackName=name)
        for _ in self._pace.ticks(f"deleting stack {name}"):
            state = self.state(name)
            if state is None:
                return
            if state.status == "DELETE_FAILED":
                raise DeployError(
                    f"stack {name} can't be deleted:\n{_listed(self._what_resisted(name))}\n"
                    "hint: remove what holds it, then run this again"
                )

    def physical_ids(self, name: str, resource_type: str) -> dict[str, str]:
        """Of a stack's resources of a type that were made, by logical id."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
        rows = [row for page in pages for row in page["StackResourceSummaries"]]
        return {
            row["LogicalResourceId"]: row["PhysicalResourceId"]
            for row in rows
            if row["ResourceType"] == resource_type and row.get("PhysicalResourceId")
        }

    def plan(
        self,
        name: str,
        state: StackState | None,
        template_url: str,
        parameters: Mapping[str, str],
        label: str,
        watch: Watch | None = None,
    ) -> ChangePlan:
        """Creates a change set called ``label`` and describes it. ``state`` None creates the stack."""
        creates = state is None
        change_set_id = self._client.create_change_set(
            StackName=name,
            ChangeSetName=label,
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateURL=template_url,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=_CAPABILITIES,
            **({} if watch is None else watch.arguments()),
        )["Id"]
        description = self._wait_for_change_set(name, change_set_id)
        if description is None:
            return ChangePlan(name, creates, None)
        before = {} if state is None else state.parameters
        changed = {key: (before.get(key), value) for key, value in parameters.items() if before.get(key) != value}
        return ChangePlan(name, creates, change_set_id, self._changes(name, change_set_id), changed)

    def discard(self, plan: ChangePlan) -> None:
        """Deletes a plan's change set, and the empty stack that planning a creation leaves behind."""
        if plan.change_set_id is not None:
            self._client.delete_change_set(StackName=plan.stack_name, ChangeSetName=plan.change_set_id)
        if plan.creates:
            self.delete(plan.stack_name)

    def execute(self, plan: ChangePlan) -> StackState:
        """Executes a plan and follows it to its end; raises DeployError with the reasons if it fails."""
        progress = _Progress(
            len(plan.changes), {event["EventId"] for event in self._events(plan.stack_name)}, self._pace.monotonic()
        )
        self._client.execute_change_set(StackName=plan.stack_name, ChangeSetName=plan.change_set_id)
        for _ in self._pace.ticks(f"changing stack {plan.stack_name}"):
            # The state first: events that come after reading them would be lost at the end, the reverse can't be.
            state = self.state(plan.stack_name)
            self._follow(plan.stack_name, progress)
            if state is None:
                raise DeployError(f"stack {plan.stack_name} vanished while it was being changed")
            if not state.status.endswith("_IN_PROGRESS"):
                return self._finished(plan.stack_name, state, progress.reasons)
        raise AssertionError("ticks end by raising")

    def _finished(self, name: str, state: StackState, reasons: list[str]) -> StackState:
        if state.status not in _COMPLETE:
            raise DeployError(f"stack {name} ended in {state.status}:\n{_listed(reasons)}")
        return state

    def _what_resisted(self, name: str) -> list[str]:
        """Why the deletion just now failed, the first reason first; the stack's own if there is no other."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
        events = (event for page in pages for event in page["StackEvents"])
        its_start = (name, "DELETE_IN_PROGRESS")
        since = takewhile(lambda event: (event["LogicalResourceId"], event["ResourceStatus"]) != its_start, events)
        failed = [event for event in since if _failed_by_itself(event)]
        resources = [event for event in failed if event["LogicalResourceId"] != name]
        return [_reason(event) for event in reversed(resources or failed)]

    def _settled(self, name: str) -> StackState | None:
        """The stack once no operation is at work on it; None if there is none, or none but planned."""
        said = False
        for _ in self._pace.ticks(f"the operation at work on stack {name}"):
            state = self.state(name)
            if state is None or state.status == "REVIEW_IN_PROGRESS":
                return None
            if not state.status.endswith("_IN_PROGRESS"):
                return state
            if not said:
                self._log(f"stack {name}: waiting for another operation to end")
                said = True
        raise AssertionError("ticks end by raising")

    def _wait_for_change_set(self, name: str, change_set_id: str) -> Any | None:
        """The finished change set, or None after deleting one that holds no change."""
        for _ in self._pace.ticks(f"planning the change of stack {name}"):
            description = self._client.describe_change_set(StackName=name, ChangeSetName=change_set_id)
            if description["Status"] == "CREATE_COMPLETE":
                return description
            if description["Status"] == "FAILED":
                break
        reason = description.get("StatusReason", "no reason was given")
        self._client.delete_change_set(StackName=name, ChangeSetName=change_set_id)
        if any(words in reason.lower() for words in _NO_CHANGE):
            return None
        raise DeployError(f"the change of stack {name} can't be planned: {reason}")

    def _changes(self, name: str, change_set_id: str) -> tuple[Change, ...]:
        found: list[Change] = []
        arguments: dict[str, str] = {}
        while True:
            page = self._client.describe_change_set(StackName=name, ChangeSetName=change_set_id, **arguments)
            found.extend(_change(row["ResourceChange"]) for row in page.get("Changes", []))
            if not page.get("NextToken"):
                return tuple(sorted(found, key=lambda change: (change.action, change.logical_id)))
            arguments = {"NextToken": page["NextToken"]}

    def _follow(self, name: str, progress: "_Progress") -> None:
        for event in reversed(self._events(name)):
            if event["EventId"] in progress.seen:
                continue
            progress.seen.add(event["EventId"])
            status, logical_id = event["ResourceStatus"], event["LogicalResourceId"]
            if status.endswith("_FAILED") and logical_id != name:
                self._log(f"{status.lower()} {logical_id}: {event.get('ResourceStatusReason', '')}")
            elif status.endswith("_COMPLETE") and logical_id != name:
                progress.done.add(logical_id)
            # The stack's own reason names the resources that failed, whose reasons came before.
            if _failed_by_itself(event) and not (logical_id == name and progress.reasons):
                progress.reasons.append(_reason(event))
        if self._pace.monotonic() - progress.said_at >= _PROGRESS_SECONDS:
            progress.said_at = self._pace.monotonic()
            self._log(f"{len(progress.done)} of {progress.total} resources done")

    def _events(self, name: str) -> list[dict[str, Any]]:
        """The newest page of events, newest first: at our pace no page fills between two looks."""
        events: list[dict[str, Any]] = self._client.describe_stack_events(StackName=name)["StackEvents"]
        return events


def stacks_of(cloud: Cloud, log: Log, pace: Pace | None = None) -> Stacks:
    """The stacks of ``cloud``'s region, at the pace of where it is if none is given."""
    client = cloud.client("cloudformation")
    return Stacks(client, log, pace or (LOCAL_PACE if is_local(client.meta.endpoint_url) else AWS_PACE))


def _failed_by_itself(event: Mapping[str, Any]) -> bool:
    """Whether it failed, and not because something else did."""
    reason = event.get("ResourceStatusReason", "")
    consequence = any(word in reason.lower() for word in _CONSEQUENCE)
    return bool(event["ResourceStatus"].endswith("_FAILED") and reason and not consequence)


def _reason(event: Mapping[str, Any]) -> str:
    resource_type, reason = event.get("ResourceType", ""), event.get("ResourceStatusReason", "")
    return f"{event['LogicalResourceId']} ({resource_type}): {reason}"


def _listed(reasons: list[str]) -> str:
    return "\n".join(f"  - {reason}" for reason in reasons) or "  - no reason was given"


def _change(row: Mapping[str, Any]) -> Change:
    replaced = row["Action"] == "Modify" and row.get("Replacement") == "True"
    action = "replaced" if replaced else {"Add": "created", "Modify": "modified", "Remove": "removed"}[row["Action"]]
    return Change(action, row["LogicalResourceId"], row["ResourceType"])
