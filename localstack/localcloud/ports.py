"""TCP ports on loopback: finding free ones, and saying who has a taken one."""

import contextlib
import socket

import psutil

from localcloud.errors import PortTaken

LOOPBACK = "127.0.0.1"
ANY_PORT = 0
"""Asks for a free port where a port is set."""


def free_ports(count: int) -> list[int]:
    """``count`` different ports nobody listens on now."""
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in held]


def claim(port: int, *, server: str, setting: str) -> int:
    """The port to use: ``port`` itself, or a free one for 0.

    Raises PortTaken, naming the port, who has it and the ``setting`` that changes it, when it cannot be bound.
    """
    if port == ANY_PORT:
        return free_ports(1)[0]
    with socket.socket() as probe:
        # As the servers do: a connection of an earlier run still in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
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


def _describe_owner(port: int) -> str:
    """`` by pid 4711 (name)`` where the system lets us see it, else nothing."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f" by pid {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        return ""
    return ""
