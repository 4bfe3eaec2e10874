"""How far a long command is."""

import sys
from collections import Counter

import click


class Progress:
    """Tells a person at a terminal; says nothing elsewhere."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def count(self, what: str, more: int) -> None:
        self._seen[what] += more
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{what}: {self._seen[what]:,}", err=True, nl=False)

    def end(self) -> None:
        if sys.stderr.isatty():
            click.echo("\r\033[K", err=True, nl=False)
