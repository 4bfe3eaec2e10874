"""Epochs in memory."""

from collections import Counter
from dataclasses import dataclass, field

from chalicelib.errors import Unavailable


@dataclass
class MemoryEpochs:
    """``cache.read_through.Epochs``, and how often it was asked; ``down``: the database is away."""

    renewals: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    down: bool = False

    def current(self, entity: str) -> str:
        self._require()
        self.asked += 1
        return str(self.renewals[entity] or "")

    def renew(self, entity: str) -> None:
        self._require()
        self.renewals[entity] += 1

    def _require(self) -> None:
        if self.down:
            raise Unavailable("database_unavailable")
