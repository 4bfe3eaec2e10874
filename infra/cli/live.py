"""``./arena live``: connects a player's WebSocket and prints what arrives."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from infra.cli.battle import signed_init_data
from infra.cli.local import LocalCloud

PING_SECONDS = 300.0
"""A connection that says nothing for ten minutes expires."""
_LOOK_SECONDS = 0.5
_OPEN_SECONDS = 30


@click.command()
@click.option("--user", "user_id", type=click.IntRange(min=1), default=777, show_default=True, help="Telegram user id.")
@click.option("--username", default=None, help="Telegram username; player<ID> by default.")
@click.option("--leaderboard", is_flag=True, help="Follow a leaderboard too: of all players, or as chosen below.")
@click.option("--league", default=None, help="Follow the leaderboard of a league.")
@click.option("--realm", default=None, help="Follow the leaderboard of a realm.")
@click.option("--season", type=click.Choice(["current"]), default=None, help="Of the current season, not of all time.")
@click.option("--count", type=click.IntRange(min=1), default=None, help="End after so many messages.")
@click.option("--region", default=None, help="Region to connect to; the first one of the local cloud by default.")
@click.option("--url", default=None, help="A WebSocket elsewhere, wss://… (with --bot-token).")
@click.option("--bot-token", envvar="TELEGRAM_BOT_TOKEN", default=None, help="Bot token; the local one by default.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
def command(
    user_id: int,
    username: str | None,
    leaderboard: bool,
    league: str | None,
    realm: str | None,
    season: str | None,
    count: int | None,
    region: str | None,
    url: str | None,
    bot_token: str | None,
    state_dir: Path | None,
) -> None:
    """Print a player's battle results, and a leaderboard's changes, as they come; Ctrl-C ends it.

    A battle queued with POST /api/battle/queue brings a result. Each line is one JSON message.
    """
    if url is not None and bot_token is None:
        raise click.UsageError("--url needs --bot-token: the local bot's sign-in is worth nothing elsewhere")
    if url is None or bot_token is None:
        local = LocalCloud.running(state_dir)
        url = url or str(local.region(region or local.regions[0])["websocket"])
        bot_token = bot_token or local.bot_token
    first: dict[str, Any] | None = None
    if leaderboard or league or realm or season:
        chosen = {"league": league, "realm": realm, "season": season}
        wanted = {name: value for name, value in chosen.items() if value}
        first = {"action": "subscribe", "channel": "leaderboard", **wanted}
    query = urlencode({"initData": signed_init_data(bot_token, user_id, username)})
    try:
        _listen(f"{url}?{query}", url.partition("?")[0], first, count)
    except KeyboardInterrupt:
        click.echo("disconnected", err=True)


def _listen(address: str, shown: str, first: dict[str, Any] | None, count: int | None) -> None:
    from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    try:
        with connect(address, open_timeout=_OPEN_SECONDS) as socket:
            click.echo(f"connected to {shown}; Ctrl-C ends it", err=True)
            if first is not None:
                socket.send(json.dumps(first))
            pinged = time.monotonic()
            while count is None or count > 0:
                if time.monotonic() - pinged > PING_SECONDS:
                    socket.send('{"action":"ping"}')
                    pinged = time.monotonic()
                try:
                    text = str(socket.recv(timeout=_LOOK_SECONDS))
                except TimeoutError:
                    continue
                click.echo(text)
                _raise_refusal(text)
                count = None if count is None else count - 1
    except InvalidStatus as error:
        body = (error.response.body or b"").decode(errors="replace")
        raise click.ClickException(f"refused with status {error.response.status_code}: {body}") from error
    except ConnectionClosed as error:
        raise click.ClickException(f"the connection was closed: {error}") from error
    except (WebSocketException, ValueError) as error:
        # Not the address, which the error's own words may repeat: it holds the sign-in.
        raise click.ClickException(f"{shown} is no WebSocket to talk to ({type(error).__name__})") from error
    except OSError as error:
        raise click.ClickException(f"{shown} did not answer ({type(error).__name__}); see ./arena status") from error


def _raise_refusal(text: str) -> None:
    """Raises ``click.ClickException`` when the message refuses what was asked for: waiting for it would be in vain."""
    message = json.loads(text)
    if message.get("type") == "error":
        raise click.ClickException(f"refused: {message['error']['code']}: {message['error']['message']}")
