"""Decide which IP addresses may be connected to."""

from __future__ import annotations

import ipaddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Cloud metadata services on addresses that no registry marks as special; the 169.254.169.254 of most clouds is
# link-local and refused as such. 100.100.100.200: Alibaba; 168.63.129.16: Azure; 192.0.0.192: Oracle;
# fd00:ec2::254: AWS; fd20:ce::254: Google.
METADATA_ADDRESSES = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::253", "fd20:ce::254"),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, newer than the tables of Python 3.11
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")  # RFC 1122; Linux takes 0.0.0.0 for localhost


def may_dial(address: IPAddress, *, allow_private: bool = False) -> bool:
    """Say whether a connection to `address` may be opened.

    Addresses on the public internet may. With `allow_private`, private, shared and loopback addresses may too.
    Link-local, multicast, reserved, unspecified and metadata addresses never may. An IPv6 address that embeds an IPv4
    one (mapped, NAT64, 6to4) is judged as that IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address in _NAT64_LOCAL or address in _DOCUMENTATION:
            return False
        if address in METADATA_ADDRESSES:
            return False
        inside = _embedded(address)
        if inside is not None:
            return may_dial(inside, allow_private=allow_private)
    elif address in _THIS_NETWORK:
        return False
    if address in METADATA_ADDRESSES:
        return False
    if address.is_loopback:
        return allow_private
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False
    return allow_private or address.is_global


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
