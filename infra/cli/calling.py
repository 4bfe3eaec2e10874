"""``./arena`` as others run it: benchmarks, and tests of the whole."""

import os
import subprocess
import sys
from typing import Final

from infra.cli.local import CHECKOUT

FREE_PORTS: Final = ("--localstack-port", "0", "--mongo-port", "0", "--valkey-port", "0", "--websocket-port", "0")
"""Of ``up``: whatever else runs here is in nobody's way."""
_WORDS_MAX: Final = 2000


def called(*arguments: str, timeout: float | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What a command says and how it ends, within ``timeout`` seconds; ``variables`` are of its environment."""
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "arena"), *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **variables},
        check=False,
    )


def output_of(*arguments: str) -> str:
    """What a command prints. Raises RuntimeError with the end of all it said when it fails."""
    done = called(*arguments)
    if done.returncode != 0:
        raise RuntimeError(f"./arena {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-_WORDS_MAX:]}")
    return done.stdout
