"""A failure is told when it happens: a run that is cut off has said what it knew."""

from typing import Any

import pytest


class Telling:
    """Writes between the dots; the summary at the end says it again."""

    def __init__(self, terminal: Any) -> None:
        self._terminal = terminal

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.ensure_newline()
            self._terminal.write_sep("_", f"{report.when} of {report.nodeid}", red=True)
            self._terminal.write_line(report.longreprtext)
