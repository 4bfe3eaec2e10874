"""A live queue that remembers what was announced."""

from dataclasses import dataclass, field


@dataclass
class MemoryLiveQueue:
    """``LiveQueue`` for tests: announcements in the order they came."""

    results: list[tuple[str, str]] = field(default_factory=list)
    """(telegramId, requestId)"""
    boards: list[str] = field(default_factory=list)
    pages: list[tuple[str, str | None, str]] = field(default_factory=list)
    """(board, season, after)"""

    def result(self, telegram_id: str, request_id: str) -> None:
        self.results.append((telegram_id, request_id))

    def board(self, board: str) -> None:
        self.boards.append(board)

    def followers(self, board: str, season: str | None, after: str) -> None:
        self.pages.append((board, season, after))
