"""A front as a haproxy.cfg, for HAProxy 2.8.

A geographic front chooses the client's area, then the nearest region of it that has an API server up, then the back
end of that region. Checks take servers, and with its last server a region, out and back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from infra.fronts import figures, geography
from infra.fronts.model import Checks, Front, Pool, Region
from infra.fronts.refusals import JSON_TYPE, REFUSALS, REQUEST_ID_PATTERN, Refusal

COUNTRIES_MAP: Final = "countries.map"
_STATUSES: Final = (400, 403, 404, 405, 408, 413, 429, 500, 502, 503, 504)
"""Of ``REFUSALS``, those that HAProxy can word."""
_GENERAL: Final = "limit_general"
_BATTLE: Final = "limit_battle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What HAProxy needs to run, besides its configuration."""

    stats: str = "127.0.0.1:8404"
    """The runtime API, on loopback alone."""
    directory: str = "/etc/haproxy"
    """Where the files of ``files`` are."""


def files(front: Front) -> Mapping[str, str]:
    """What the configuration reads, by name: a geographic front's countries."""
    if not front.geographic:
        return {}
    return {COUNTRIES_MAP: "".join(f"{country} {area}\n" for country, area in geography.COUNTRIES.items())}


def render(front: Front, runtime: Runtime | None = None) -> str:
    """The whole haproxy.cfg."""
    runtime = runtime or Runtime()
    sections = [
        "# Rendered by ./arena front render --kind haproxy. Why it is as it is: docs/fronts.md.",
        _section("global", _global(runtime)),
        _section("defaults", _defaults()),
        *([_section("resolvers arena", [f"nameserver dns {front.resolver}:53"])] if front.resolver else []),
        "# Tables of their own: a table belongs to a proxy section, and each proxy has one.",
        _section(f"backend {_GENERAL}", _table(figures.GENERAL_WINDOW)),
        _section(f"backend {_BATTLE}", _table(figures.BATTLE_WINDOW)),
        _section("frontend arena", [*_listeners(front), *_requests(front, runtime), *_routes(front), *_answers()]),
    ]
    for region in front.regions:
        sections += _backends(front, region)
    sections.append(_section("backend static", _static(front)))
    return "\n\n".join(sections) + "\n"


def _section(name: str, lines: "Iterator[str] | list[str]") -> str:
    return "\n".join([name, *(f"    {line}" for line in lines)])


def _global(runtime: Runtime) -> Iterator[str]:
    yield f"maxconn {figures.MAXCONN}"
    yield "log stdout format raw local0"
    yield f"stats socket ipv4@{runtime.stats} level operator"
    yield "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets"


def _defaults() -> Iterator[str]:
    yield "mode http"
    yield "log global"
    yield "option dontlognull"
    yield "# No address, and no query: a WebSocket's may hold a sign-in."
    yield 'log-format "%tr %HM %HPO %ST %B %Ta %b/%s %ts %[var(txn.request_id)]"'
    yield f"timeout connect {figures.CONNECT}s"
    yield f"timeout client {figures.CLIENT}s"
    yield f"timeout server {figures.SERVER}s"
    yield f"timeout http-request {figures.HTTP_REQUEST}s"
    yield f"timeout http-keep-alive {figures.HTTP_KEEP_ALIVE}s"
    yield f"timeout tunnel {figures.TUNNEL}s"
    yield "option redispatch 1"
    yield f"retries {figures.NEXT_TRIES - 1}"
    for status in _STATUSES:
        yield f"http-error status {status} {_worded(REFUSALS[status])}"


def _worded(refusal: Refusal) -> str:
    headers = {**refusal.headers, "Cache-Control": "no-store"}
    told = " ".join(f'hdr {name} "{value}"' for name, value in headers.items())
    return f"content-type \"{JSON_TYPE}\" lf-string '{refusal.envelope('%[var(txn.request_id)]')}' {told}"


def _table(window: int) -> list[str]:
    return [f"stick-table type ipv6 size {figures.TABLE_SIZE} expire {window}s store gpc0_rate({window}s)"]


def _listeners(front: Front) -> Iterator[str]:
    yield f"bind {front.address}:{front.http_port}"
    if front.certificate:
        yield f'bind {front.address}:{front.https_port} ssl crt "{front.certificate}" alpn h2,http/1.1'


