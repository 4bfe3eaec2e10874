"""A secret's versions in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class MemorySecret:
    """``secret_rotation.SecretVersions``."""

    held: Mapping[str, str]
    made: dict[str, Mapping[str, str]] = field(default_factory=dict)
    writes: int = 0

    def current(self) -> Mapping[str, str]:
        return self.held

    def pending(self, token: str) -> Mapping[str, str] | None:
        return self.made.get(token)

    def put_pending(self, token: str, secret: Mapping[str, str]) -> None:
        self.made[token] = dict(secret)

    def put_current(self, secret: Mapping[str, str]) -> None:
        self.held, self.writes = dict(secret), self.writes + 1

    def promote(self, token: str) -> None:
        self.held = self.made[token]
