"""Who a request comes from: nothing that a client writes makes it another one."""

from __future__ import annotations

import pytest

from tpe.infra.clients import HOPS_MAX, UNKNOWN, ClientAddresses
from tpe.settings import parse_networks

ADDRESSES = ClientAddresses(parse_networks("10.0.0.1, 10.1.0.0/16, fd00::/8"))


def client(peer: str | None, *forwarded: str) -> str:
    headers = [(b"x-forwarded-for", text.encode("latin-1")) for text in forwarded]
    return ADDRESSES.of({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


def test_a_connection_from_anywhere_is_its_own_address_whatever_it_says() -> None:
    assert client("203.0.113.5") == "203.0.113.5"
    assert client("203.0.113.5", "6.6.6.6") == "203.0.113.5"
    assert client("10.0.0.2", "6.6.6.6") == "10.0.0.2"


def test_a_proxy_of_ours_is_believed() -> None:
    assert client("10.0.0.1", "203.0.113.5") == "203.0.113.5"
    assert client("fd00::1", "2001:db8::1") == "2001:db8::/64"


@pytest.mark.parametrize(
    "forwarded",
    [
        ("6.6.6.6, 203.0.113.5",),
        ("6.6.6.6", "203.0.113.5"),
        ("6.6.6.6, 203.0.113.5, 10.1.2.3",),
        ("nonsense, 203.0.113.5 , 10.1.2.3, 10.1.2.4",),
        (", ".join(["6.6.6.6"] * 1_000) + ", 203.0.113.5",),
    ],
)
def test_what_stands_before_the_last_stranger_is_the_clients_own_and_not_looked_at(forwarded: tuple[str, ...]) -> None:
    assert client("10.0.0.1", *forwarded) == "203.0.113.5"


@pytest.mark.parametrize("text", ["", "unknown", "203.0.113.5:443", "6.6.6.6, x", "\xff", "1" * 5_000])
def test_a_proxy_that_says_no_address_is_the_client_itself(text: str) -> None:
    assert client("10.0.0.1", text) == "10.0.0.1"


def test_only_so_many_hops_are_looked_at() -> None:
    assert client("10.0.0.1", ", ".join(["6.6.6.6"] + ["10.1.0.1"] * HOPS_MAX)) == "10.1.0.1"


def test_all_addresses_of_an_ipv6_subscriber_are_one_client_and_a_mapped_one_is_its_ipv4_address() -> None:
    assert client("2001:db8:1:2:3::4") == client("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert client("2001:db8:1:3::4") != client("2001:db8:1:2::4")
    assert client("::ffff:203.0.113.5") == "203.0.113.5"


def test_connections_without_an_address_are_one_client() -> None:
    assert client(None) == client("", "6.6.6.6") == UNKNOWN


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy.example.test", "10.0.0.1/8"])
def test_a_trusted_proxy_that_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="must be addresses or networks"):
        parse_networks(f"127.0.0.1, {text}")
