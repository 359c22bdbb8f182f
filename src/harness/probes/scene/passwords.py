"""Which members of a body are the password that a user has now, and the one that is to take its place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.probes.openapi.operations import Operation

_PRESENT = r"(current|old|existing|present|previous)"
_SECRET = r"(pass|pwd|secret)"
_PRESENT_SECRET = re.compile(rf"{_PRESENT}.*{_SECRET}|{_SECRET}.*{_PRESENT}", re.I)
_NEW_SECRET = re.compile(
    rf"new.*{_SECRET}|{_SECRET}.*new|(confirm|repeat|again).*{_SECRET}|{_SECRET}.*(confirm|repeat|again)", re.I
)
# Where the operation itself is about passwords its members often leave the word out: `POST /me/password {old, new}`.
_BARE_PRESENT = re.compile(rf"^{_PRESENT}$", re.I)
_BARE_NEW = re.compile(r"^(new|next|confirm|repeat|again)$", re.I)
_OWN_ADDRESS = re.compile(
    r"\b(me|account|profile|self|users?)\b.*e[-_]?mail|(change|update)[-_]?e[-_]?mail|e[-_]?mail[-_]?change", re.I
)
_ABOUT_PASSWORDS = re.compile(r"passw|pwd|secret|credential", re.I)


def asks_present(operation: Operation, name: str) -> bool:
    """Whether a member is the password that the user has now: also a bare `password` where one's address is to be another."""
    if _PRESENT_SECRET.search(name) or (_is_about_passwords(operation) and _BARE_PRESENT.search(name)):
        return True
    return operation.is_secured and bool(
        _OWN_ADDRESS.search(operation.path) and re.fullmatch(r"pass(word|phrase)?|pwd", name, re.I)
    )


def asks_new(operation: Operation, name: str) -> bool:
    """Whether a member is the password that the user wants to have, or that one once more."""
    if asks_present(operation, name):
        return False
    if _NEW_SECRET.search(name):
        return True
    return _is_about_passwords(operation) and bool(
        _BARE_NEW.search(name) or re.fullmatch(r"(pass|pwd|password|secret)", name, re.I)
    )


def is_change(operation: Operation, names: Iterable[str]) -> bool:
    """Whether an operation with these members changes one's own password: it takes the present one and a new one."""
    members = tuple(names)
    return any(asks_present(operation, name) for name in members) and any(asks_new(operation, name) for name in members)


def _is_about_passwords(operation: Operation) -> bool:
    return bool(_ABOUT_PASSWORDS.search(f"{operation.path} {operation.operation_id}"))
