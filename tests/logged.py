"""What the arena logs, to look at: every line, debug lines included, as it would be written."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.log_lines import LEVEL, SERVICE
from chalicelib.observability import made_logger


@dataclass
class Logged:
    """Standard output since the beginning."""

    capsys: pytest.CaptureFixture[str]
    _texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it, and of standard error."""
        found = self.capsys.readouterr()
        self._texts += [found.out, found.err]
        return "".join(self._texts)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Those that are JSON with a level."""
        decoded = [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]
        return [line for line in decoded if "level" in line]

    def saying(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == message]

    def about(self, correlation_id: str) -> list[str]:
        """Messages of the lines that carry this id."""
        return [line["message"] for line in self.lines if line.get("correlation_id") == correlation_id]


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """A logger of its own, made when first used: Python keeps loggers by name, and they keep their stream."""
    monkeypatch.setenv(SERVICE, f"arena-{uuid.uuid4()}")
    monkeypatch.setenv(LEVEL, "DEBUG")
    made_logger.cache_clear()
    yield Logged(capsys)
    made_logger.cache_clear()
