"""Who a request comes from: an address that the client cannot choose.

It is the address of the connection. Only where that one is a proxy of ours (``TRUSTED_PROXIES``) is what the proxy says
believed, and of that only what proxies of ours added: the last address of ``X-Forwarded-For`` that is none of them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.types import Scope

from tpe.settings import Network

Address = IPv4Address | IPv6Address

UNKNOWN: Final = "unknown"
"""The client of a connection without an address (a socket of the file system): all of them are one client."""
IPV6_PREFIX: Final = 64
"""A subscriber gets this many bits at least, so every address of such a network is one client."""
HOPS_MAX: Final = 16
"""Entries of the header that are looked at: more proxies than anybody has in a row."""


class ClientAddresses:
    """Finds the client of a request."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted

    def of(self, scope: Scope) -> str:
        """Give the client's address, or its /64 network for IPv6."""
        peer = _address(scope["client"][0]) if scope.get("client") else None
        if peer is None:
            return UNKNOWN
        nearest = peer
        if self._is_ours(peer):
            said = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
            for text in reversed(said[-HOPS_MAX:]):
                address = _address(text.strip())
                if address is None:
                    break
                nearest = address
                if not self._is_ours(address):
                    break
        return _name(nearest)

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._trusted if network.version == address.version)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _name(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address, IPV6_PREFIX), strict=False))


async def client_of(request: Request) -> str:
    """Give the client that the rate limit found for this request. Use as the dependency ``ClientDep``."""
    client: str = request.state.client
    return client


ClientDep = Annotated[str, Depends(client_of)]
