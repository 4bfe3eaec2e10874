"""What strangers send, given to what reads it first: any bytes may only be refused by the reader's own errors.

A target takes bytes and does what an environment does with them before anybody is known. It raises ``AssertionError``
for what must not be accepted; any other exception that leaves it is a finding as well. ``samples`` are bytes to begin
from: what was signed for others is changed more fruitfully than made up.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlencode

from chalicelib.arena import initdata
from chalicelib.arena.cursors import Cursors, Listing, Position
from chalicelib.arena.live import read_message
from chalicelib.arena.live_announcements import IllegibleAnnouncement, correlation_of, from_message
from chalicelib.credentials import InvalidToken, read_token, sign_token
from chalicelib.entrypoints import wire
from chalicelib.errors import ArenaError, BadRequest, PayloadTooLarge, Unauthorized
from chalicelib.networks import UNKNOWN_CLIENT, client_address, client_group, parse_networks
from chalicelib.observability import fit_id
from chalicelib.replication.forwarding import Forwarded, vouched, voucher
from tests.fuzz.fields import read_by_every_route
from tests.fuzz.regions import delivered, posted, signed_changes
from tests.replicated import EAST, HERE, KEYRING, signed
from tests.worlds import NOON, SECRET

TOKEN: Final = "123456:test-token"
AGE: Final = 900
_USER: Final = json.dumps({"id": 777, "username": "neo"})
_FRESH: Final = initdata.sign({"auth_date": str(int(NOON.timestamp())), "query_id": "AAH", "user": _USER}, TOKEN)
_EXPIRED: Final = initdata.sign({"auth_date": "1000000000", "query_id": "AAH", "user": _USER}, TOKEN)
_JWT_SECRET: Final = "a-secret-of-at-least-32-characters!"
_CLAIMS: Final = {"sub": "ops@arena.test", "exp": 1_795_000_000}
_UNSIGNED: Final = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJvcHNAYXJlbmEudGVzdCJ9."
_LISTING: Final = Listing(name="transactions", telegram_id="777")
_CURSORS: Final = Cursors(SECRET)
_POSITION: Final = Position(NOON, "ab" * 12)
_PROXIES: Final = parse_networks("10.0.0.0/8, 2001:db8:ffff::/48")
_PASSED: Final[dict[str, Any]] = {"method": "POST", "path": "/api/battle/run", "body": b"{}", "now": NOON}
_REGIONS: Final = frozenset({HERE, EAST})
BODY_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One reader."""

    check: Callable[[bytes], None]
    samples: tuple[bytes, ...]


def text_of(data: bytes) -> str:
    """Any text a JSON event can hold: what is no UTF-8 becomes half a surrogate pair."""
    return data.decode("utf-8", "surrogateescape")


def sign_in(data: bytes) -> None:
    """initData: only what the bot signed, as it signed it, and no older than allowed."""
    text = text_of(data)
    try:
        identity = initdata.verify(text, TOKEN, now=NOON, max_age_seconds=AGE)
    except Unauthorized:
        pass
    else:
        told = dict(initdata.parse(_FRESH))
        found = {key: value for key, value in reversed(initdata.parse(text)) if key != "hash"}
        assert identity.telegram_id == "777"
        assert found == {key: value for key, value in told.items() if key != "hash"}
    with suppress(Unauthorized):
        initdata.verify(_regrouped(_EXPIRED, data), TOKEN, now=NOON, max_age_seconds=AGE)
        raise AssertionError("an expired sign-in passes in other pairs")
    fields = {key: value for key, value in initdata.parse(text[:4000]) if key != "hash"}
    try:
        content = initdata.check_signature(initdata.sign(fields, TOKEN), TOKEN)
    except Unauthorized:
        assert any(mark in key + value for key, value in fields.items() for mark in "=\n")
    else:
        assert content.query_id == fields.get("query_id")


def _regrouped(signed_text: str, choices: bytes) -> str:
    """Pairs that give the lines ``signed_text`` gives, or would: ``choices`` joins some and splits at another "="."""
    pairs = sorted(initdata.parse(signed_text))
    lines = [f"{key}={value}" for key, value in pairs if key != "hash"]
    groups, chosen = [lines[0]], iter(choices)
    for line in lines[1:]:
        if next(chosen, 0) % 2:
            groups[-1] += f"\n{line}"
        else:
            groups.append(line)
    regrouped = []
    for group in groups:
        places = [place for place, letter in enumerate(group) if letter == "="]
        place = places[next(chosen, 0) % len(places)]
        regrouped.append((group[:place], group[place + 1 :]))
    return urlencode([*regrouped, ("hash", dict(pairs)["hash"])])


def cursor(data: bytes) -> None:
    """A listing's cursor: the one that was given out, or none."""
    with suppress(BadRequest):
        assert _CURSORS.read(_LISTING, text_of(data)) == _POSITION


def operator_token(data: bytes) -> None:
    """An operator's token: signed here, or none; whatever algorithm it names."""
    with suppress(InvalidToken):
        assert read_token(text_of(data), _JWT_SECRET) == _CLAIMS


