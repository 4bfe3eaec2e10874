"""Parameters of the stack as ``--parameter NAME=VALUE`` gives them."""

from collections.abc import Iterable

import click


def named(given: Iterable[str]) -> dict[str, str]:
    """By name. Raises ``click.BadParameter`` for what is not NAME=VALUE."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, e.g. ScalingMax=40", param_hint="--parameter")
        found[name] = value
    return found
