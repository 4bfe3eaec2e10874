"""A queue of a local cloud with a function that does nothing but say when it heard of a message."""

import io
import tempfile
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.cloud import Cloud

RUNTIME: Final = "python3.11"
ROLE: Final = "arn:aws:iam::000000000000:role/bench"
"""The local cloud asks for one and does not look at it."""
MESSAGES_A_BATCH: Final = 10
HANDLER: Final = """
import os, time

def handle(event, context):
    now = time.time()
    with open(os.environ["HEARD"], "a") as file:
        file.writelines(f"{now} {record['body'].split()[0]}\\n" for record in event["Records"])
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message."""

    seconds: float
    """From sent to heard."""
    call: str
    """The moment of the call it came with: those of one call have the same."""


class BareConsumer:
    """``heard`` is where its function writes."""

    def __init__(self, sqs: Any, queue_url: str, heard: Path) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._heard = heard

    def send(self, messages: int, rate: float, size: int) -> None:
        """So many messages of ``size`` characters, on schedule as far as the machine goes."""
        began = time.monotonic()
        for number in range(messages):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            body = f"{time.time():.6f} ".ljust(size, "x")
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)

    def heard(self, messages: int, seconds: float) -> list[Heard]:
        """Once all of so many were heard of, or when ``seconds`` are over."""
        until = time.monotonic() + seconds
        while len(lines := self._lines()) < messages and time.monotonic() < until:
            time.sleep(0.1)
        return [Heard(float(heard) - float(sent), heard) for heard, sent in lines]

    def forget(self) -> None:
        """What was heard so far."""
        self._heard.write_text("", encoding="utf-8")

    def _lines(self) -> list[list[str]]:
        return [line.split() for line in self._heard.read_text(encoding="utf-8").splitlines()]


@contextmanager
def bare_consumer(region: str, localstack: str) -> Iterator[BareConsumer]:
    """One in ``region``, gone afterwards."""
    cloud, name = Cloud(region, localstack), f"bench-{uuid.uuid4().hex[:8]}"
    sqs, functions = cloud.client("sqs"), cloud.client("lambda")
    with ExitStack() as held:
        heard = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="arena-bench-"))) / "heard"
        heard.touch()
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        held.callback(sqs.delete_queue, QueueUrl=url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        functions.create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Role=ROLE,
            Handler="bare.handle",
            Code={"ZipFile": _package()},
            Environment={"Variables": {"HEARD": str(heard)}},
        )
        held.callback(functions.delete_function, FunctionName=name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        mapping = functions.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=name, BatchSize=MESSAGES_A_BATCH
        )
        held.callback(functions.delete_event_source_mapping, UUID=mapping["UUID"])
        yield BareConsumer(sqs, url, heard)


def _package() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("bare.py", HANDLER)
    return archive.getvalue()
