"""How the tests are shared out when several processes run them (``pytest -n 4``)."""

from typing import Any

from xdist.scheduler.loadscope import LoadScopeScheduling

CLOUDS = ("e2e", "clouds")
LONG_FIRST = (*CLOUDS, "browser", "simulation", "integration", "localstack", "contract", "unit")
"""Small files last: they fill what is left when the long ones are done."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Whole files, as they are collected, to whoever is free; those that share a local cloud to one."""

    def __init__(self, config: Any, log: Any = None) -> None:
        # Else the files with most tests come first, whatever they cost.
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return "tests/e2e" if file.startswith("tests/e2e/") else file


def place(suite: str) -> int:
    """Where the tests of a folder come."""
    return LONG_FIRST.index(suite) if suite in LONG_FIRST else len(LONG_FIRST)
