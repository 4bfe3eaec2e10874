"""Fault: every PutTargets on a scheduled rule, so every redeploy, adds one more timer; none is ever removed, not even
with its rule, and a disabled rule still fires.

Now: a rule has one timer, which is replaced with its schedule, follows its state and goes with it.
"""

from collections.abc import Callable
from typing import Any

from localstack.services.events.provider import EventsProvider
from localstack.services.events.rule import RuleService
from localstack.services.events.scheduler import JobScheduler

from arena_lambda.patches.replacing import replace

# By rule ARN: LocalStack makes a new RuleService at every PutRule, so the old one's job id is lost with it.
_JOBS: dict[str, str] = {}


def apply() -> None:
    """Remember each rule's timer and cancel it when it is superseded."""
    replace(RuleService, "create_schedule_job", _build_create)
    replace(EventsProvider, "put_rule", _build_put_rule)
    replace(EventsProvider, "_delete_rule_services", _build_delete)


def _build_create(original: Callable[..., None]) -> Callable[..., None]:
    def create_schedule_job(self: RuleService, schedule_job_sender_func: Callable[..., None]) -> None:
        rule = self.rule

        def send_if_enabled(*args: Any, **kwargs: Any) -> None:
            if rule.state != "DISABLED":
                schedule_job_sender_func(*args, **kwargs)

        _cancel(self.arn)
        original(self, send_if_enabled)
        _JOBS[self.arn] = self.job_id

    return create_schedule_job


def _build_put_rule(original: Callable[..., Any]) -> Callable[..., Any]:
    def put_rule(self: EventsProvider, context: Any, name: str, **kwargs: Any) -> Any:
        response = original(self, context=context, name=name, **kwargs)
        service = self.get_rule_service(context.region, context.account_id, name, kwargs.get("event_bus_name"))
        if service.arn in _JOBS and service.schedule_cron:
            # Its targets stay, its schedule and state may have changed.
            service.create_schedule_job(
                self._get_scheduled_rule_job_function(context.account_id, context.region, service.rule)
            )
        else:
            _cancel(service.arn)
        return response

    return put_rule


def _build_delete(original: Callable[..., None]) -> Callable[..., None]:
    def _delete_rule_services(self: EventsProvider, rules: Any) -> None:
        for rule in list(rules.values()) if isinstance(rules, dict) else [rules]:
            _cancel(rule.arn)
        original(self, rules)

    return _delete_rule_services


def _cancel(arn: str) -> None:
    job_id = _JOBS.pop(arn, None)
    if job_id is not None:
        JobScheduler.instance().cancel_job(job_id)
