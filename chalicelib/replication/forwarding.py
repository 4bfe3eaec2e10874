"""A request passed on to the player's home: what vouches for it. Pure.

The header binds method, path, body, the region that forwards, the client's address and the time to a key of the
regions' keyring. So the home may count the request to the client's address as counted, and never forwards it again.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.errors import Unauthorized
from chalicelib.replication.signing import Keyring

HEADER: Final = "X-Arena-Forwarded"
FRESH: Final = timedelta(minutes=5)
_PARTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """Who passed a request on, and for whom."""

    region: str
    client: str
    """The client's address as the forwarding region counted it."""


def voucher(keyring: Keyring, *, region: str, client: str, method: str, path: str, body: bytes, now: datetime) -> str:
    """The header's value."""
    key_id = next(iter(keyring.keys))
    fields = [region, client, str(int(now.timestamp()))]
    return ";".join([*fields, key_id, _signature(keyring.keys[key_id], fields, method, path, body)])


def vouched(
    keyring: Keyring, value: str, *, method: str, path: str, body: bytes, now: datetime, regions: frozenset[str]
) -> Forwarded:
    """Who vouches for a request. Raises ``Unauthorized("bad_forwarding")``."""
    parts = value.split(";")
    if len(parts) != _PARTS or not value.isascii():
        raise Unauthorized("bad_forwarding", f"{HEADER} is malformed")
    region, client, moment, key_id, signature = parts
    known = keyring.keys.get(key_id)
    expected = _signature(known or b"", [region, client, moment], method, path, body)
    if known is None or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Unauthorized("bad_forwarding", f"{HEADER} is not signed by a region")
    if region not in regions or not moment.isdigit():
        raise Unauthorized("bad_forwarding", f"{HEADER} is of no region known here")
    if abs(now.timestamp() - int(moment)) > FRESH.total_seconds():
        raise Unauthorized("bad_forwarding", f"{HEADER} is stale")
    return Forwarded(region=region, client=client)


def _signature(secret: bytes, fields: list[str], method: str, path: str, body: bytes) -> str:
    text = "\n".join([method, path, hashlib.sha256(body).hexdigest(), *fields])
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
