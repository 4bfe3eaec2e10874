"""Settings of the rate limits: checked at start-up, each problem naming key, value and what is allowed."""

from ipaddress import ip_network

import pytest

from chalicelib.settings import SettingsError, load
from tests.unit.test_settings import DEVELOPMENT, PRODUCTION, SECRETS

PLAIN = {key: value for key, value in DEVELOPMENT.items() if key != "ARENA_RATE_LIMITS"}


def problems(environ: dict[str, str], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, secrets)
    return list(caught.value.problems)


def test_unsaid_limits_are_on_and_no_proxy_is_trusted() -> None:
    rates = load(PLAIN).rates
    assert (rates.enforced, rates.requests_per_minute, rates.trusted_proxies) == (True, 600, ())


def test_what_is_said_is_taken() -> None:
    said = {"ARENA_RATE_LIMITS": " Off ", "RATE_LIMIT_PER_MINUTE": "90", "ARENA_TRUSTED_PROXIES": "10.0.0.0/16,::1"}
    rates = load({**PLAIN, **said}).rates
    assert (rates.enforced, rates.requests_per_minute) == (False, 90)
    assert rates.trusted_proxies == (ip_network("10.0.0.0/16"), ip_network("::1/128"))


def test_production_never_goes_without_limits() -> None:
    assert load({**PRODUCTION, "ARENA_RATE_LIMITS": "on"}, SECRETS).rates.enforced
    assert problems({**PRODUCTION, "ARENA_RATE_LIMITS": "off"}, SECRETS) == [
        "ARENA_RATE_LIMITS: 'off'; never in production; remove it, or set it to on"
    ]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ARENA_RATE_LIMITS", "maybe", "'maybe'; allowed: on"),
        ("RATE_LIMIT_PER_MINUTE", "0", "'0'; a whole number from 1 to 1000000"),
        ("RATE_LIMIT_PER_MINUTE", "1.5", "'1.5'; a whole number"),
        ("RATE_LIMIT_PER_MINUTE", "-1", "'-1'; a whole number"),
        ("RATE_LIMIT_PER_MINUTE", "1000001", "'1000001'; a whole number"),
        (
            "ARENA_TRUSTED_PROXIES",
            "10.0.0.0/8, proxy",
            "'proxy' does not appear to be an IPv4 or IPv6 network; networks",
        ),
        ("ARENA_TRUSTED_PROXIES", "0.0.0.0/0", "'0.0.0.0/0' holds every address; networks separated by commas"),
        ("ARENA_TRUSTED_PROXIES", "10.1.0.0/8", "10.1.0.0/8 has host bits set; networks"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(key: str, value: str, words: str) -> None:
    (problem,) = problems({**PLAIN, key: value})
    assert problem.startswith(f"{key}: {words}")
