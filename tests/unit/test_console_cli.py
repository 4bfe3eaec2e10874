"""The console's address: with a token that ends, opened only for somebody who is there, and never in a log."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner

from chalicelib.credentials import PasswordHash
from infra.cli.console import command, may_open, show
from infra.cli.summary import tell
from localcloud.state import StateDir

SECRETS = {
    "ADMIN_EMAIL": "ops@arena.test",
    "ADMIN_PASSWORD_HASH": str(PasswordHash.of("a long password")),
    "ADMIN_JWT_SECRET": "k" * 40,
    "TELEGRAM_BOT_TOKEN": "1:x",
}
STATUS: dict[str, Any] = {
    "tier": "development",
    "regions": {
        name: {"api": f"http://host/{name}/api", "mongo": "m", "websocket": "w", "health": "h"}
        for name in ("us-east-1", "eu-west-1")
    },
    "console": "http://host/us-east-1/api/console",
    "instances": [1, 1],
    "missing": None,
    "redis": "r",
    "localstack": "l",
}


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    """What a running local cloud has written."""
    state = StateDir(tmp_path)
    state.create()
    state.write_status(STATUS)
    state.secrets_file.write_text(json.dumps(SECRETS))
    return state


def minutes_of(address: str) -> float:
    token = address.partition("#token=")[2]
    claims = jwt.decode(token, SECRETS["ADMIN_JWT_SECRET"], algorithms=["HS256"])
    assert claims["sub"] == SECRETS["ADMIN_EMAIL"]
    return float(claims["exp"] - claims["iat"]) / 60


@pytest.mark.parametrize(("options", "region"), [([], "us-east-1"), (["--region", "eu-west-1"], "eu-west-1")])
def test_the_command_prints_an_address_good_for_an_hour(state: StateDir, options: list[str], region: str) -> None:
    done = CliRunner().invoke(command, [*options, "--state-dir", str(state.root)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"http://host/{region}/api/console#token=")
    assert minutes_of(done.output.strip()) == 60


def test_the_summary_holds_a_token_and_the_log_does_not(state: StateDir, capsys: pytest.CaptureFixture[str]) -> None:
    tell(STATUS, state, into_log=False, unopened=False)
    shown = capsys.readouterr().out
    [address] = [line.strip() for line in shown.splitlines() if "#token=" in line]
    assert minutes_of(address) == 60
    tell(STATUS, state, into_log=True, unopened=False)
    logged = capsys.readouterr().out
    assert STATUS["console"] in logged
    assert "token=" not in logged


@pytest.mark.parametrize(
    ("terminal", "environ", "platform", "opens"),
    [
        (True, {"DISPLAY": ":0"}, "linux", True),
        (True, {"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        (True, {}, "darwin", True),
        (True, {}, "linux", False),
        (True, {"DISPLAY": ":10", "SSH_CONNECTION": "x"}, "linux", False),
        (False, {"DISPLAY": ":0"}, "linux", False),
    ],
)
def test_a_browser_is_opened_for_somebody_only(
    terminal: bool, environ: dict[str, str], platform: str, opens: bool
) -> None:
    assert may_open(terminal, environ, platform) == opens


def test_nothing_is_opened_where_output_is_no_terminal() -> None:
    opened = list[str]()

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    assert not show("http://host", browser)
    assert opened == []
