"""Whoever goes on until told ends with the test, whether it passed or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def set_at_the_end(*events: Event) -> Iterator[None]:
    """Inside the ``with`` of a pool of threads: it waits for them, for ever if nobody tells them."""
    try:
        yield
    finally:
        for event in events:
            event.set()
