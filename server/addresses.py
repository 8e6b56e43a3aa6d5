"""Where a request comes from: the name of an address, also behind proxies."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from starlette.types import Scope

IPV6_PREFIX = 64
"""Bits of an IPv6 address that name its owner: who has one has all that begin with them."""
NOWHERE = ""
"""The name for a connection that comes from no address."""
FORWARDED = b"x-forwarded-for"


class Addresses:
    """Names addresses, and believes what trusted proxies say of theirs.

    `trusted`: addresses and networks, separated by commas.
    """

    def __init__(self, trusted: str = "") -> None:
        self._trusted = [ipaddress.ip_network(each.strip()) for each in trusted.split(",") if each.strip()]
        self.trusts = lru_cache(maxsize=4096)(self._trusts)

    def of(self, scope: Scope) -> str:
        """The name of the client's address."""
        peer = scope["client"][0] if scope.get("client") else NOWHERE
        if not self._trusted:
            return name_of(peer)
        return self.behind(peer, [value for name, value in scope["headers"] if name == FORWARDED])

    def behind(self, peer: str, forwarded: Iterable[bytes]) -> str:
        """The name of the last address before the trusted proxies; what is before it anybody may have
        written."""
        if not self._trusted or not self.trusts(peer):
            return name_of(peer)
        last = peer
        for each in reversed(b",".join(forwarded).decode("latin-1").split(",")):
            address = _address_in(each.strip())
            if address is None:
                break
            last = address
            if not self.trusts(address):
                break
        return name_of(last)

    def _trusts(self, peer: str) -> bool:
        try:
            address = _plain(peer)
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=4096)
def name_of(peer: str) -> str:
    """Under which an address is counted: itself, or the network of an IPv6 address."""
    try:
        address = _plain(peer)
    except ValueError:
        return peer
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))


def _plain(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Raises ValueError. An IPv4 address that is written as one of IPv6 is an IPv4 address."""
    address = ipaddress.ip_address(text)
    return (address.version == 6 and address.ipv4_mapped) or address


def _address_in(text: str) -> str | None:
    """`1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1` or `[2001:db8::1]:5678`; None for anything else."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        return str(_plain(host))
    except ValueError:
        return None
