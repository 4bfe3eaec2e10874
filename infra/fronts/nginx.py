"""A front as an nginx.conf, for nginx 1.18 or newer without further modules.

A front for one region proxies to its servers. A geographic one chooses by the client's area; behind its own locations
lies a server for each region, on a Unix socket, because one region's API may have another prefix than the next one's
and nginx can't change a path when it tries the next server.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Final

from chalicelib.arena.rate_limits import API, BATTLE
from infra.fronts import figures, geography
from infra.fronts.model import Front, Pool, Region
from infra.fronts.nginx_locations import Targets, locations, refusals
from infra.fronts.refusals import REQUEST_ID_PATTERN

_TYPES: Final = {
    "text/html": "html",
    "text/css": "css",
    "application/javascript": "js",
    "application/json": "json",
    "text/xml": "xml",
    "text/plain": "txt",
    "image/png": "png",
    "image/jpeg": "jpeg jpg",
    "image/gif": "gif",
    "image/x-icon": "ico",
    "image/svg+xml": "svg",
    "font/woff": "woff",
    "font/woff2": "woff2",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where nginx keeps what it needs to run, besides its configuration."""

    workers: str = "auto"
    """How many processes; ``auto``: one for each core."""
    pid: str = "/run/nginx.pid"
    access_log: str = "/var/log/nginx/access.log"
    error_log: str = "/var/log/nginx/error.log"
    sockets: str = "/run"
    """Directory of the regions' sockets; relative ones are relative to nginx's prefix."""
    temporary: str | None = None
    """Directory of bodies that don't fit in memory. None: the build's own."""


def render(front: Front, runtime: Runtime | None = None) -> str:
    """The whole nginx.conf."""
    runtime = runtime or Runtime()
    http = "\n".join(
        [
            *_basics(front, runtime),
            *_maps(front),
            *_upstreams(front, runtime),
            *_servers(front),
            *(_region_server(region, runtime) for region in front.regions if front.geographic),
        ]
    )
    # The error log holds whole request lines, and a WebSocket's may hold a sign-in: what failed upstream is told by
    # the access log, which leaves queries and addresses out.
    return f"""\
# Rendered by ./arena front render --kind nginx. Why it is as it is: docs/fronts.md.
worker_processes {runtime.workers};
worker_rlimit_nofile {2 * figures.MAXCONN};
pid {runtime.pid};
error_log {runtime.error_log} crit;

events {{
    worker_connections {figures.MAXCONN};
}}

http {{
{indent(http, "    ")}
}}
"""


def _basics(front: Front, runtime: Runtime) -> Iterator[str]:
    kinds = "\n".join(f"    {kind} {extensions};" for kind, extensions in _TYPES.items())
    yield f"types {{\n{kinds}\n}}"
    yield (
        "default_type application/octet-stream;\n"
        "log_format arena '$time_iso8601 $request_method $uri $status $body_bytes_sent $request_time '\n"
        "                 '$upstream_addr $upstream_status $arena_request_id';\n"
        f"access_log {runtime.access_log} arena;\n"
        "limit_req_log_level info;\n"
        "server_tokens off;\n"
        "sendfile on;\n"
        "limit_req_status 429;\n"
        f"client_max_body_size {figures.BODY_MEGABYTES}m;"
    )
    if runtime.temporary:
        yield f"client_body_temp_path {runtime.temporary}/bodies;\nproxy_temp_path {runtime.temporary}/answers;"
    yield (
        "gzip on;\n"
        "gzip_vary on;\n"
        "gzip_proxied any;\n"
        f"gzip_min_length {figures.GZIP_MIN_BYTES};\n"
        f"gzip_types {' '.join(figures.GZIP_TYPES)};"
    )
    if front.trusted:
        networks = "\n".join(f"set_real_ip_from {network};" for network in front.trusted)
        yield f"{networks}\nreal_ip_header X-Forwarded-For;\nreal_ip_recursive on;"
    if any(pool.tls for region in front.regions for pool in (region.api, region.websocket) if pool):
        yield f"proxy_ssl_trusted_certificate {front.authorities};"
    if front.resolver:
        yield f"resolver {front.resolver} valid=10s;"


