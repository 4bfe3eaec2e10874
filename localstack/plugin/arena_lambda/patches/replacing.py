"""Replaces a function of LocalStack's, once."""

import functools
from collections.abc import Callable
from typing import Any

_MARK = "__arena_patch__"


def replace(owner: Any, name: str, build: Callable[[Any], Callable[..., Any]]) -> None:
    """Put ``build(original)`` in the place of ``owner.name``; nothing when it is already replaced.

    The new function keeps the original's attributes: LocalStack finds API handlers by them.
    Raises AttributeError when there is no such function, so that a changed LocalStack is noticed.
    """
    original = getattr(owner, name)
    if getattr(original, _MARK, False):
        return
    replacement = functools.wraps(original)(build(original))
    setattr(replacement, _MARK, True)
    setattr(owner, name, replacement)
