"""``./arena logs``: lines of many files in one order, of one id or of all; files that grow, are moved and vanish."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from chalicelib.clock import system_clock
from infra.cli.logs import command
from infra.log_files import LogFiles
from infra.log_reading import PLAIN, Line, Source, data, function_of, in_order, read_line, shown, timed
from tests.worlds import NOON

SOURCE = Source("us-east-1", "BattleWorker", "e1")
API = "us-east-1.aiba-arena-dev-APIHandler-1a2b3c4d.3.aaaaaaaaaaaa"
RECEIVER = "eu-west-1.aiba-arena-dev-ReplicationReceiver-5e6f7a8b.1.bbbbbbbbbbbb"
START, REPORT = "START RequestId: inv-1 Version: 3", "REPORT RequestId: inv-1\tDuration: 5.00 ms"


def logged(message: str, seconds: float = 0, *, now: datetime = NOON, **fields: Any) -> str:
    at = (now + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return json.dumps({"level": "INFO", "location": "f:1", "message": message, "timestamp": at, **fields})


def line(message: str = "m", seconds: float = 0, **fields: Any) -> Line:
    return read_line(SOURCE, logged(message, seconds, **fields))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("aiba-arena-dev-APIHandler-1a2b3c4d", "APIHandler"),
        ("aiba-arena-enterprise-ReplicationReceiver-XY12", "ReplicationReceiver"),
        ("aiba-arena-prod-BattleWorkerLogs-AbCd", "BattleWorker"),
        ("somebody-elses", "somebody-elses"),
    ],
)
def test_functions_are_called_as_in_the_template(name: str, function: str) -> None:
    assert function_of(name) == function


@pytest.mark.parametrize(
    "fields",
    [
        {"correlation_id": "a b"},
        {"correlation_ids": ["x", "a b"]},
        {"events": [{"fate": "applied", "correlation_id": "x"}, {"correlation_id": "a b"}]},
        {"request_id": "a b"},
    ],
)
def test_a_line_is_about_an_id_wherever_it_is(fields: dict[str, Any]) -> None:
    assert line(**fields).is_about("a b")
    assert not line(**fields).is_about("a")
    assert not line(**fields).is_about("b")


def test_plain_text_is_about_the_words_in_it() -> None:
    assert read_line(SOURCE, REPORT).is_about("inv-1")
    assert not read_line(SOURCE, REPORT).is_about("inv")
    assert not read_line(SOURCE, REPORT).is_about("1")


@pytest.mark.parametrize("text", ["{", "{}", "[1]", "null", '{"timestamp": 5}', '{"timestamp": "x"}', "", "\x00é"])
def test_any_text_is_a_line(text: str) -> None:
    found = read_line(SOURCE, text, NOON)
    assert found.at == NOON
    assert "".join(shown(found))
    json.dumps(data(found))


def test_what_the_platform_says_is_not_told_but_what_is_printed_is() -> None:
    told = ["Traceback (most recent call last):", "Task timed out after 28.00 seconds", logged("m")]
    untold = [START, REPORT, "END RequestId: inv-1", "INIT_START Runtime Version: x", "", '{"_aws": {}}']
    assert [text for text in told + untold if read_line(SOURCE, text).is_told] == told


def test_levels() -> None:
    error = line(level="ERROR")
    assert [level for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL") if error.is_at_least(level)] == [
        "DEBUG",
        "INFO",
        "WARNING",
        "ERROR",
    ]
    crash = read_line(SOURCE, "Segmentation fault")
    assert (crash.level, crash.is_at_least("CRITICAL")) == (PLAIN, True)


def test_what_has_no_time_has_its_neighbours() -> None:
    """What begins an invocation is of the lines after it, anything else of those before."""
    texts = [START, logged("a", 1), "printed", REPORT, START, logged("b", 9), REPORT]
    times = [one.at for one in timed((read_line(SOURCE, text) for text in texts), NOON)]
    assert [(at - NOON).total_seconds() for at in times if at] == [1, 1, 1, 1, 9, 9, 9]
    assert [one.at for one in timed([read_line(SOURCE, "alone")], NOON)] == [NOON]
    assert [one.at for one in timed([read_line(SOURCE, text) for text in (logged("a", 1), START)], NOON)][1] is not None


def test_lines_of_one_moment_stay_in_order() -> None:
    assert [one.text for one in in_order([line("b", 1), line("a"), line("z"), line("c", 1)])] == [
        one.text for one in (line("a"), line("z"), line("b", 1), line("c", 1))
    ]


def test_a_line_for_people_shows_of_lists_what_is_asked_for() -> None:
    events = [{"correlation_id": name} for name in ("x", "mine", "y")]
    (text,) = shown(line("events received", events=events, correlation_id="run", lag_ms=5), "mine")
    assert text.startswith("2026-11-23 12:00:00.000 us-east-1      BattleWorker         INFO    events received  ")
    assert text.endswith('events=[{"correlation_id": "mine"}](+2 more) correlation_id=run lag_ms=5')
    (text,) = shown(line("request", correlation_id="mine", status=200), "mine")
    assert text.endswith(" request  status=200")
    assert list(shown(line("failed", exception="KeyError\n  at f.py:1 f")))[1:] == ["    KeyError", "      at f.py:1 f"]


def test_no_line_writes_to_the_terminal_what_moves_its_cursor() -> None:
    (text,) = shown(line("m", name="\x1b[2Jx\nfake line"))
    assert text.isprintable()


class Files:
    """A directory of functions' logs."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.directory = state_dir / "logs" / "functions"
        self.directory.mkdir(parents=True)

    def append(self, name: str, *lines: str, end: str = "\n") -> Path:
        path = self.directory / f"{name}.log"
        with path.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + end)
        return path

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(command, [*arguments, "--state-dir", str(self.state_dir)])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def read(logs: LogFiles) -> list[str]:
    return [one.fields["message"] if one.fields else one.text for lines in logs.lines() for one in lines]