def body(data: bytes) -> None:
    """A request's body: an object or a refusal; what is accepted can be answered with."""
    try:
        found = wire.decode_body(data, limit_bytes=BODY_LIMIT)
    except (BadRequest, PayloadTooLarge):
        return
    assert all(isinstance(name, str) for name in found)
    read_by_every_route(found)


def forwarded_for(data: bytes) -> None:
    """X-Forwarded-For: counts only from a trusted proxy, and names an address or nobody."""
    source, _, claimed = text_of(data).partition("|")
    address = client_address(source, claimed, _PROXIES)
    group = client_group(address)
    assert group == UNKNOWN_CLIENT or ip_network(group)
    if address is not None and not any(address in network for network in _PROXIES):
        assert _is_own(source, group) or any(_is_own(part, group) for part in claimed.split(","))
    stranger = client_group(client_address("203.0.113.5", claimed, _PROXIES))
    assert stranger == "203.0.113.5"


def _is_own(text: str, group: str) -> bool:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return client_group(mapped or address) == group


def passed_on(data: bytes) -> None:
    """What vouches for a request passed on by another region."""
    try:
        found = vouched(KEYRING, text_of(data), regions=_REGIONS, **_PASSED)
    except Unauthorized:
        return
    assert found == Forwarded(region=EAST, client="203.0.113.5")


def message(data: bytes) -> None:
    """A WebSocket's message, a queue's announcement, an id for logs."""
    text = text_of(data)
    try:
        read_message(text)
    except ArenaError as refusal:
        wire.dumps(wire.failure(refusal, "r")).encode()
    with suppress(IllegibleAnnouncement):
        from_message(text)
    correlation_of(text)
    assert all(32 <= ord(letter) < 127 for letter in fit_id(text))


def envelope(data: bytes) -> None:
    """Another region's event, by queue and by HTTP: what was not signed is not applied."""
    taken = any(one.fate in ("applied", "duplicate") for one in delivered(text_of(data)))
    if taken or posted(data, limit_bytes=BODY_LIMIT):
        found = json.loads(data)
        for one in found.get("events", [found]):
            assert one == _EVENT.wire() or one.get("signature") != _EVENT.signature


def signed_envelope(data: bytes) -> None:
    """An event that a region signed and that makes no sense: it is applied, or refused, and breaks nothing."""
    try:
        changes = json.loads(data)
        wired = signed_changes(changes)
    except (ValueError, RecursionError, ArenaError):
        return
    told = json.dumps(wired)
    delivered(told)
    posted(told.encode(), limit_bytes=BODY_LIMIT)


_EVENT: Final = signed([])
_CHANGES: Final[tuple[Any, ...]] = (
    [{"collection": "users", "key": "1", "set": {"username": "neo"}, "unset": [], "entries": {}, "base": {}}],
    [{"collection": "guilds", "key": "g", "inc": {"vaultNeur": 5}, "set": {}, "entries": {}, "base": {}}],
    [{"collection": "battles", "facts": [{"requestId": "r", "score": 1}]}],
    [{"collection": "ledgerentries", "insert": {"telegramId": "1", "amount": 5}}],
)
_VOUCHER: Final = voucher(KEYRING, region=EAST, client="203.0.113.5", **_PASSED)

TARGETS: Final[dict[str, Target]] = {
    "sign-in": Target(sign_in, (_FRESH.encode(), _EXPIRED.encode(), b"a=%zz&hash=0&a=1")),
    "cursor": Target(cursor, (_CURSORS.write(_LISTING, _POSITION).encode(),)),
    "operator-token": Target(operator_token, (sign_token(_CLAIMS, _JWT_SECRET).encode(), _UNSIGNED.encode())),
    "body": Target(
        body,
        (
            b'{"requestId":"r","brokerId":"6b042290b0d099afb79631db","arena":"prediction","limit":1e400}',
            b'{"name":"\\ud800","rules":{"arenaWeights":{"speed":"0x10"}},"emissionWindows":{"*":{"startHourUtc":1}}}',
            b'{"$where":"1","a.b":{"$gt":""},"telegramId":{"$ne":null},"initData":["x"]}',
        ),
    ),
    "forwarded-for": Target(forwarded_for, (b"10.1.2.3|1.2.3.4, 198.51.100.1, 10.9.9.9", b"10.1.2.3|::ffff:10.0.0.1")),
    "passed-on": Target(passed_on, (_VOUCHER.encode(),)),
    "message": Target(
        message,
        (
            b'{"action":"subscribe","channel":"leaderboard","league":"rookie","season":"current"}',
            b'{"format":1,"kind":"board","board":"all","season":null,"after":"x"}',
        ),
    ),
    "envelope": Target(
        envelope, (json.dumps(_EVENT.wire()).encode(), json.dumps({"events": [_EVENT.wire()]}).encode())
    ),
    "signed-envelope": Target(signed_envelope, tuple(json.dumps(changes).encode() for changes in _CHANGES)),
}
