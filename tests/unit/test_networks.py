"""Who sent a request: only what a trusted proxy says is believed."""

from ipaddress import ip_network

import pytest

from chalicelib.networks import UNKNOWN_CLIENT, client_address, client_group, parse_networks

PROXIES = parse_networks("10.0.0.0/8, 2001:db8:ffff::/48, 192.0.2.7")


def client(source: str, forwarded_for: str = "") -> str:
    return client_group(client_address(source, forwarded_for, PROXIES))


@pytest.mark.parametrize(
    ("source", "forwarded_for", "expected"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.2.3.4, 198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "1.2.3.4,198.51.100.1 ,10.1.2.3", "198.51.100.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "10.4.4.4, 10.5.5.5", "10.4.4.4"),
        ("192.0.2.7", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:ffff::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_last_entry_no_trusted_proxy_stands_for_is_the_client(
    source: str, forwarded_for: str, expected: str
) -> None:
    assert client(source, forwarded_for) == expected


@pytest.mark.parametrize(
    "entry", ["unknown", "_hidden", "198.51.100.1:4711", "[2001:db8::1]", "300.1.1.1", "", " ", "01.2.3.4", "1.2.3"]
)
def test_what_is_no_address_ends_the_search_at_the_proxy_that_passed_it_on(entry: str) -> None:
    assert client("10.1.2.3", f"198.51.100.1, {entry}") == "10.1.2.3"
    assert client("10.1.2.3", f"198.51.100.1, {entry}, 10.8.8.8") == "10.8.8.8"


@pytest.mark.parametrize("source", ["", "test-invoke-source-ip", "10.0.0.0/8"])
def test_requests_without_a_legible_source_are_one_client_whatever_they_say(source: str) -> None:
    assert client(source, "198.51.100.1") == UNKNOWN_CLIENT


def test_addresses_of_one_ipv6_customer_are_one_client() -> None:
    assert client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert client("2001:db8:1:3::1") != client("2001:db8:1:2::1")
    assert client("fe80::1%eth0") == "fe80::/64"


def test_networks_are_read_with_spaces_and_bare_addresses() -> None:
    expected = (ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48"), ip_network("192.0.2.7/32"))
    assert expected == PROXIES
    assert parse_networks(" , ") == ()


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "10.0.0.1/8", "10.0.0.0/33", "proxy", "10.0.0.0/8;192.0.2.7"])
def test_networks_that_are_none_or_everything_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_networks(f"192.0.2.7, {text}")
