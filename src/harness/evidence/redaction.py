"""Keeps credentials out of everything that is written: shapes that are always secret, and the run's own secrets."""

from __future__ import annotations

import re

REDACTED = "<redacted>"

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_BEARER = re.compile(r"(?i)(bearer\s+)(?!<|\$)[A-Za-z0-9._~+/=-]{12,}")
_DSN = re.compile(r"(postgres(?:ql)?://[^:/@\s\"']+:)[^@\s\"']+(@)")
_COOKIE_HEADER = re.compile(r'(?i)\b(?:set-)?cookie"?\s*:\s*"?(?:<redacted>|[^\r\n"\\<])*')
_SECRET_LENGTH_MIN = 8  # shorter "secrets" would redact ordinary words
_COOKIE_LENGTH_MIN = 16  # OWASP asks for 64 bits in a session id: 16 hex digits

_COOKIE_VALUE = re.compile(
    rf"(?i)(?<![\w-])(?!(?:domain|path|expires|max-age|samesite|priority)=)([^\s=;:,\"]+)=[^;\s<]{{{_COOKIE_LENGTH_MIN},}}"
)

_known: set[str] = set()


def remember_secret(secret: str) -> None:
    """From now on this text is replaced wherever this process writes evidence. Texts under 8 characters are ignored."""
    if len(secret) >= _SECRET_LENGTH_MIN:
        _known.add(secret)


def remember_cookie(value: str) -> None:
    """Remembers a cookie's value where it is long enough to be a credential: the word of a flash message is none."""
    if len(value) >= _COOKIE_LENGTH_MIN:
        remember_secret(value)


def redact(text: str) -> str:
    """The text without credentials: known secrets, web tokens, bearer values, long cookies, passwords in database addresses."""
    for secret in tuple(_known):  # another stage may learn one meanwhile
        text = text.replace(secret, REDACTED)
    text = _JWT.sub(REDACTED, text)
    text = _COOKIE_HEADER.sub(lambda header: _COOKIE_VALUE.sub(rf"\g<1>={REDACTED}", header[0]), text)
    text = _BEARER.sub(rf"\g<1>{REDACTED}", text)
    return _DSN.sub(rf"\g<1>{REDACTED}\g<2>", text)
