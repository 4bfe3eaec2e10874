"""The local cloud's log files, one for each environment of a function."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from infra.log_reading import Line, Source, function_of, read_line, timed

EARLIER: Final = ".log.1"
"""What a file was that grew too long: ``arena_lambda.function_log`` keeps one."""
HEAD: Final = 4096
"""Bytes by which files are told apart: the ids of invocations are among them."""


class LogFiles:
    """Reads each line once; what was appended since the last reading, whatever was moved or deleted meanwhile."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, int] = {}
        """Bytes of each file that were read, whole lines only."""
        self._earlier: dict[Path, tuple[int, int] | None] = {}
        """What each file was when it was last moved, by time and size."""

    def regions(self) -> set[str]:
        """Those whose functions have logged anything."""
        return {source.region for path in self._directory.glob("*.log") if (source := _source(path))}

    def lines(self, since: datetime | None = None) -> Iterator[list[Line]]:
        """New lines by file, each in its order. Files not written to after ``since`` are skipped."""
        for path in sorted(self._directory.glob("*.log")):
            source = _source(path)
            if source is None:
                continue
            try:
                written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                if since is not None and path not in self._read and written < since:
                    continue
                text = self._new_text(path)
            except FileNotFoundError:
                continue  # an old environment's, pruned meanwhile
            if text:
                yield timed((read_line(source, line) for line in text.split("\n") if line), written)

    def _new_text(self, path: Path) -> str:
        """New whole lines."""
        earlier, done = path.with_suffix(EARLIER), self._read.get(path, 0)
        moved, copy = b"", _stamp(earlier)
        # First it is copied, then emptied: while it begins as its copy does, it is yet to be emptied.
        if copy is not None and copy != self._earlier.get(path) and _from(path, 0, HEAD) != _from(earlier, 0, HEAD):
            moved, done = _from(earlier, done), 0
            self._earlier[path] = copy
        found = _from(path, done)
        whole = found[: found.rfind(b"\n") + 1]
        self._read[path] = done + len(whole)
        return (moved + whole).decode(errors="replace")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


def _from(path: Path, offset: int, size: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except FileNotFoundError:
        return b""


def _source(path: Path) -> Source | None:
    """``region.function.version.environment.log``."""
    parts = path.name.removesuffix(".log").split(".")
    return Source(parts[0], function_of(parts[1]), parts[3]) if len(parts) == 4 else None
