"""What the system under an environment says of itself, read from /proc. What it does not say is None."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
LAMBDA_INTERFACE: Final = "vinternal_1"
"""The network of a Lambda sandbox. Any other interface is a whole machine's, whose traffic is not the environment's."""
_KIBIBYTE: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """At one moment. In Lambda the system is the environment's sandbox, elsewhere the machine it shares."""

    load_average: float | None = None
    """Of the last minute."""
    used_bytes: int | None = None
    total_bytes: int | None = None
    sockets: int | None = None
    """That this process has open."""
    network_bytes: int | None = None
    """Received and sent since the sandbox began."""
    network_packets: int | None = None


def machine_now(proc: Path = PROC) -> Machine:
    total, available = _memory(proc / "meminfo")
    traffic, packets = _network(proc / "net" / "dev")
    return Machine(
        load_average=_load(),
        used_bytes=None if total is None or available is None else total - available,
        total_bytes=total,
        sockets=_sockets(proc / "self" / "fd"),
        network_bytes=traffic,
        network_packets=packets,
    )


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _memory(meminfo: Path) -> tuple[int | None, int | None]:
    """Total and available, https://docs.kernel.org/filesystems/proc.html#meminfo."""
    lines = dict(line.split(":", 1) for line in _lines(meminfo) if ":" in line)
    return _kibibytes(lines.get("MemTotal")), _kibibytes(lines.get("MemAvailable"))


def _kibibytes(field: str | None) -> int | None:
    number = (field or "").split()[:1]
    return int(number[0]) * _KIBIBYTE if number and number[0].isdecimal() else None


def _network(device: Path) -> tuple[int | None, int | None]:
    """Bytes and packets, received and sent: fields 1, 9 and 2, 10 behind the interface's name."""
    for line in _lines(device):
        name, _, rest = line.strip().partition(":")
        fields = rest.split()
        if name == LAMBDA_INTERFACE and len(fields) > 9 and all(field.isdecimal() for field in fields):
            return int(fields[0]) + int(fields[8]), int(fields[1]) + int(fields[9])
    return None, None


def _sockets(descriptors: Path) -> int | None:
    try:
        links = list(descriptors.iterdir())
    except OSError:
        return None
    return sum(_target(link).startswith("socket:") for link in links)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        # Closed meanwhile, as the one the listing itself had open.
        return ""


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
