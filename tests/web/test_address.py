"""The address that limits count cannot be chosen by whoever is counted."""

from ipaddress import ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scoreboard.web.address import Network, client_address

PROXIES: tuple[Network, ...] = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def scope(peer: str | None, *forwarded: str) -> dict[str, object]:
    headers = [(b"x-forwarded-for", line.encode("latin-1", "replace")) for line in forwarded]
    client = None if peer is None else (peer, 5_000)
    return {"client": client, "headers": [(b"host", b"a"), *headers]}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("testclient", "unknown"),
    ],
)
def test_a_peer_counts_as_itself_and_ipv6_as_its_network(peer: str | None, address: str) -> None:
    assert client_address(scope(peer), ()) == address
    assert client_address(scope(peer), PROXIES) == address


@given(st.lists(st.text(max_size=20), max_size=3))
@example(["198.51.100.7"])
@example(["198.51.100.7, 10.0.0.1"])
def test_a_stranger_is_not_believed_whatever_it_forwards(lines: list[str]) -> None:
    assert client_address(scope("203.0.113.9", *lines), PROXIES) == "203.0.113.9"
    assert client_address(scope("203.0.113.9", *lines), ()) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        (["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, 10.2.0.1"], "198.51.100.7"),
        (["junk, 198.51.100.7"], "198.51.100.7"),
        (["10.3.0.1, 10.2.0.1"], "10.3.0.1"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        (["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ([], "10.0.0.1"),
        (["198.51.100.7, junk"], "10.0.0.1"),
        (["198.51.100.7,"], "10.0.0.1"),
        (["198.51.100.7:80"], "10.0.0.1"),
        (["198.51.100.7, unknown, 10.2.0.1"], "10.0.0.1"),
        (["0x7f.1"], "10.0.0.1"),
        (["010.0.0.1"], "10.0.0.1"),
        (["é"], "10.0.0.1"),
    ],
)
def test_trusted_proxies_are_believed_hop_by_hop(forwarded: list[str], address: str) -> None:
    assert client_address(scope("10.0.0.1", *forwarded), PROXIES) == address
    mapped = client_address(scope("::ffff:10.0.0.1", *forwarded), PROXIES)
    assert mapped == address


@given(st.lists(st.text(alphabet="0123456789abcdef.:, %é\x00", max_size=40), max_size=3))
def test_no_header_makes_it_fail(lines: list[str]) -> None:
    assert client_address(scope("10.0.0.1", *lines), PROXIES)
