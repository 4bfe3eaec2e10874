"""Pools from the URLs people write."""

from typing import Final
from urllib.parse import urlsplit

from infra.fronts.model import Pool, Server

_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECURE: Final = ("https", "wss")


def pool_at(url: str, health: str | None = "/health") -> Pool:
    """The one server at ``url``, its path as prefix; ``health`` as of ``Pool``.

    Raises ``ValueError`` for what is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url!r}: write {'|'.join(_PORTS)}://host[:port][/path]")
    server = Server(parts.hostname, parts.port or _PORTS[parts.scheme])
    # A certificate names the host alone; a Host header has the port where it isn't the scheme's own.
    host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    secure = parts.scheme in _SECURE
    return Pool(
        servers=(server,),
        prefix=parts.path.rstrip("/"),
        host=parts.hostname if secure else host,
        tls=secure,
        health=health,
    )


def server_at(text: str) -> Server:
    """``host:port``. Raises ``ValueError`` for anything else."""
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536) or "/" in host or " " in host:
        raise ValueError(f"{text!r}: write HOST:PORT")
    return Server(host, int(port))
