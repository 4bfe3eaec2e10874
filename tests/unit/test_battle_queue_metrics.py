"""The battle queue's length as Prometheus and CloudWatch read it."""

import json

from chalicelib.monitoring.battle_queue import embedded, exposition
from tests.worlds import NOON

LENGTHS = {("prediction", "rookie"): 3, ("arbitrage", "pro"): 0, ('a"b\\', "x\ny"): 1}


def test_the_exposition_says_every_pair_zeros_included() -> None:
    assert exposition(LENGTHS)[1:] == [
        "# TYPE aiba_battle_queue_length gauge",
        'aiba_battle_queue_length{arena="a\\"b\\\\",league="x\\ny"} 1',
        'aiba_battle_queue_length{arena="arbitrage",league="pro"} 0',
        'aiba_battle_queue_length{arena="prediction",league="rookie"} 3',
    ]


def test_each_embedded_line_is_one_metric_with_three_dimensions() -> None:
    lines = [json.loads(line) for line in embedded(LENGTHS, region="eu-west-1", now=NOON)]
    assert [(line["arena"], line["league"], line["BattleQueueLength"]) for line in lines[1:]] == [
        ("arbitrage", "pro", 0),
        ("prediction", "rookie", 3),
    ]
    for line in lines:
        assert line["region"] == "eu-west-1"
        assert line["_aws"]["Timestamp"] == int(NOON.timestamp() * 1000)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "AibaArena"
        assert directive["Dimensions"] == [["region", "arena", "league"]]
        assert directive["Metrics"] == [{"Name": "BattleQueueLength", "Unit": "Count"}]
