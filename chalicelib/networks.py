"""Client addresses: which of those a request names is believed, and what is counted as one client."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNKNOWN_CLIENT: Final = "unknown"
"""What requests without a legible address are counted as, all of them together."""

CLIENT_PREFIX_IPV6: Final = 64
"""Providers give one customer at least so long a prefix: of its addresses the customer has as many as they like."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks in CIDR notation, separated by commas; a bare address is a network of one.

    Raises ``ValueError`` naming the part that is none, has bits set behind its prefix, or holds every address.
    """
    networks = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    for network in networks:
        if network.prefixlen == 0:
            raise ValueError(f"'{network}' holds every address")
    return networks


def client_address(source: str, forwarded_for: str, trusted: Sequence[Network]) -> Address | None:
    """Who sent a request that came from ``source`` with this X-Forwarded-For value; None if ``source`` is illegible.

    Only what a trusted proxy appended is believed: from the right, entries of trusted proxies are passed over and the
    first other one is the client. What stands left of it anybody may have written. An entry that is no address ends
    the search, and the proxy that passed it on counts as the client.
    """
    client = _address(source)
    entries = forwarded_for.split(",") if forwarded_for else []
    while client is not None and entries and any(client in network for network in trusted):
        before = _address(entries.pop())
        if before is None:
            break
        client = before
    return client


def client_group(address: Address | None) -> str:
    """The text ``address`` is counted under: itself, or an IPv6 address's /64."""
    if address is None:
        return UNKNOWN_CLIENT
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address) >> CLIENT_PREFIX_IPV6 << CLIENT_PREFIX_IPV6, CLIENT_PREFIX_IPV6)))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
