"""Telegram's initData: who is calling, signed with the bot's token.

The text is a URL query. All pairs but ``hash`` are sorted by key and joined as ``key=value`` lines of
decoded values; ``hash`` must be the HMAC-SHA256 of those lines under HMAC-SHA256("WebAppData", token).

The lines do not say where a pair ends: a key may hold "=", a key or a value a line break, and other pairs give the same
lines under the same hash. Whoever keeps an old sign-in could so hide its ``auth_date`` in another pair's key, and it
would never expire. Such pairs are refused; Telegram signs none.
"""

import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from chalicelib.arena.jsnumber import to_number
from chalicelib.arena.jstext import js_trim, well_formed
from chalicelib.arena.moments import epoch_ms
from chalicelib.errors import Unauthorized

FAILED: Final = "telegram auth failed"
EXPIRED: Final = "telegram auth expired"
NO_USER_ID: Final = "telegram auth missing user id"

_MAX_LENGTH: Final = 16_384
"""Characters; Telegram sends a few hundred. Bounds the work an unsigned caller can ask for."""


@dataclass(frozen=True, slots=True)
class InitData:
    """A payload whose signature is right; its age is not judged yet."""

    user: Mapping[str, Any] | None
    """None when absent or no JSON object."""
    auth_date: float | None
    """Unix seconds; None when absent, blank or no number."""
    query_id: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated player."""

    telegram_id: str
    """Decimal digits."""
    profile: Mapping[str, Any]
    """``profile_of`` the signed user: the fields each request writes to the player's document."""

    @property
    def username(self) -> str:
        return str(self.profile["username"])


def verify(init_data: str, bot_token: str, *, now: datetime, max_age_seconds: int) -> Identity:
    """The player who signed ``init_data``.

    ``max_age_seconds`` <= 0 switches the age check off; a payload without a numeric auth_date passes it, and so does
    one from the future. Raises Unauthorized with the game's codes.
    """
    payload = check_signature(init_data, bot_token)
    if max_age_seconds > 0 and payload.auth_date is not None:
        age_seconds = epoch_ms(now) // 1000 - payload.auth_date
        if age_seconds > max_age_seconds:
            raise Unauthorized(EXPIRED)
    user = payload.user or {}
    telegram_id = _decimal_id(user.get("id"))
    if telegram_id is None:
        raise Unauthorized(NO_USER_ID)
    return Identity(telegram_id, profile_of(user))


def check_signature(init_data: str, bot_token: str) -> InitData:
    """The content of ``init_data`` once its signature is proven. Raises Unauthorized saying what is wrong."""
    if not init_data or not bot_token:
        raise Unauthorized(FAILED, details="missing initData or botToken")
    if len(init_data) > _MAX_LENGTH:
        raise Unauthorized(FAILED, details="initData too long")
    pairs = parse(init_data)
    claimed = next((value for key, value in pairs if key == "hash"), "")
    if not claimed:
        raise Unauthorized(FAILED, details="missing hash")
    # Compared as bytes: compare_digest refuses non-ASCII text, and a forged hash may hold any.
    if not hmac.compare_digest(_signature(pairs, bot_token).encode(), claimed.encode()):
        raise Unauthorized(FAILED, details="hash mismatch")
    if any("=" in key or "\n" in key or "\n" in value for key, value in pairs):
        raise Unauthorized(FAILED, details="ambiguous fields")
    first = dict(reversed(pairs))
    return InitData(
        user=_json_object(first.get("user")), auth_date=_numeric(first.get("auth_date")), query_id=first.get("query_id")
    )


def parse(init_data: str) -> list[tuple[str, str]]:
    """The decoded pairs in order, duplicates kept, as URLSearchParams reads them ("+" is a space, a leading "?" is
    dropped, broken escapes stay, what is no Unicode becomes U+FFFD)."""
    return parse_qsl(well_formed(init_data).removeprefix("?"), keep_blank_values=True, errors="replace")


def sign(fields: Mapping[str, str], bot_token: str) -> str:
    """``fields`` as initData signed with ``bot_token``; any ``hash`` among them is replaced."""
    pairs = [(key, value) for key, value in fields.items() if key != "hash"]
    return urlencode([*pairs, ("hash", _signature(pairs, bot_token))])


def profile_of(user: Mapping[str, Any]) -> dict[str, Any]:
    """The player's profile fields from Telegram's user object; what is missing or no text is empty."""
    username = _text(user.get("username"))
    return {
        "username": username,
        "telegram": {
            "username": username,
            "firstName": _text(user.get("first_name")),
            "lastName": _text(user.get("last_name")),
            "languageCode": _text(user.get("language_code")),
            "photoUrl": _text(user.get("photo_url")),
        },
    }


def _signature(pairs: list[tuple[str, str]], bot_token: str) -> str:
    # Sorted by UTF-16 code unit; duplicates of a key keep their order.
    signed = sorted((pair for pair in pairs if pair[0] != "hash"), key=lambda pair: pair[0].encode("utf-16-be"))
    lines = "\n".join(f"{key}={value}" for key, value in signed)
    secret = hmac.new(b"WebAppData", bot_token.encode(), hashlib.sha256).digest()
    return hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest()


def _json_object(text: str | None) -> Mapping[str, Any] | None:
    if not text:
        return None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _numeric(text: str | None) -> float | None:
    if text is None or not js_trim(text):
        return None
    number = to_number(text)
    return number if math.isfinite(number) else None


def _decimal_id(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and value.strip("0"):
        return value
    return None


def _text(value: object) -> str:
    return well_formed(value) if isinstance(value, str) else ""
