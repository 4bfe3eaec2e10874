"""Fault: a stack's status tells of more than what its last operation came to. As soon as one resource fails the stack
is shown as failed, while its worker still works at it, and then as rolled back or complete. Planning an update shows
it as to be reviewed, and a plan that is refused shows it as never created.

Now: a worker's stack shows no end before the worker has come to it. A stack that is to be created is to be reviewed
once it is planned; planning changes no other status.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from localstack.services.cloudformation.v2.entities import Stack
from localstack.services.cloudformation.v2.provider import CloudformationProviderV2

from arena_lambda.patches.replacing import replace

_here = threading.local()
"""``unshown``: whether a status that this thread gives a stack is to be kept from being seen; None for all of them to
be seen."""


def apply() -> None:
    """Let statuses be withheld, and withhold those of planning."""
    replace(Stack, "set_stack_status", _build_status)
    replace(CloudformationProviderV2, "create_change_set", _build_planning)


def showing_no_end() -> AbstractContextManager[None]:
    """Within this, the thread shows of a stack only that something is in progress."""
    return _withholding(_is_end)


def show_nothing_more() -> None:
    """Keep all that this thread still says of stacks to itself; it must be one that ends with its operation."""
    _here.unshown = _is_anything


def _build_status(original: Callable[..., None]) -> Callable[..., None]:
    def set_stack_status(self: Stack, status: str, reason: str | None = None) -> None:
        unshown = getattr(_here, "unshown", None)
        if unshown is None or not unshown(status):
            original(self, status, reason)

    return set_stack_status


def _build_planning(original: Callable[..., Any]) -> Callable[..., Any]:
    def create_change_set(self: CloudformationProviderV2, context: Any, request: Any) -> Any:
        updates = request.get("ChangeSetType", "UPDATE") == "UPDATE"
        with _withholding(_is_anything if updates else _is_no_review):
            return original(self, context, request)

    return create_change_set


@contextmanager
def _withholding(unshown: Callable[[str], bool]) -> Iterator[None]:
    before = getattr(_here, "unshown", None)
    _here.unshown = unshown
    try:
        yield
    finally:
        _here.unshown = before


def _is_end(status: str) -> bool:
    return not status.endswith("_IN_PROGRESS")


def _is_no_review(status: str) -> bool:
    return status != "REVIEW_IN_PROGRESS"


def _is_anything(_: str) -> bool:
    return True
