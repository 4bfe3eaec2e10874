"""Queued battles as data: messages read strictly, labels bounded, waits that grow."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.arena import battle_jobs
from chalicelib.arena.battle_gate import BattleCommand
from chalicelib.arena.battle_jobs import IllegibleMessage, from_message, to_message
from chalicelib.arena.battle_queue_ports import BattleAndJob
from chalicelib.data import battle_job_queries
from tests.worlds import NOON

COMMAND = BattleCommand(
    telegram_id="777", request_id="a/b \x00 é 🎲", broker_id="AB" * 12, arena=None, league="pro", mode_key="ladder"
)
MODE = {"arena": "prediction", "league": "pro"}


def job(**fields: Any) -> dict[str, Any]:
    return {**battle_jobs.new_job(COMMAND, MODE, "correlation", NOON), **fields}


def test_a_message_says_what_its_job_says() -> None:
    read = from_message(to_message(job(round=3)))
    assert read.command == COMMAND
    assert (read.round, read.correlation_id, read.accepted_at) == (3, "correlation", NOON)
    assert read.key == battle_jobs.key_of(job(round=3))


def test_a_message_is_plain_ascii() -> None:
    text = to_message(job())
    assert text.isascii()
    assert text.isprintable()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "unknown format 2"),
        ({"format": None}, "unknown format None"),
        ({"format": "1"}, "unknown format '1'"),
        ({"extra": 1}, "wrong fields: extra"),
        ({"telegramId": 777}, "telegramId"),
        ({"telegramId": ""}, "telegramId"),
        ({"requestId": "x" * 129}, "requestId"),
        ({"brokerId": "zz" * 12}, "brokerId"),
        ({"brokerId": "a" * 23}, "brokerId"),
        ({"arena": 5}, "arena"),
        ({"league": "x" * 51}, "league"),
        ({"modeKey": "x" * 101}, "modeKey"),
        ({"round": 0}, "round"),
        ({"round": True}, "round"),
        ({"round": 1.5}, "round"),
        ({"acceptedAt": "now"}, "acceptedAt"),
        ({"acceptedAt": 1 << 52}, "acceptedAt"),
        ({"correlationId": None}, "correlationId"),
    ],
)
def test_a_message_of_another_form_is_illegible(change: dict[str, Any], words: str) -> None:
    with pytest.raises(IllegibleMessage, match=words):
        from_message(json.dumps({**json.loads(to_message(job())), **change}))


@pytest.mark.parametrize("text", ["", "no json", "[]", "7", "null", "[" * 100_000, '{"format":1}'])
def test_what_is_no_message_is_illegible(text: str) -> None:
    with pytest.raises(IllegibleMessage):
        from_message(text)


@pytest.mark.parametrize("mode", [None, {}, {"arena": "prediction"}, {"arena": "", "league": "pro"}, {"arena": 5}])
def test_a_job_without_a_real_mode_counts_as_other(mode: dict[str, Any] | None) -> None:
    assert battle_jobs.labels(mode) == ("other", "other")
    assert battle_jobs.labels(MODE) == ("prediction", "pro")


def test_the_waits_between_looks_double_up_to_a_quarter_of_an_hour() -> None:
    waits = [battle_jobs.next_look(job(resent=resent), NOON) - NOON for resent in (0, 1, 2, 3, 4, 500)]
    assert [wait / timedelta(minutes=1) for wait in waits] == [2, 4, 8, 15, 15, 15]


@pytest.mark.parametrize(
    ("reason", "text"),
    [("plain", "plain"), ("", "unknown"), ("\n", "?"), ("tab\tß", "tab?"), ("x" * 999, "x" * 300)],
)
def test_a_reason_fits_into_an_attribute(reason: str, text: str) -> None:
    assert battle_jobs.reason_text(reason) == text


def test_a_battle_that_was_fought_is_done_whatever_the_job_says() -> None:
    battle = {"requestId": "r", "ownerTelegramId": "777", "score": 5}
    refused = job(status="refused", error={"code": "banned"})
    told = battle_jobs.report("r", BattleAndJob(battle, refused), "777")
    assert told == {"requestId": "r", "status": "done", "battle": battle}
    granted = {"starsGranted": 1, "firstWinDiamond": 0}
    told = battle_jobs.report("r", BattleAndJob(battle, job(status="done", granted=granted)), "777")
    assert told == {"requestId": "r", "status": "done", "battle": {**battle, **granted}}


def test_another_players_battle_is_not_told() -> None:
    battle = {"requestId": "r", "ownerTelegramId": "888"}
    assert battle_jobs.report("r", BattleAndJob(battle, None), "777") is None
    assert battle_jobs.report("r", BattleAndJob(battle, job()), "777") == {"requestId": "r", "status": "queued"}


def test_a_job_is_read_before_its_battle_and_not_told_as_done_without_it() -> None:
    """Between two readings a worker may fight."""
    stages = battle_job_queries.look("777", "r").pipeline[1:]
    assert [stage["$lookup"]["as"] for stage in stages] == ["job", "battle"]
    ended = job(status="done", attempts=1)
    assert battle_jobs.report("r", BattleAndJob(None, ended), "777") == {"requestId": "r", "status": "queued"}


def test_a_message_is_logged_by_its_requests_id() -> None:
    assert battle_jobs.correlation_of(to_message(job())) == job()["correlationId"]
    assert battle_jobs.correlation_of("no json") == ""
