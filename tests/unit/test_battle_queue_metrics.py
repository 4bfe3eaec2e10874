"""The battle queue's length as Prometheus and CloudWatch read it."""

import json

from chalicelib.monitoring.battle_queue import embedded, exposition
from tests.worlds import NOON

LENGTHS = {("prediction", "rookie"): 3, ("arbitrage", "pro"): 0, ('a"b\\', "x\ny"): 1}
OLDEST = {("prediction", "rookie"): 312.5, ("arbitrage", "pro"): 0.0, ('a"b\\', "x\ny"): 0.25}


def test_the_exposition_says_every_pair_zeros_included() -> None:
    assert exposition(LENGTHS, OLDEST) == [
        "# HELP aiba_battle_queue_length Battles queued and not fought yet.",
        "# TYPE aiba_battle_queue_length gauge",
        'aiba_battle_queue_length{arena="a\\"b\\\\",league="x\\ny"} 1',
        'aiba_battle_queue_length{arena="arbitrage",league="pro"} 0',
        'aiba_battle_queue_length{arena="prediction",league="rookie"} 3',
        "# HELP aiba_battle_queue_oldest_seconds "
        "How long the queued battle has waited that was accepted first; 0 without any.",
        "# TYPE aiba_battle_queue_oldest_seconds gauge",
        'aiba_battle_queue_oldest_seconds{arena="a\\"b\\\\",league="x\\ny"} 0.25',
        'aiba_battle_queue_oldest_seconds{arena="arbitrage",league="pro"} 0.0',
        'aiba_battle_queue_oldest_seconds{arena="prediction",league="rookie"} 312.5',
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
