"""Processes that tests start, of one fork server."""

import multiprocessing
from multiprocessing.context import ForkServerContext
from typing import Final

PRELOADED: Final = (
    "app",
    "tests.fleet",
    "tests.installed",
    "tests.primary_drill",
    "tests.integration.fronts.instances",
    "tests.integration.backup_child",
    "tests.integration.battle_child",
    "tests.integration.lock_child",
    "tests.integration.metrics_child",
    "tests.integration.pools_child",
    "tests.integration.read_through_child",
)
"""What any of them needs. A test process has one fork server, which loads what its first test asks for: children of
later tests, nine at once on a busy machine, would have to load the arena by themselves."""


def fork_server() -> ForkServerContext:
    """What children are made with; each starts in milliseconds."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(list(PRELOADED))
    return found
