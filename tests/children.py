"""Processes that tests start, of one fork server."""

import multiprocessing
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

_LOCALCLOUD: Final = str(Path(__file__).resolve().parents[1] / "localstack")
if _LOCALCLOUD not in sys.path:
    # pytest's own path is not the fork server's, which leaves out in silence what it can't import.
    sys.path.append(_LOCALCLOUD)

PRELOADED: Final = (
    "tests.children",
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