def test_each_line_is_read_once_and_only_when_it_is_whole(files: Files) -> None:
    logs = LogFiles(files.directory)
    files.append(API, logged("a"))
    assert read(logs) == ["a"]
    files.append(API, logged("b")[:20], end="")
    assert read(logs) == []
    files.append(API, logged("b")[20:])
    files.append(RECEIVER, logged("c"))
    assert sorted(read(logs)) == ["b", "c"]
    assert read(logs) == []


def test_a_file_that_is_moved_on_loses_nothing(files: Files) -> None:
    """As the plug-in does it: a copy, then the file is emptied and goes on."""
    path = files.append(API, logged("a"))
    logs = LogFiles(files.directory)
    assert read(logs) == ["a"]
    files.append(API, logged("b"))
    shutil.copyfile(path, path.with_suffix(".log.1"))
    assert read(logs) == ["b"]
    files.append(API, logged("between"))
    shutil.copyfile(path, path.with_suffix(".log.1"))
    os.truncate(path, 0)
    files.append(API, logged("c"))
    assert read(logs) == ["between", "c"]
    assert read(logs) == []
    assert read(LogFiles(files.directory)) == ["a", "b", "between", "c"]


def test_a_file_that_is_longer_than_what_it_was_is_read_with_it(files: Files) -> None:
    path = files.append(API, logged("a"))
    path.rename(path.with_suffix(".log.1"))
    files.append(API, logged("b"), logged("c"))
    assert read(LogFiles(files.directory)) == ["a", "b", "c"]


def test_files_that_vanish_and_files_of_others_are_no_trouble(files: Files) -> None:
    logs = LogFiles(files.directory)
    path = files.append(API, logged("a"))
    files.append("notes", "x")
    assert read(logs) == ["a"]
    path.unlink()
    assert read(logs) == []


@pytest.fixture
def traced(files: Files) -> Files:
    now = system_clock()
    ours: dict[str, Any] = {"now": now, "correlation_id": "t-1"}
    files.append(RECEIVER, logged("events received", -1, now=now, events=[{"correlation_id": "t-1"}]))
    files.append(API, START, logged("request", -3, **ours), logged("another", -2, now=now), REPORT)
    files.append(API, logged("failed", -2, **{**ours, "level": "ERROR"}), logged("long ago", -7200, **ours))
    return files


