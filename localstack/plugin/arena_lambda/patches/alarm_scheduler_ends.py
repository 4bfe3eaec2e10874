"""Fault: a function's first metrics load CloudWatch; when that happens while LocalStack stops, CloudWatch's scheduler
starts after the services were stopped, nobody ends it, and the process hangs for ever.

Now: the scheduler's thread does not keep the process alive.
"""

import threading
from collections.abc import Callable

from localstack.services.cloudwatch.alarm_scheduler import AlarmScheduler
from localstack.utils.scheduler import Scheduler

from arena_lambda.patches.replacing import replace


def apply() -> None:
    """Replace how the scheduler is started."""
    replace(AlarmScheduler, "__init__", _build)


def _build(_: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: AlarmScheduler) -> None:  # noqa: N807
        self.scheduler = Scheduler()
        self.thread = threading.Thread(target=self.scheduler.run, name="cloudwatch-scheduler", daemon=True)
        self.thread.start()
        self.scheduled_alarms = {}

    return __init__