def _maps(front: Front) -> Iterator[str]:
    yield "# Ids that are not plain are replaced, so that they end neither a JSON text nor a log's line."
    yield _map(
        "$http_x_request_id",
        "$arena_request_id",
        {f'"~{REQUEST_ID_PATTERN}"': "$http_x_request_id", "default": "$request_id"},
    )
    yield "# Fighting is limited as a battle, asking about battles as the rest of the API. An empty key is not counted."
    yield _map(
        '"$request_method $uri"',
        "$api_client",
        {'"~^POST /api/battle/"': '""', "default": "$binary_remote_addr"},
    )
    yield _map(
        '"$request_method $uri"',
        "$battle_client",
        {'"~^POST /api/battle/"': "$binary_remote_addr", "default": '""'},
    )
    for limit, key in ((API, "$api_client"), (BATTLE, "$battle_client")):
        rate = f"{limit.rate // limit.period_seconds}r/s"
        yield f"limit_req_zone {key} zone={limit.name}:{figures.ZONE_MEGABYTES}m rate={rate};"
    yield "# Only a WebSocket is upgraded, and only where one is asked for; all else keeps its connection upstream."
    yield _map("$http_upgrade", "$upgrade", {'"~*^websocket$"': "websocket", "default": '""'})
    yield _map("$upgrade", "$connection_upgrade", {"websocket": "upgrade", "default": '""'})
    yield "# The server before a region's own socket knows the client's address."
    yield _map("$remote_addr", "$sticky", {'"unix:"': "$http_x_real_ip", "default": "$remote_addr"})
    yield "# Headers of every answer stand in one place: an add_header in a location would drop all of the server's."
    caching = f'"public, max-age={figures.STATIC_SECONDS}, immutable"'
    yield _map(
        '"$kind $status"',
        "$cache_control",
        {'"~^static (200|206|304)$"': caching, '"~^refused "': "no-store", "default": '""'},
        volatile=True,
    )
    retryable = {'"~^refused (429|502|503|504)$"': str(figures.RETRY_AFTER), "default": '""'}
    yield _map('"$kind $status"', "$retry_after", retryable, volatile=True)
    yield _map("$kind", "$refused_origin", {"refused": "$http_origin", "default": '""'}, volatile=True)
    yield _map("$kind", "$refused_vary", {"refused": "Origin", "default": '""'}, volatile=True)
    yield _map("$https", "$hsts", {"on": f'"{figures.HSTS}"', "default": '""'})
    yield "# Where no server of a pool is left to be asked, the pool's own name stands for the address."
    own_name = '"~(^|[ ,:])arena_[a-z0-9_]+_api$"'
    yield _map("$upstream_addr", "$none_asked", {own_name: "yes", "default": '""'}, volatile=True)
    if front.geographic:
        yield from _area_maps(front)


def _area_maps(front: Front) -> Iterator[str]:
    regions = [region.name for region in front.regions]
    named = {name: area for name in regions if (area := geography.area_of_region(name, regions))}
    header = "$http_" + geography.REGION_HEADER.lower().replace("-", "_")
    country = "$http_" + geography.COUNTRY_HEADER.lower().replace("-", "_")
    yield "# The client's area: by the region it names, by its network, by its country."
    yield _map(country, "$area_by_country", {**_by_country(), "default": geography.default_area(regions)})
    networks = "".join(f"    {network} {area};\n" for network, area in front.areas_by_network.items())
    yield f'geo $area_by_network {{\n    default "";\n{networks}}}'
    yield _map("$area_by_network", "$area_unnamed", {'""': "$area_by_country", "default": "$area_by_network"})
    yield _map(header, "$area", {**named, "default": "$area_unnamed"})


def _by_country() -> dict[str, str]:
    countries: dict[str, list[str]] = {}
    for country, area in geography.COUNTRIES.items():
        countries.setdefault(area, []).append(country)
    return {f'"~^({"|".join(found)})$"': area for area, found in countries.items()}


def _map(source: str, target: str, rows: dict[str, str], *, volatile: bool = False) -> str:
    """``volatile``: computed each time it is used, not once for a request."""
    lines = [*(["volatile;"] if volatile else []), *(f"{key} {value};" for key, value in rows.items())]
    return f"map {source} {target} {{\n" + indent("\n".join(lines), "    ") + "\n}"


def _upstreams(front: Front, runtime: Runtime) -> Iterator[str]:
    resolve = " resolve" if front.resolver else ""
    for region in front.regions:
        prefix = f"arena_{_word(region.name)}"
        yield from _with_twin(f"{prefix}_api", "least_conn;", [f"{one}{resolve}" for one in region.api.servers])
        if region.websocket:
            servers = [f"{one}{resolve}" for one in region.websocket.servers]
            yield _upstream(f"{prefix}_websocket", "hash $sticky consistent;", servers)
    if front.geographic:
        for area, order in geography.orders([region.name for region in front.regions]).items():
            sockets = [f"unix:{socket(name, runtime)}" for name in order]
            yield from _with_twin(f"arena_{area}_api", "", sockets, backups=len(sockets) - 1)


