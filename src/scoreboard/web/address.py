"""Whose address a request comes from, as far as it can be believed."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SITE_BITS = 64
UNKNOWN = "unknown"


def client_address(scope: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """The address that limits count: the peer's, or the one that trusted proxies vouch for.

    ``X-Forwarded-For`` is read from the right: each hop was written by the one after it, so it is
    believed only as long as that one is trusted. A header with anything but addresses in the part
    that is read counts for nothing. A peer without an address is ``unknown``.

    An IPv6 address stands for its /64, because that is what one customer gets: limits for single
    addresses would be no limits for them.
    """
    peer = scope.get("client")
    text = peer[0] if peer else ""
    if not trusted:
        return _counted(text)
    address = _parse(text)
    if address is None or not _within(address, trusted):
        return _counted(text)
    return _vouched(address, _hops(scope), trusted)


def _vouched(peer: Address, hops: list[str], trusted: tuple[Network, ...]) -> str:
    address = peer
    for hop in reversed(hops):
        parsed = _parse(hop)
        if parsed is None:
            return _counted(str(peer))
        address = parsed
        if not _within(address, trusted):
            break
    return _counted(str(address))


def _hops(scope: Mapping[str, Any]) -> list[str]:
    # Several header lines are one list (RFC 9110, section 5.3).
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    if not lines:
        return []
    return [hop.strip() for hop in b",".join(lines).decode("latin-1").split(",")]


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


@lru_cache(maxsize=65_536)
def _counted(text: str) -> str:
    address = _parse(text)
    if address is None:
        return UNKNOWN
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, SITE_BITS), strict=False))
    return str(address)


def _parse(text: str) -> Address | None:
    """The address; an IPv4 address in the clothes of an IPv6 one is an IPv4 address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
