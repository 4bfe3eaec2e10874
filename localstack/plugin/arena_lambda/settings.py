"""What the plug-in reads from LocalStack's own environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(RuntimeError):
    """A variable the plug-in needs is missing or wrong; the message names it."""


@dataclass(frozen=True)
class Settings:
    """The plug-in's configuration.

    ``runtime_python`` is the interpreter of an environment that holds awslambdaric;
    ``log_dir`` receives one log file per Lambda environment and exists;
    ``disabled_patches`` are names from ``arena_lambda.patches.PATCHES`` to leave out when looking for a fault.
    """

    runtime_python: Path
    log_dir: Path
    disabled_patches: frozenset[str]


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read ARENA_LAMBDA_PYTHON, ARENA_LAMBDA_LOG_DIR and ARENA_LAMBDA_DISABLED_PATCHES; raise SettingsError."""
    runtime_python = Path(_required(environ, "ARENA_LAMBDA_PYTHON"))
    if not os.access(runtime_python, os.X_OK):
        raise SettingsError(f"ARENA_LAMBDA_PYTHON={runtime_python} is not an executable file")
    log_dir = Path(_required(environ, "ARENA_LAMBDA_LOG_DIR"))
    log_dir.mkdir(parents=True, exist_ok=True)
    disabled = environ.get("ARENA_LAMBDA_DISABLED_PATCHES", "").split(",")
    return Settings(runtime_python, log_dir, frozenset(name.strip() for name in disabled if name.strip()))


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: LAMBDA_RUNTIME_EXECUTOR=process needs it")
    return value
