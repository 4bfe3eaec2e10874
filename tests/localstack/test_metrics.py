"""What LocalStack counts of queues and functions comes to its CloudWatch, however it is written there."""

from datetime import UTC, datetime, timedelta

from tests.localstack.handlers import WHO
from tests.localstack.running import RunningLocalStack, eventually

SENT = 25
INVOKED = 3


def summed(localstack: RunningLocalStack, namespace: str, name: str, dimension: str, of: str) -> float:
    """Of the last hour."""
    now = datetime.now(UTC)
    found = localstack.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": dimension, "Value": of}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(float(point["Sum"]) for point in found["Datapoints"])


def test_every_message_and_every_invocation_is_counted_once(localstack: RunningLocalStack) -> None:
    function = localstack.function(WHO)
    sqs = localstack.client("sqs")
    queue = sqs.create_queue(QueueName=function.name)["QueueUrl"]
    for number in range(SENT):
        sqs.send_message(QueueUrl=queue, MessageBody="x" * (number % 3 + 1))
    for _ in range(INVOKED):
        function.invoke()

    def counted() -> tuple[float, float, float]:
        return (
            summed(localstack, "AWS/SQS", "NumberOfMessagesSent", "QueueName", function.name),
            summed(localstack, "AWS/SQS", "SentMessageSize", "QueueName", function.name),
            summed(localstack, "AWS/Lambda", "Invocations", "FunctionName", function.name),
        )

    sizes = sum(number % 3 + 1 for number in range(SENT))
    eventually(counted, lambda found: found == (SENT, sizes, INVOKED))
