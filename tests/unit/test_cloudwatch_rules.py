"""The rules of evaluation against the tables of CloudWatch's manual."""

import pytest

from tests.cloudwatch import Recorded, State, next_state

MANUAL = [
    # points to alarm of 3, values (0 within, X beyond, - missing), results: missing, ignore, breaching, notBreaching
    (3, "0-X-X", "OK OK OK OK"),
    (3, "----0", "OK OK OK OK"),
    (3, "-----", "INSUFFICIENT_DATA retained ALARM OK"),
    (3, "0XX-X", "ALARM ALARM ALARM ALARM"),
    (3, "--X--", "ALARM retained ALARM OK"),
    (2, "0-X-X", "ALARM ALARM ALARM ALARM"),
    (2, "00X0X", "ALARM ALARM ALARM ALARM"),
    (2, "0-X--", "OK OK ALARM OK"),
    (2, "----0", "OK OK ALARM OK"),
    (2, "---X-", "ALARM retained ALARM OK"),
]
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"""
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(("to_alarm", "values", "results"), MANUAL)
def test_the_manual_s_tables(to_alarm: int, values: str, results: str) -> None:
    seen = [{"0": 0.0, "X": 2.0, "-": None}[value] for value in values]
    alarm = {
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": to_alarm,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    states: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
    for treatment, result in zip(TREATMENTS, results.split(), strict=True):
        for state in states:
            found = next_state({**alarm, "TreatMissingData": treatment}, seen, state)
            assert found == (state if result == "retained" else result), treatment


def test_a_series_is_one_set_of_dimensions() -> None:
    recorded = Recorded()
    recorded.aws(("AWS/Lambda", "Errors"), {"FunctionName": "f"}, 0, 1, 2)
    recorded.aws(("AWS/Lambda", "Errors"), {"FunctionName": "f", "Resource": "f:live"}, 0, 5)
    key = ("AWS/Lambda", "Errors", frozenset({("FunctionName", "f")}))
    found = {
        name: recorded.statistic(key, name, range(1)) for name in ("Sum", "Average", "Maximum", "SampleCount", "p99")
    }
    assert found == {"Sum": 3, "Average": 1.5, "Maximum": 2, "SampleCount": 2, "p99": 2}
    assert recorded.statistic(key, "Sum", range(1, 2)) is None


def test_what_aws_does_not_publish_is_refused() -> None:
    with pytest.raises(AssertionError, match="publishes no"):
        Recorded().aws(("AWS/Lambda", "Errors"), {"QueueName": "f"}, 0, 1)
