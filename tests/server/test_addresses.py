"""Where a request comes from, also behind proxies."""

import pytest

from server.addresses import NOWHERE, Addresses, name_of

PROXIES = "10.0.0.0/8, 192.0.2.7,2001:db8:ffff::/48"


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_address_is_named_by_what_one_owner_has(peer, name):
    assert name_of(peer) == name


@pytest.mark.parametrize(
    ("peer", "forwarded", "name"),
    [
        ("192.0.2.1", [b"198.51.100.1"], "192.0.2.1"),
        ("192.0.2.7", [b"198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [b"6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [b"6.6.6.6,198.51.100.1, 10.9.9.9,192.0.2.7"], "198.51.100.1"),
        ("10.1.2.3", [b"6.6.6.6", b"198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [b"10.5.5.5, 10.6.6.6"], "10.5.5.5"),
        ("10.1.2.3", [], "10.1.2.3"),
        ("10.1.2.3", [b""], "10.1.2.3"),
        ("10.1.2.3", [b"198.51.100.1, unknown"], "10.1.2.3"),
        ("10.1.2.3", [b"198.51.100.1, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", [b"198.51.100.1:4711"], "198.51.100.1"),
        ("2001:db8:ffff::1", [b"[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        ("2001:db8:ffff::1", [b"2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", [b"::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", [b"\xff\xfe"], "10.1.2.3"),
        ("", [b"198.51.100.1"], ""),
    ],
)
def test_only_trusted_proxies_are_believed_and_only_what_they_added(peer, forwarded, name):
    assert Addresses(PROXIES).behind(peer, forwarded) == name
    headers = [(b"host", b"x"), *((b"x-forwarded-for", value) for value in forwarded)]
    assert Addresses(PROXIES).of({"client": (peer, 1), "headers": headers}) == name
    assert Addresses().behind(peer, forwarded) == name_of(peer)


def test_a_connection_from_no_address_is_from_nowhere():
    assert Addresses(PROXIES).of({"client": None, "headers": []}) == NOWHERE


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/8", "1.2.3", "*"])
def test_what_is_no_address_cannot_be_trusted(text):
    with pytest.raises(ValueError):
        Addresses(text)
