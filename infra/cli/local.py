"""What the other commands need to know of a running local cloud."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from chalicelib.arena.operator_sign_in import TOKEN_LIFE, issue_token
from chalicelib.clock import system_clock
from chalicelib.credentials import PasswordHash
from chalicelib.settings import OperatorSettings
from localcloud.state import StateDir, read_json

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running local cloud, as its status and secrets files describe it."""

    status: dict[str, Any]
    secrets: dict[str, Any]

    @classmethod
    def running(cls, state_dir: Path | None) -> "LocalCloud":
        """Reads the state directory. Raises ``click.ClickException`` when nothing runs there."""
        state = StateDir.locate(state_dir, CHECKOUT)
        status, secrets = state.read_status(), read_json(state.secrets_file)
        if status is None or secrets is None:
            raise click.ClickException("no local cloud runs here; start it with `make run` or `./arena up --detach`")
        return cls(status, secrets)

    @property
    def regions(self) -> tuple[str, ...]:
        return tuple(self.status["regions"])

    @property
    def bot_token(self) -> str:
        return str(self.secrets["TELEGRAM_BOT_TOKEN"])

    @property
    def redis_url(self) -> str | None:
        """As the functions have it: None without a cache, every node comma-separated in a cluster."""
        found = self.status["redis"]
        return ",".join(found) if isinstance(found, list) else found

    @property
    def redis_mode(self) -> str:
        """``single`` or ``cluster``."""
        return "cluster" if isinstance(self.status["redis"], list) else "single"

    def region(self, name: str) -> dict[str, Any]:
        """The status of one region. Raises ``click.ClickException`` for one that isn't there."""
        if name not in self.status["regions"]:
            raise click.ClickException(f"region {name!r} is not running; there are: {', '.join(self.regions)}")
        found: dict[str, Any] = self.status["regions"][name]
        return found

    def api(self, region: str) -> str:
        return str(self.region(region)["api"])


def local_token(secrets: Mapping[str, Any], life: timedelta = TOKEN_LIFE) -> str:
    """A token of the local cloud's operator, good for ``life``."""
    operator = OperatorSettings(
        email=secrets["ADMIN_EMAIL"],
        password_hash=PasswordHash.parse(secrets["ADMIN_PASSWORD_HASH"]),
        token_secret=secrets["ADMIN_JWT_SECRET"],
    )
    return issue_token(operator, system_clock(), life)
