"""The part of the settings that says who is counted as a client, and how often one may call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.networks import Network, parse_networks

RATE_KEYS: Final = ("ARENA_RATE_LIMITS", "ARENA_TRUSTED_PROXIES")
DEFAULT_REQUESTS_PER_MINUTE: Final = 600
REQUESTS_PER_MINUTE_MAX: Final = 1_000_000

Problem = Callable[[str, str, str], None]
"""Reports a key, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateSettings:
    """Rate limits and the proxies whose word about a client's address is taken."""

    enforced: bool = True
    """False only outside production."""
    requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE
    """Of one client address, on all limited routes together."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose X-Forwarded-For is believed."""


def read_rate_settings(environ: Mapping[str, str], *, production: bool, problem: Problem) -> RateSettings:
    """The settings in ``environ``; whatever is wrong with them is told to ``problem``."""
    return RateSettings(
        enforced=_enforced(environ.get("ARENA_RATE_LIMITS", "").strip().lower(), production, problem),
        requests_per_minute=_requests_per_minute(environ.get("RATE_LIMIT_PER_MINUTE", "").strip(), problem),
        trusted_proxies=_trusted_proxies(environ.get("ARENA_TRUSTED_PROXIES", ""), problem),
    )


def _enforced(text: str, production: bool, problem: Problem) -> bool:
    if text not in ("", "on", "off"):
        problem("ARENA_RATE_LIMITS", repr(text), "allowed: on (the default), off")
    if text == "off" and production:
        problem("ARENA_RATE_LIMITS", "'off'", "never in production; remove it, or set it to on")
    return text != "off"


def _requests_per_minute(text: str, problem: Problem) -> int:
    if not text:
        return DEFAULT_REQUESTS_PER_MINUTE
    if not text.isdecimal() or not 1 <= int(text) <= REQUESTS_PER_MINUTE_MAX:
        problem("RATE_LIMIT_PER_MINUTE", repr(text), f"a whole number from 1 to {REQUESTS_PER_MINUTE_MAX}")
        return DEFAULT_REQUESTS_PER_MINUTE
    return int(text)


def _trusted_proxies(text: str, problem: Problem) -> tuple[Network, ...]:
    try:
        return parse_networks(text)
    except ValueError as error:
        problem("ARENA_TRUSTED_PROXIES", str(error), "networks separated by commas, e.g. 10.0.0.0/16, 2001:db8::/48")
        return ()