def _with_twin(name: str, method: str, servers: Sequence[str], backups: int = 0) -> Iterator[str]:
    """The pool, and its twin in which no server is ever given up: what is asked when all of the pool are."""
    yield _upstream(name, method, servers, backups)
    yield _upstream(f"{name}_any", method, servers, backups, max_fails=0)


def _upstream(
    name: str, method: str, servers: Sequence[str], backups: int = 0, max_fails: int = figures.MAX_FAILS
) -> str:
    lines = [f"zone {name} 64k;", *([method] if method else [])]
    for place, server in enumerate(servers):
        backup = " backup" if place >= len(servers) - backups else ""
        lines.append(f"server {server} max_fails={max_fails} fail_timeout={figures.FAIL_TIMEOUT}s weight=1{backup};")
    lines.append(f"keepalive {figures.UPSTREAM_KEEPALIVE};")
    return f"upstream {name} {{\n" + indent("\n".join(lines), "    ") + "\n}"


def _servers(front: Front) -> Iterator[str]:
    at = f"{front.address}:" if front.address else ""
    serving = "\n".join(
        [
            *_answer_headers(),
            *_health(),
            *_static(front.static_root),
            *locations(_targets(front), limited=True),
            *refusals(last_resort=True),
        ]
    )
    if front.certificate is None:
        yield _server([f"listen {at}{front.http_port};", f"server_name {front.server_name};", serving])
        return
    target = "" if front.https_port == 443 else f":{front.https_port}"
    redirect = f"location / {{\n    return 308 https://$host{target}$request_uri;\n}}"
    plain = [*_answer_headers(), *_health(), redirect, *refusals(last_resort=False)]
    yield _server([f"listen {at}{front.http_port};", f"server_name {front.server_name};", *plain])
    tls = (
        f'ssl_certificate "{front.certificate}";\n'
        f'ssl_certificate_key "{front.certificate}";\n'
        "ssl_protocols TLSv1.2 TLSv1.3;\n"
        "ssl_session_cache shared:tls:10m;\n"
        "ssl_session_tickets off;"
    )
    yield _server([f"listen {at}{front.https_port} ssl;", f"server_name {front.server_name};", tls, serving])


def _server(parts: Sequence[str]) -> str:
    return "server {\n" + indent("\n".join(parts), "    ") + "\n}"


def _answer_headers() -> Iterator[str]:
    yield (
        'set $kind "";\n'
        "add_header X-Frame-Options DENY always;\n"
        "add_header X-Content-Type-Options nosniff always;\n"
        "add_header Strict-Transport-Security $hsts always;\n"
        "add_header X-Request-Id $arena_request_id always;\n"
        "add_header Cache-Control $cache_control always;\n"
        "add_header Retry-After $retry_after always;\n"
        "add_header Access-Control-Allow-Origin $refused_origin always;\n"
        "add_header Vary $refused_vary always;"
    )


def _health() -> Iterator[str]:
    yield ('location = /health {\n    access_log off;\n    default_type text/plain;\n    return 200 "healthy\\n";\n}')


def _static(root: str | None) -> Iterator[str]:
    if root is None:
        return
    extensions = "|".join(figures.STATIC_EXTENSIONS)
    yield (
        f'root "{root}";\n'
        "index index.html;\n"
        f"location ~* \\.({extensions})$ {{\n"
        "    set $kind static;\n"
        "    try_files $uri =404;\n"
        "}"
    )


def _region_server(region: Region, runtime: Runtime) -> str:
    """What proxies to one region, behind its socket."""
    parts = [f"listen unix:{socket(region.name, runtime)};", "access_log off;", "gzip off;", 'set $kind "";']
    # Refusals' headers only: the server before this one adds the others.
    parts += ["add_header Retry-After $retry_after always;", *locations(_of_region(region), limited=False)]
    return _server([*parts, *refusals(last_resort=True)])


def socket(region: str, runtime: Runtime) -> str:
    """The region's Unix socket."""
    return f"{runtime.sockets}/arena-{region}.sock"


def _targets(front: Front) -> Targets:
    if not front.geographic:
        return _of_region(front.regions[0])
    areas = Pool(servers=front.regions[0].api.servers)
    return Targets("arena_${area}_api", areas, "arena_${area}_api", areas)


def _of_region(region: Region) -> Targets:
    prefix = f"arena_{_word(region.name)}"
    websocket = f"{prefix}_websocket" if region.websocket else None
    return Targets(f"{prefix}_api", region.api, websocket, region.websocket)


def _word(name: str) -> str:
    return name.replace("-", "_")
