"""``./arena hash-password`` and ``./arena operator-token``: what operators need to sign in."""

import sys
from pathlib import Path

import click

from chalicelib.credentials import PasswordHash
from infra.cli.local import LocalCloud, local_token

PASSWORD_CHARACTERS_MIN = 12


@click.command()
def hash_password() -> None:
    """Read a password (asked for, or from standard input) and print its hash for ADMIN_PASSWORD_HASH."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < PASSWORD_CHARACTERS_MIN:
        raise click.ClickException(f"a password needs at least {PASSWORD_CHARACTERS_MIN} characters")
    click.echo(str(PasswordHash.of(password)))


@click.command()
@click.option("--state-dir", type=click.Path(path_type=Path), default=None, help="The local cloud's state directory.")
def operator_token(state_dir: Path | None) -> None:
    """Print a token for operator routes of the local cloud: Authorization: Bearer TOKEN."""
    click.echo(local_token(LocalCloud.running(state_dir).secrets))
