"""What nginx proxies, and how it refuses: the locations that every server of a front has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Final

from chalicelib.arena.rate_limits import API, BATTLE
from infra.fronts import figures
from infra.fronts.model import Pool
from infra.fronts.refusals import JSON_TYPE, REFUSALS

_WEBSOCKET: Final = "/_websocket"
_LAST_RESORT: Final = "@last_resort"
_OWN_HEADERS: Final = ("X-Frame-Options", "X-Content-Type-Options", "Strict-Transport-Security", "X-Request-Id")
_RAW_STATUSES: Final = {400: (400, 494, 495, 496, 497)}
"""nginx's own kinds of 400: headers too large, and faults of TLS."""
_WITHOUT_PATH: Final = (400, 408, 414)
"""Refused before there is a path, without which nginx does not find a named location."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Upstreams by name, and how their pools are spoken to."""

    api: str
    api_pool: Pool
    websocket: str | None
    websocket_pool: Pool | None


def locations(targets: Targets, *, limited: bool) -> Iterator[str]:
    """Proxying, WebSockets included. ``limited``: clients are counted and known here, not by a server before."""
    yield _hidden()
    yield _request_headers(targets.api_pool, limited)
    yield f"proxy_next_upstream_tries {figures.NEXT_TRIES};\nproxy_next_upstream_timeout {figures.NEXT_TIMEOUT}s;"
    limits = "".join(f"limit_req zone={one.name} burst={one.burst} nodelay;\n" for one in (API, BATTLE) if limited)
    if targets.websocket and targets.websocket_pool:
        yield f"if ($upgrade) {{\n    rewrite ^ {_WEBSOCKET} last;\n}}"
        yield _location(f"= {_WEBSOCKET}", ["internal;", limits, *_to_websocket(targets, limited)])
    # Prefix locations with ^~ come before regular expressions: else /api/battle/x.js were a static asset, unlimited.
    for path, patience, passed_on in (
        ("^~ /api/battle/", figures.BATTLE_PATIENCE, figures.BATTLE_PASSED_ON),
        ("^~ /api/", figures.API_PATIENCE, figures.PASSED_ON),
        *((f"^~ {path}", figures.API_PATIENCE, figures.PASSED_ON) for path in figures.ARENA_TREES),
        *((f"= {path}", figures.API_PATIENCE, figures.PASSED_ON) for path in figures.ARENA_FILES),
    ):
        passing = f"proxy_next_upstream {' '.join(passed_on)};"
        yield _location(path, [limits, _patience(patience), passing, _proxied(targets.api, targets.api_pool)])
    yield _location(
        _LAST_RESORT,
        [
            'if ($none_asked = "") {\n    return 502;\n}',
            "error_page 502 @refused_502;",
            *(_patience(figures.BATTLE_PATIENCE), "proxy_next_upstream error;"),
            _proxied(f"{targets.api}_any", targets.api_pool),
        ],
    )


def refusals(*, last_resort: bool) -> Iterator[str]:
    """nginx's own answers, in the envelope. ``last_resort``: there is one to be tried before a 502."""
    yield "recursive_error_pages on;"
    yield _error_pages(last_resort)
    yield from _refusal_locations()


def _refusal_locations() -> Iterator[str]:
    for status, refusal in REFUSALS.items():
        pathless = status in _WITHOUT_PATH
        yield _location(
            f"{'= ' if pathless else ''}{_refusal(status)}",
            [
                "internal;" if pathless else "",
                # Without types, or a refused /x.js would be called a script.
                "types { }",
                f'default_type "{JSON_TYPE}";',
                "set $kind refused;",
                f"return {status} '{refusal.envelope('$arena_request_id')}';",
            ],
        )


def _refusal(status: int) -> str:
    return f"{'/_' if status in _WITHOUT_PATH else '@'}refused_{status}"


def _error_pages(last_resort: bool) -> str:
    lines = []
    for status in REFUSALS:
        raw = " ".join(map(str, _RAW_STATUSES.get(status, (status,))))
        target = f"= {_LAST_RESORT}" if status == 502 and last_resort else _refusal(status)
        lines.append(f"error_page {raw} {target};")
    return "\n".join(lines)


def _hidden() -> str:
    """The arena's own copies of headers that every answer gets here."""
    return "\n".join(f"proxy_hide_header {name};" for name in _OWN_HEADERS)


def _request_headers(pool: Pool, limited: bool) -> str:
    host = pool.host or ("$host" if limited else "$http_host")
    forwarded = "$proxy_add_x_forwarded_for" if limited else "$http_x_forwarded_for"
    return "\n".join(
        [
            "proxy_http_version 1.1;",
            "proxy_set_header Upgrade $upgrade;",
            "proxy_set_header Connection $connection_upgrade;",
            f"proxy_set_header Host {host};",
            f"proxy_set_header X-Real-IP {'$remote_addr' if limited else '$http_x_real_ip'};",
            f"proxy_set_header X-Forwarded-For {forwarded};",
            f"proxy_set_header X-Forwarded-Proto {'$scheme' if limited else '$http_x_forwarded_proto'};",
            "proxy_set_header X-Request-Id $arena_request_id;",
        ]
    )


def _patience(patience: figures.Patience) -> str:
    return (
        f"proxy_connect_timeout {patience.connect}s;\n"
        f"proxy_send_timeout {patience.send}s;\n"
        f"proxy_read_timeout {patience.read}s;"
    )


def _proxied(upstream: str, pool: Pool, path: str = "$request_uri") -> str:
    verified = ""
    if pool.tls:
        verified = (
            f"proxy_ssl_server_name on;\nproxy_ssl_name {pool.host};\nproxy_ssl_verify on;\nproxy_ssl_verify_depth 4;\n"
        )
    return f"{verified}proxy_pass {'https' if pool.tls else 'http'}://{upstream}{pool.prefix}{path};"


def _to_websocket(targets: Targets, limited: bool) -> Iterator[str]:
    pool = targets.websocket_pool
    if pool is None or targets.websocket is None:
        return
    if pool.host != targets.api_pool.host:
        yield _request_headers(pool, limited)
    yield _patience(figures.Patience(figures.API_PATIENCE.connect, figures.TUNNEL, figures.TUNNEL))
    yield "proxy_next_upstream error;"
    # The gateway's address is a path of its own, whatever path the client asked for.
    yield _proxied(targets.websocket, pool, "$is_args$args" if pool.prefix else "$request_uri")


def _location(pattern: str, parts: Sequence[str]) -> str:
    return f"location {pattern} {{\n" + indent("\n".join(part.strip() for part in parts if part), "    ") + "\n}"
