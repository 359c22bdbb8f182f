"""Operations that destroy what the other checks use: credentials, sessions, accounts, all data. They run apart, on fresh data.

The target file's word counts; where it is silent, the operation's own form and name tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.model.target import Target
from harness.probes.openapi.document import Document
from harness.probes.openapi.operations import Operation
from harness.probes.scene.flows import members_of, resets
from harness.probes.scene.passwords import is_change

_LOG_OUT = re.compile(r"(log|sign)[\s_-]?(out|off)", re.I)
_SESSION = re.compile(r"^(my[_-]?)?(auth[_-]?)?(session|token|login)s?$", re.I)
_ENDS_SESSION = re.compile(r"revoke|deactivate|(end|close|delete|terminate|cancel)[-_]?(session|account)|session[-_/]?end", re.I)
_OWN_ACCOUNT = re.compile(r"^(me|self|account|my[_-]?account|profile|user)$", re.I)
_CLOSES_ACCOUNT = re.compile(r"^(deactivate|disable|close|delete|terminate)([-_]?(me|self|account|profile))?$", re.I)
_ALL_DATA = re.compile(
    r"^((create|re-?create|init|reset|wipe|purge|drop|truncate|flush|populate|re-?seed|clear)[_-]?(db|database|data|all|everything)"
    r"|re-?seed|wipe|purge|factory[_-]?reset)$",
    re.I,
)
_OPEN_WHILE = re.compile(r"^(is[-_]?)?(active|enabled)$", re.I)
_CLOSED_WHILE = re.compile(r"^(is[-_]?)?(deactivated|disabled|suspended|blocked|banned|locked|closed|archived)$", re.I)
_STATE = re.compile(r"^(account[-_]?)?(status|state)$", re.I)
_CLOSED = re.compile(r"^(inactive|deactivated|disabled|suspended|blocked|banned|locked|closed|terminated|archived)$", re.I)
PEOPLE = ("user", "account", "member", "customer", "client", "employee", "person")


def destructive(document: Document, target: Target) -> frozenset[str]:
    """Names of the operations that run apart."""
    confirming = resets(document, target.codes)
    return frozenset(op.name for op in document.operations if _destroys(document, target, op, confirming))


def locks_out(document: Document, target: Target, operation: Operation) -> bool:
    """Whether somebody who logged in before cannot do so any more after a destructive operation, as after no log-out."""
    if operation.name in resets(document, target.codes) or closes_account(operation) or changes_password(document, operation):
        return True
    return bool(_ALL_DATA.search(_last(operation)) or leaving_open(document, target, operation))


def logs_out(operation: Operation) -> bool:
    """Whether an operation ends the session that calls it: by its path, id or summary, or because it deletes one's session."""
    deletes_session = operation.method == "DELETE" and _SESSION.search(_last(operation))
    return bool(deletes_session or _LOG_OUT.search(f"{_last(operation)} {operation.operation_id} {operation.summary}"))


def closes_account(operation: Operation) -> bool:
    """Whether an operation closes the account of who calls it, so that nothing can be done with it afterwards."""
    if "{" in operation.path or logs_out(operation):
        return False
    deletes = operation.method == "DELETE" and is_own_account(operation)
    return bool(deletes or _CLOSES_ACCOUNT.search(_last(operation)))


def changes_password(document: Document, operation: Operation) -> bool:
    """Whether the body has a member for the present password and one for the new."""
    return is_change(operation, members_of(document, operation))


def closing_members(document: Document, operation: Operation) -> dict[str, Any]:
    """The member of a body that closes what it is sent for (`{"active": false}`, `{"status": "suspended"}`), where it has one."""
    return {name: closed for name, closed, _ in _switches(document, operation)}


def leaving_open(document: Document, target: Target, operation: Operation) -> dict[str, Any]:
    """The same member with a value that leaves the account open, of an operation that can close a user's account."""
    return {name: opened for name, _, opened in _switches(document, operation) if is_about_users(target, operation)}


def _switches(document: Document, operation: Operation) -> Iterator[tuple[str, Any, Any]]:
    """The first member that closes and opens: its name, the value that closes, one that does not."""
    for name, member in members_of(document, operation).items():
        if _OPEN_WHILE.search(name):
            yield name, False, True
            return
        if _CLOSED_WHILE.search(name):
            yield name, True, False
            return
        values = member.get("enum") if isinstance(member, Mapping) and _STATE.search(name) else None
        closed = [value for value in values if _CLOSED.search(str(value))] if isinstance(values, list) else []
        if isinstance(values, list) and closed and len(closed) < len(values):
            yield name, closed[0], next(value for value in values if value not in closed)
            return


def is_about_users(target: Target, operation: Operation) -> bool:
    """Whether a path names one user: `/members/{id}`, `/admin/partners/{partner_id}/approval`."""
    return any(names_people(target, segment) for segment in re.findall(r"/([^/{}]+)/\{[^{}]+\}", operation.path))


def names_people(target: Target, segment: str) -> bool:
    """Whether a segment of a path is called as users are, or as the users of a role."""
    people = (*PEOPLE, *(role.name for role in target.roles))
    return any(segment.lower() in (word, f"{word}s", f"{word[:-1]}ies") for word in people)


def _destroys(document: Document, target: Target, operation: Operation, confirming: frozenset[str]) -> bool:
    said = target.hint(operation.name).destructive
    if said is not None:
        return said
    if _ALL_DATA.search(_last(operation)) or operation.name in confirming:
        return True
    if operation.is_safe or not operation.is_secured:
        return False
    words = f"{operation.path.rsplit('}', 1)[-1]} {operation.operation_id}"
    ends_account = operation.method == "DELETE" and is_own_account(operation)
    if ends_account or logs_out(operation) or _ENDS_SESSION.search(words):
        return True
    return changes_password(document, operation) or bool(leaving_open(document, target, operation))


def is_own_account(operation: Operation) -> bool:
    """Whether the operation is about the account of who asks (`/me`), by its path."""
    return "{" not in operation.path and _OWN_ACCOUNT.search(_last(operation)) is not None


def _last(operation: Operation) -> str:
    return operation.path.rstrip("/").rsplit("/", 1)[-1]
