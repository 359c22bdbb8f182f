"""Bytes that are no text, within the text of a body: each stands as a character of a private range that no platform uses.

So a request with a picture in it can be written into any report or file and be sent again from there.
"""

from __future__ import annotations

import re

_START = 0xF700
_RAW = re.compile(r"([\uf780-\uf7ff])")


def as_text(data: bytes) -> str:
    """Bytes as a text: ASCII as it is, all others by their stand-ins."""
    return "".join(chr(byte if byte < 0x80 else _START + byte) for byte in data)


def as_bytes(text: str) -> bytes:
    """A text as it is sent: stand-ins as their bytes, all else as UTF-8, and half a surrogate pair as if it were a character."""
    parts = _RAW.split(text)  # every second one is a stand-in
    return b"".join(
        bytes([ord(part) - _START]) if number % 2 else part.encode("utf-8", errors="surrogatepass")
        for number, part in enumerate(parts)
    )
