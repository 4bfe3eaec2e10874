"""Fault: each message sent, received or deleted, and each invocation, asks CloudWatch up to three times to write one
number, and each of them is a file opened, a row, and a wait for the disk: a third of what a busy local cloud does.

Now: what was counted is written every few seconds, the like together, as of when it is written.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localstack.aws.connect import connect_to
from localstack.services.lambda_.invocation import metrics as lambda_metrics
from localstack.services.sqs import provider as sqs_provider
from localstack.utils.bootstrap import is_api_enabled

from arena_lambda.patches.replacing import replace

LOG = logging.getLogger(__name__)

PAUSE_SECONDS = 3.0
"""Alarms look at ten seconds or more."""
VALUES_MAX = 150
"""CloudWatch's, of one metric in one request."""


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one resource."""

    account_id: str | None
    region: str | None
    namespace: str
    name: str
    dimension: tuple[str, str]
    unit: str | None


@dataclass
class Batches:
    """What was counted and is not yet written: how often each value, by series."""

    counted: dict[Series, Counter[float]] = field(default_factory=dict)
    changing: threading.Lock = field(default_factory=threading.Lock)
    some: threading.Event = field(default_factory=threading.Event)
    writer: threading.Thread | None = None

    def add(self, series: Series, value: float) -> None:
        """Notes one number; whoever writes begins with the first."""
        with self.changing:
            self.counted.setdefault(series, Counter())[value] += 1
            if self.writer is None:
                self.writer = threading.Thread(target=self._write_on, name="metrics-in-batches", daemon=True)
                self.writer.start()
        self.some.set()

    def _write_on(self) -> None:
        while self.some.wait():
            time.sleep(PAUSE_SECONDS)
            self.some.clear()
            with self.changing:
                taken, self.counted = self.counted, {}
            for series, values in taken.items():
                try:
                    _write(series, values)
                except Exception as error:  # noqa: BLE001 - as LocalStack does: the metrics of a cloud that ends are lost
                    LOG.info("Unable to write %s to CloudWatch: %s", series.name, error)


def _write(series: Series, values: Counter[float]) -> None:
    client = connect_to(region_name=series.region, aws_access_key_id=series.account_id).cloudwatch
    name, value = series.dimension
    pairs = list(values.items())
    for start in range(0, len(pairs), VALUES_MAX):
        some = pairs[start : start + VALUES_MAX]
        datum = {
            "MetricName": series.name,
            "Dimensions": [{"Name": name, "Value": value}],
            "Timestamp": datetime.now(UTC),
            "Values": [one for one, _ in some],
            "Counts": [count for _, count in some],
            **({"Unit": series.unit} if series.unit else {}),
        }
        client.put_metric_data(Namespace=series.namespace, MetricData=[datum])


_BATCHES = Batches()


def apply() -> None:
    """Note numbers where they were written."""
    replace(sqs_provider, "publish_sqs_metric", _build_sqs)
    replace(lambda_metrics, "publish_lambda_metric", _build_lambda)


def _build_sqs(_: Callable[..., None]) -> Callable[..., None]:
    def publish_sqs_metric(
        account_id: str, region: str, queue_name: str, metric: str, value: float = 1, unit: str = "Count"
    ) -> None:
        if is_api_enabled("cloudwatch"):
            queue = ("QueueName", queue_name)
            _BATCHES.add(Series(account_id, region, "AWS/SQS", metric, queue, unit), value)

    return publish_sqs_metric


def _build_lambda(_: Callable[..., None]) -> Callable[..., None]:
    def publish_lambda_metric(
        metric: str, value: float, kwargs: Any, account_id: str | None = None, region_name: str | None = None
    ) -> None:
        if is_api_enabled("cloudwatch"):
            function = ("FunctionName", str(kwargs["func_name"]))
            series = Series(account_id, region_name, "AWS/Lambda", metric, function, None)
            _BATCHES.add(series, value)

    return publish_lambda_metric
