"""Before what can't be taken back, somebody says yes."""

import click


def require_yes() -> None:
    """Asks on standard error. Raises ``click.Abort`` unless told yes, ``click.UsageError`` where nobody can answer."""
    try:
        click.confirm("Do it?", abort=True, err=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, EOFError):
            raise click.UsageError("nobody can answer: --yes does it without asking") from abort
        raise
