"""Addresses of this machine to come from: on the loopback every one is ours."""

from __future__ import annotations

import secrets
import socket
from ipaddress import ip_address


def fresh_address() -> str:
    """An address of this machine that no other client has: one of 14 million, none of 127.0.0.0/16 (which programs use)."""
    return ".".join(("127", str(16 + secrets.randbelow(224)), str(secrets.randbelow(256)), str(1 + secrets.randbelow(254))))


def can_come_from(address: str) -> bool:
    """Whether a connection can come from this address: some systems have 127.0.0.1 alone."""
    try:
        with socket.create_server((address, 0)):
            return True
    except OSError:
        return False


def is_every_address_ours(host: str) -> bool:
    """Whether connections to this host can come from any address of 127.0.0.0/8."""
    try:
        return host == "localhost" or (ip_address(host).version == 4 and ip_address(host).is_loopback)
    except ValueError:
        return False
