"""Wrong usage of the command line ends in one plain line, whatever a library would have said."""

import socket
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from infra.cli import battle, indexes, openapi


@pytest.fixture
def nobody() -> str:
    """``host:port`` where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("command", [indexes.command, indexes.seed])
def test_a_database_that_is_not_there(command: click.Command, nobody: str) -> None:
    uri = f"mongodb://owner:password@{nobody}/?serverSelectionTimeoutMS=100"
    done = CliRunner().invoke(command, ["--mongo-uri", uri])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "Error: the database at --mongo-uri did not do it" in done.output
    assert "password" not in done.output


@pytest.mark.parametrize("command", [indexes.command, indexes.seed])
def test_an_address_that_is_none_of_a_database(command: click.Command) -> None:
    done = CliRunner().invoke(command, ["--mongo-uri", "mongodb://"])
    assert done.exit_code == 2
    assert "Error: --mongo-uri: " in done.output


def test_an_api_that_is_no_url() -> None:
    done = CliRunner().invoke(battle.command, ["--api", "elsewhere", "--bot-token", "1:token"])
    assert done.exit_code == 1
    assert "is no call of the arena's API" in done.output


def test_a_document_that_can_not_be_written(tmp_path: Path) -> None:
    done = CliRunner().invoke(openapi.command, ["--out", str(tmp_path / "missing" / "openapi.json")])
    assert done.exit_code == 1
    assert "openapi.json: No such file or directory" in done.output
