"""``./arena initdata``: a signed sign-in header for the local bot token."""

from pathlib import Path

import click

from infra.cli.battle import signed_init_data
from infra.cli.local import LocalCloud


@click.command()
@click.option("--user", "user_id", type=click.IntRange(min=1), required=True, help="Telegram user id.")
@click.option("--username", default=None, help="Telegram username; player<ID> by default.")
@click.option("--bot-token", envvar="TELEGRAM_BOT_TOKEN", default=None, help="Bot token; the local one by default.")
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
def command(user_id: int, username: str | None, bot_token: str | None, state_dir: Path | None) -> None:
    """Print a value for the X-Telegram-Init-Data header, valid for the configured age from now."""
    token = bot_token or LocalCloud.running(state_dir).bot_token
    click.echo(signed_init_data(token, user_id, username))