def test_an_id_is_followed_through_all_files(traced: Files) -> None:
    done = traced.run("--id", "t-1")
    assert done.exit_code == 0, done.output
    assert [text.split()[2:4] for text in done.output.splitlines()] == [
        ["us-east-1", "APIHandler"],
        ["us-east-1", "APIHandler"],
        ["eu-west-1", "ReplicationReceiver"],
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["request", "another", "failed", "events received"]),
        (["--id", "t-1", "--region", "eu-west-1"], ["events received"]),
        (["--function", "api", "--level", "error"], ["failed"]),
        (["--function", "replication_receiver"], ["events received"]),
        (["--id", "t-1", "--since", "3h"], ["long ago", "request", "failed", "events received"]),
    ],
)
def test_lines_are_chosen(traced: Files, arguments: list[str], expected: list[str]) -> None:
    done = traced.run(*arguments, "--json")
    assert [json.loads(text)["line"]["message"] for text in done.output.splitlines()] == expected


def test_lambdas_own_lines_are_found_by_their_id(traced: Files) -> None:
    texts = [json.loads(text)["text"] for text in traced.run("--id", "inv-1", "--json").output.splitlines()]
    assert sorted(texts) == [REPORT, START]


def test_nothing_found_is_a_failure_that_says_so(traced: Files) -> None:
    done = traced.run("--id", "t-2")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "nothing was logged about t-2\n")


def test_a_region_without_logs_is_told_from_one_that_has_nothing_wanted(traced: Files) -> None:
    done = traced.run("--region", "us-east-9", "--region", "us-east-1", "--id", "t-1")
    assert (done.exit_code, done.stderr) == (0, "no logs of us-east-9; there are some of eu-west-1, us-east-1\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--since", "soon"], "no duration"),
        (["--since", "0m"], "no duration"),
        (["--id", " "], "--id is empty"),
        (["--aws"], "--aws needs --region"),
        (["--aws", "--region", "us-east-1", "--follow"], "--follow is for the local cloud"),
        (["--level", "loud"], "loud"),
    ],
)
def test_wrong_usage_is_said(files: Files, arguments: list[str], words: str) -> None:
    done = files.run(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_where_nothing_ever_ran_that_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["--state-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "make run" in done.stderr


GROUPS = (
    "aiba-arena-prod-APIHandlerLogs-X1",
    "aiba-arena-prod-BattleWorkerLogs-X2",
    "aiba-arena-dev-APIHandlerLogs-X3",
)


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[datetime]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    now = datetime.now(UTC)
    with mock_aws():
        client = boto3.client("logs", region_name="eu-west-1")
        for place, group in enumerate(GROUPS):
            client.create_log_group(logGroupName=group)
            client.create_log_stream(logGroupName=group, logStreamName="s")
            texts = [
                logged(f"{place} {name}", -place, now=now, correlation_id=name) for name in ("t-1", "t-11", "other")
            ]
            moment = int(now.timestamp() * 1000) - place * 1000
            events = [{"timestamp": moment, "message": f"{text}\n"} for text in texts]
            client.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        yield now


def test_in_aws_the_groups_of_one_stage_are_asked(cloudwatch: datetime) -> None:
    done = CliRunner().invoke(command, ["--aws", "--region", "eu-west-1", "--id", "t-1", "--json"])
    found = [json.loads(text) for text in done.output.splitlines()]
    assert [(one["function"], one["line"]["message"]) for one in found] == [
        ("BattleWorker", "1 t-1"),
        ("APIHandler", "0 t-1"),
    ]
    assert {one["region"] for one in found} == {"eu-west-1"}
    everything = CliRunner().invoke(command, ["--aws", "--region", "eu-west-1", "--stage", "dev"])
    assert len(everything.output.splitlines()) == 3


def test_in_aws_nothing_found_fails_too(cloudwatch: datetime) -> None:
    done = CliRunner().invoke(command, ["--aws", "--region", "us-east-1", "--id", "t-1"])
    assert (done.exit_code, done.stdout) == (1, "")
