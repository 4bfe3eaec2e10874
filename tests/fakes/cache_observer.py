"""A cache's observer that remembers what it was told."""

from collections import Counter
from dataclasses import dataclass, field

from chalicelib.cache.counters import Outcome


@dataclass
class Observed:
    """Told so far."""

    commands: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    lookups: Counter[bool] = field(default_factory=Counter)
    undecodables: int = 0
    breakers: list[tuple[str, str]] = field(default_factory=list)
    refreshes: Counter[bool] = field(default_factory=Counter)

    def command(self, name: str, seconds: float, outcome: Outcome) -> None:
        self.commands[name, outcome] += 1

    def lookup(self, hit: bool) -> None:
        self.lookups[hit] += 1

    def undecodable(self) -> None:
        self.undecodables += 1

    def breaker(self, node: str, state: str) -> None:
        self.breakers.append((node, state))

    def refresh(self, ok: bool) -> None:
        self.refreshes[ok] += 1