def _requests(front: Front, runtime: Runtime) -> Iterator[str]:
    for network in front.trusted:
        yield f"http-request set-src req.hdr_ip(x-forwarded-for,-1) if {{ src {network} }}"
    yield "# Ids that are not plain are replaced, so that they end neither a JSON text nor a log's line."
    known = f"{{ req.hdr(x-request-id) -m reg {REQUEST_ID_PATTERN} }}"
    yield f"http-request set-var(txn.request_id) req.hdr(x-request-id) if {known}"
    yield f"http-request set-var(txn.request_id) uuid unless {known}"
    yield "http-request set-var(txn.origin) req.hdr(origin)"
    yield "acl is_health path /health"
    yield "http-request set-log-level silent if is_health"
    yield 'http-request return status 200 content-type text/plain string "healthy\\n" if is_health'
    if front.certificate:
        port = "" if front.https_port == 443 else f":{front.https_port}"
        target = f"https://%[req.hdr(host),field(1,:)]{port}%[pathq]"
        yield f"http-request redirect code 308 location {target} unless {{ ssl_fc }}"
    yield "# Encoded letters are letters: /api/%62attle/ is a battle, too."
    yield "acl is_battle path,url_dec -m beg /api/battle/"
    yield f"acl is_api path,url_dec -m beg /api/ {' '.join(figures.ARENA_TREES)}"
    yield f"acl is_api path {' '.join(figures.ARENA_FILES)}"
    yield "acl is_websocket hdr(upgrade) -i websocket"
    endings = " ".join(f".{extension}" for extension in figures.STATIC_EXTENSIONS)
    yield f"http-request set-var(txn.asset) bool(true) if {{ path_end {endings} }}"
    yield "acl is_fight method POST"
    yield "# Counted are those admitted, of an IPv6 client's whole /64."
    yield f"http-request track-sc0 src,ipmask(32,64) table {_GENERAL}"
    yield f"http-request track-sc1 src,ipmask(32,64) table {_BATTLE} if is_battle is_fight"
    yield f"acl general_spent sc_gpc0_rate(0) ge {figures.GENERAL_ADMITTED}"
    yield f"acl battle_spent sc_gpc0_rate(1) ge {figures.BATTLE_ADMITTED}"
    yield "http-request deny deny_status 429 if general_spent"
    yield "http-request deny deny_status 429 if is_battle is_fight battle_spent"
    yield "http-request sc-inc-gpc0(0)"
    yield "http-request sc-inc-gpc0(1) if is_battle is_fight"
    yield "http-request set-header X-Request-Id %[var(txn.request_id)]"
    yield "http-request set-header X-Real-IP %[src]"
    yield "# One line: of several, API Gateway hands on the last alone."
    yield "http-request set-var(txn.forwarded) req.fhdr(x-forwarded-for)"
    yield "http-request set-header X-Forwarded-For %[src]"
    appended = '"%[var(txn.forwarded)], %[src]"'
    yield f"http-request set-header X-Forwarded-For {appended} if {{ var(txn.forwarded) -m len gt 0 }}"
    yield "http-request set-header X-Forwarded-Proto https if { ssl_fc }"
    yield "http-request set-header X-Forwarded-Proto http unless { ssl_fc }"
    yield "# No other protocol is switched to: an h2c upgrade would go past every rule here."
    yield "http-request del-header Upgrade unless is_websocket"
    if front.geographic:
        yield from _nearest(front, runtime)


def _nearest(front: Front, runtime: Runtime) -> Iterator[str]:
    """Sets txn.region to the first region of the client's area with a server up; the area's first if none has."""
    regions = [region.name for region in front.regions]
    yield "# The client's area: by the region it names, by its network, by its country."
    unset = "!{ var(txn.area) -m found }"
    for name in regions:
        area = geography.area_of_region(name, regions)
        if area:
            header = geography.REGION_HEADER.lower()
            yield f"http-request set-var(txn.area) str({area}) if {{ req.hdr({header}) -m str {name} }}"
    for network, area in front.areas_by_network.items():
        yield f"http-request set-var(txn.area) str({area}) if {unset} {{ src {network} }}"
    country = f"req.hdr({geography.COUNTRY_HEADER.lower()}),map_str({runtime.directory}/{COUNTRIES_MAP})"
    yield f"http-request set-var(txn.area) {country} if {unset}"
    yield f"http-request set-var(txn.area) str({geography.default_area(regions)}) if {unset}"
    for area, order in geography.orders(regions).items():
        here = f"{{ var(txn.area) -m str {area} }}"
        for region in order:
            up = f"{{ nbsrv(api_{region}) gt 0 }} {{ nbsrv(battle_{region}) gt 0 }}"
            yield f"http-request set-var(txn.region) str({region}) if !{{ var(txn.region) -m found }} {here} {up}"
        yield f"http-request set-var(txn.region) str({order[0]}) if !{{ var(txn.region) -m found }} {here}"


