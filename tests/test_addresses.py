import ipaddress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.fetch.addresses import may_dial

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "2002:101:101::1", "::ffff:1.1.1.1"]
PRIVATE = ["127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "::1"]
PRIVATE += ["fc00::1", "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]
NEVER = ["0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.1.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"]
NEVER += ["255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "fe80::1", "fe80::1%eth0"]
NEVER += ["fec0::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254", "::ffff:0.0.0.0"]
NEVER += ["64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:a9fe:a9fe::", "::7f00:1", "3fff::1", "4000::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_dialled(address: str) -> None:
    assert may_dial(ipaddress.ip_address(address))
    assert may_dial(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_permission(address: str) -> None:
    assert not may_dial(ipaddress.ip_address(address))
    assert may_dial(ipaddress.ip_address(address), allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_dialled(address: str) -> None:
    assert not may_dial(ipaddress.ip_address(address))
    assert not may_dial(ipaddress.ip_address(address), allow_private=True)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.ip_addresses())
def test_permission_only_ever_adds_addresses(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert may_dial(address) <= may_dial(address, allow_private=True)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.ip_addresses(v=4), st.booleans())
def test_a_wrapped_address_is_judged_like_a_bare_one(address: ipaddress.IPv4Address, allow: bool) -> None:
    expected = may_dial(address, allow_private=allow)
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert may_dial(ipaddress.ip_address(wrapped), allow_private=allow) == expected
