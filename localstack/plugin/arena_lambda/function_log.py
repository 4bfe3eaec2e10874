"""One bounded log file per Lambda environment: what the function printed, plus Lambda's START/END/REPORT lines.

The process writes to the file directly (append mode), so the last words of a crash are never lost in a pipe,
and what one invocation printed is the part of the file between two offsets.
"""

import os
import shutil
from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
MAX_FILES_PER_FUNCTION = 50
MAX_SLICE_BYTES = 256 * 1024


class FunctionLog:
    """The log of one environment. Only the thread that runs its invocation may call anything but ``tail``.

    The descriptor lives as long as this object: an invocation that ends while its environment is stopped still writes.
    """

    def __init__(self, directory: Path, region: str, function_name: str, version: str, environment_id: str) -> None:
        function = f"{region}.{function_name}"
        self.path = directory / f"{function}.{version.strip('$')}.{environment_id[:12]}.log"
        self._file = self.path.open("a+b", buffering=0)
        self._fd = self._file.fileno()
        _prune(directory, function)

    def fileno(self) -> int:
        """Descriptor to hand to the process as standard output and error."""
        return self._fd

    def size(self) -> int:
        """Current length in bytes, the offset of the next line."""
        return os.fstat(self._fd).st_size

    def write(self, line: str) -> None:
        """Append one line of Lambda's own."""
        os.write(self._fd, f"{line}\n".encode())

    def since(self, offset: int) -> str:
        """Text written after ``offset``; a very long one keeps its end."""
        end = self.size()
        start = max(offset, end - MAX_SLICE_BYTES)
        return os.pread(self._fd, end - start, start).decode(errors="replace")

    def tail(self) -> str:
        """The last part of the whole log."""
        return self.since(0)

    def rotate(self) -> None:
        """Keep one previous file once this one is too long. Call between invocations."""
        if self.size() > MAX_FILE_BYTES:
            shutil.copyfile(self.path, self.path.with_suffix(".log.1"))
            os.ftruncate(self._fd, 0)


def _prune(directory: Path, function: str) -> None:
    """Delete the function's oldest files beyond the limit; a live environment's file survives in its descriptor."""
    dated: list[tuple[float, Path]] = []
    for path in directory.glob(f"{function}.*.log*"):
        try:
            dated.append((path.stat().st_mtime, path))
        except FileNotFoundError:
            continue  # another environment of the same function pruned it first
    for _, path in sorted(dated, reverse=True)[MAX_FILES_PER_FUNCTION:]:
        path.unlink(missing_ok=True)
