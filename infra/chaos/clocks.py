"""Wrong clocks for environments: an interpreter that loads ``wrong_clock`` first, and files that say by how much."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.chaos.wrong_clock.sitecustomize import CLOCKS_VARIABLE

_SHIM: Final = Path(__file__).with_name("wrong_clock")
_EXECUTABLE: Final = 0o755


@dataclass(frozen=True)
class Clocks:
    """Of all regions; ``directory`` has a file for each region whose clock is wrong."""

    directory: Path

    def interpreter(self, python: Path) -> Path:
        """A program that is ``python``, with clocks that can be wrong. Writes it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "python"
        lines = (
            "#!/bin/sh",
            f"export {CLOCKS_VARIABLE}={shlex.quote(str(self.directory))}",
            f'export PYTHONPATH={shlex.quote(str(_SHIM))}:"$PYTHONPATH"',
            f'exec {shlex.quote(str(python))} "$@"',
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.chmod(_EXECUTABLE)
        return path

    def set(self, region: str, seconds: float) -> None:
        """The clock of ``region``'s environments is ``seconds`` ahead from now on."""
        (self.directory / region).write_text(str(seconds), encoding="ascii")

    def right(self, region: str) -> None:
        (self.directory / region).unlink(missing_ok=True)
