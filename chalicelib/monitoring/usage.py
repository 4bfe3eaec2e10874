"""What a process uses of what its environment has. Missing is None: a laptop has no memory size."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

MEGABYTES_PER_VCPU: Final = 1_769
"""Memory size at which Lambda gives one vCPU, and a share in proportion below and above
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html)."""
MEGABYTE: Final = 1024 * 1024
_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an environment is, and has."""

    instance: str
    memory_megabytes: int | None = None
    function: str | None = None
    function_version: str | None = None
    initialization: str | None = None

    @property
    def vcpus(self) -> float | None:
        return None if self.memory_megabytes is None else self.memory_megabytes / MEGABYTES_PER_VCPU


def identify(instance: str, environ: Mapping[str, str]) -> Identity:
    """By the variables Lambda sets
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime)."""
    memory = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return Identity(
        instance=instance,
        memory_megabytes=int(memory) if memory.isdecimal() and int(memory) > 0 else None,
        function=environ.get("AWS_LAMBDA_FUNCTION_NAME") or None,
        function_version=environ.get("AWS_LAMBDA_FUNCTION_VERSION") or None,
        initialization=environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") or None,
    )


class Usage(NamedTuple):
    """Of a process, at one moment."""

    cpu_seconds: float
    """User and system time of all threads since the process began."""
    resident_bytes: int | None


def process_usage() -> Usage:
    """This process's."""
    return Usage(time.process_time(), _resident_bytes())


def _resident_bytes() -> int | None:
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


def cpu_share(before: Usage, after: Usage, seconds: float, identity: Identity) -> float | None:
    """CPU seconds by seconds and vCPUs; 1 = all the environment has, a little more is possible for a moment."""
    if identity.vcpus is None or seconds <= 0:
        return None
    return (after.cpu_seconds - before.cpu_seconds) / seconds / identity.vcpus


def memory_share(usage: Usage, identity: Identity) -> float | None:
    if identity.memory_megabytes is None or usage.resident_bytes is None:
        return None
    return usage.resident_bytes / (identity.memory_megabytes * MEGABYTE)