def _routes(front: Front) -> Iterator[str]:
    region = "%[var(txn.region)]" if front.geographic else front.regions[0].name
    yield "# The upgrade comes first: a WebSocket under /api/ is one."
    if any(one.websocket for one in front.regions):
        yield f"use_backend websocket_{region} if is_websocket"
    yield f"use_backend battle_{region} if is_battle"
    yield f"use_backend api_{region} if is_api"
    yield "default_backend static"


def _answers() -> Iterator[str]:
    yield "# Of every answer, HAProxy's own included."
    yield "http-response set-var(txn.served) bool(true)"
    yield "http-after-response set-header X-Frame-Options DENY"
    yield "http-after-response set-header X-Content-Type-Options nosniff"
    yield f'http-after-response set-header Strict-Transport-Security "{figures.HSTS}" if {{ ssl_fc }}'
    yield "http-after-response set-header X-Request-Id %[var(txn.request_id)] if { var(txn.request_id) -m found }"
    yield "# A refusal says the same to everyone: whatever page asked may read it."
    own = "!{ var(txn.served) -m bool } { var(txn.origin) -m found }"
    yield f"http-after-response set-header Access-Control-Allow-Origin %[var(txn.origin)] if {own}"
    yield f"http-after-response set-header Vary Origin if {own}"


def _backends(front: Front, region: Region) -> Iterator[str]:
    name = region.name
    once = "http-request disable-l7-retry unless { method GET HEAD OPTIONS }"
    api = ["balance leastconn", f"retry-on {' '.join(figures.REPEATED)}", once]
    yield _section(f"backend api_{name}", [*api, *_pool(front, region.api, "api", front.api_checks)])
    # Battles are repeated although they are POST: each has a requestId, and one fight.
    # Only what HAProxy holds whole can be sent again.
    whole = "option http-buffer-request"
    battle = ["balance roundrobin", whole, f"retry-on {' '.join(figures.BATTLE_REPEATED)}"]
    yield _section(f"backend battle_{name}", [*battle, *_pool(front, region.api, "battle", front.battle_checks)])
    if region.websocket:
        sticky = ["balance source", "hash-type consistent"]
        pool = _pool(front, region.websocket, "ws", front.api_checks, one_path=True)
        yield _section(f"backend websocket_{name}", [*sticky, *pool])


def _pool(front: Front, pool: Pool, kind: str, checks: Checks, *, one_path: bool = False) -> Iterator[str]:
    """``one_path``: the prefix itself is the address, whatever path the client asked for."""
    if pool.host:
        yield f"http-request set-header Host {pool.host}"
    if pool.prefix:
        yield f"http-request set-path {pool.prefix}" + ("" if one_path else "%[path]")
    if pool.health:
        yield "option httpchk"
        host = f" hdr Host {pool.host}" if pool.host else ""
        yield f"http-check send meth GET uri {pool.health if one_path else pool.prefix + pool.health}{host}"
        yield "http-check expect status 200"
    tls = (
        f" ssl verify required ca-file {front.authorities} sni str({pool.host}) check-sni {pool.host}"
        if pool.tls
        else ""
    )
    # Names that can't be resolved yet keep a server down, not HAProxy from starting.
    names = f"{' resolvers arena' if front.resolver else ''} init-addr last,libc,none"
    interval = f"{checks.interval_ms // 1000}s" if checks.interval_ms % 1000 == 0 else f"{checks.interval_ms}ms"
    # As many refused connections in a row take a server out before the checks do, as nginx's max_fails.
    observed = f"observe layer4 error-limit {figures.MAX_FAILS} on-error mark-down"
    yield f"default-server inter {interval} rise {checks.rise} fall {checks.fall} {observed}{names}{tls}"
    for number, server in enumerate(pool.servers, 1):
        yield f"server {kind}{number} {server} check"


def _static(front: Front) -> Iterator[str]:
    if front.static is None:
        yield f"http-request return status 404 {_worded(REFUSALS[404])}"
        return
    yield "balance roundrobin"
    caching = f"public, max-age={figures.STATIC_SECONDS}, immutable"
    yield f'http-response set-header Cache-Control "{caching}" if {{ var(txn.asset) -m bool }} {{ status 200 206 304 }}'
    yield from _pool(front, front.static, "static", front.api_checks)
