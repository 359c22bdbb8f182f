"""Public keys that a target shows, as the texts that a careless verifier takes for a shared secret (RFC 8725, 2.1 and 3.1)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

PATHS = (
    "/.well-known/jwks.json",
    "/jwks.json",
    "/.well-known/jwks",
    "/jwks",
    "/api/jwks.json",
    "/api/.well-known/jwks.json",
    "/oauth/jwks",
    "/oauth2/jwks",
    "/auth/jwks.json",
    "/public-key",
    "/public.pem",
    "/.well-known/public.pem",
)
KEYS_MAX = 4
_PEM = re.compile(r"-----BEGIN (?:RSA )?PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END (?:RSA )?PUBLIC KEY-----")
_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")  # the algorithm of RFC 8017, with its NULL


def public_keys(answers: Iterable[tuple[str, Any]]) -> tuple[str, ...]:
    """PEM texts of the keys in some answers, each as text and parsed JSON; at most `KEYS_MAX`."""
    found: list[str] = []
    for text, data in answers:
        found += [key.replace("\\n", "\n") for key in _PEM.findall(text.replace("\\n", "\n"))]
        found += _of_key_set(data)
    return tuple(dict.fromkeys(found))[:KEYS_MAX]


def _of_key_set(data: Any) -> Iterator[str]:
    keys = data.get("keys") if isinstance(data, Mapping) else None
    for key in keys if isinstance(keys, list) else ():
        if isinstance(key, Mapping) and key.get("kty") == "RSA":
            try:
                yield rsa_pem(_number(str(key["n"])), _number(str(key["e"])))
            except (KeyError, ValueError, binascii.Error):
                continue


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def rsa_pem(modulus: int, exponent: int) -> str:
    """An RSA key as the usual text of a public key (SubjectPublicKeyInfo, RFC 5280), with the line break at its end."""
    numbers = _der(0x30, _integer(modulus) + _integer(exponent))
    content = base64.b64encode(_der(0x30, _RSA_ENCRYPTION + _der(0x03, b"\0" + numbers))).decode()
    lines = "\n".join(content[start : start + 64] for start in range(0, len(content), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content
