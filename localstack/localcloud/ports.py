"""TCP ports on loopback: finding free ones, and saying who has a taken one."""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path
from typing import IO

import psutil

from localcloud.errors import PortTaken

LOOPBACK = "127.0.0.1"
ANY_PORT = 0
"""Asks for a free port where a port is set."""
_PROBE_SECONDS = 0.5
OUTGOING_FROM = 32_768
"""From here on Linux and macOS give ports to outgoing connections."""
_KEPT_FOR_SERVERS = range(20_000, OUTGOING_FROM)
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """``count`` different ports nobody listens on now.

    They are none that this gave before, to this process or to another that lives: between the asking and the listening
    nobody would see that they are taken. And none the kernel gives to outgoing connections: servers that start side by
    side, and already speak to each other, would take them from those that start last.
    """
    found: list[int] = []
    with contextlib.ExitStack() as sockets:
        fresh = sorted(set(_KEPT_FOR_SERVERS) - _given)
        candidates = iter(random.sample(fresh, len(fresh)))
        while len(found) < count:
            port = next(candidates)
            one = sockets.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                one.bind((LOOPBACK, port))
                _reserve(port)
                found.append(port)
    _given.update(found)
    return found


def _reserve(port: int) -> None:
    """Until this process ends. Raises OSError where another one has it."""
    fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)


@cache
def _reservations() -> IO[bytes]:
    """A file of whose bytes each stands for a port. Never closed: that would give all of them up."""
    return (Path(tempfile.gettempdir()) / f"arena-ports-{os.getuid()}").open("ab")


def claim(port: int, *, server: str, setting: str, address: str = LOOPBACK) -> int:
    """The port of ``address`` to use: ``port`` itself, or a free one for 0.

    Raises PortTaken, naming the port, who has it and the ``setting`` that changes it, when it cannot be bound.
    """
    if port == ANY_PORT:
        return free_ports(1)[0]
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        # As the servers do: a connection of an earlier run still in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise PortTaken(
                f"port {port}, wanted by {server}, is taken{_describe_owner(port)} ({error.strerror})",
                f"stop what uses it, or choose another port with {setting} (0 takes any free one)",
            ) from error
    return port


def claim_range(first: int, count: int, *, server: str, setting: str) -> list[int]:
    """``count`` ports from ``first`` upward, or as many free ones for 0; see ``claim``."""
    if first == ANY_PORT:
        return free_ports(count)
    return [claim(port, server=server, setting=setting) for port in range(first, first + count)]


def listens(port: int) -> bool:
    """Whether connections to ``port`` are accepted."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS):
            return True
    except OSError:
        return False


def _describe_owner(port: int) -> str:
    """`` by pid 4711 (name)`` where the system lets us see it, else nothing."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f" by pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        return ""
    return ""
